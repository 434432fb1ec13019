// The profile: everything a case needs to know of one deployment that is not the same everywhere.
// The annotated reference of its keys is fixtures/profiles/testbed.yaml.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"

namespace pawk8s {

enum class WorkloadKind { kStatefulSet, kDeployment };

// A workload of the deployment by its role.
struct WorkloadRef {
  WorkloadKind kind = WorkloadKind::kDeployment;
  std::string ns;
  std::string name;
  std::string container;  // the one that runs the chain's program
  int min_replicas = 1;

  // "StatefulSet paw/paw-validator"
  [[nodiscard]] std::string ToString() const;
};

struct Profile {
  std::string file;

  struct {
    std::string kubeconfig;
    std::string context;
  } cluster;

  struct {
    std::string kube_system_uid;
    std::string ca_sha256;
    std::string chain_id;
    std::string genesis_sha256;
  } identity;  // an empty value is not checked

  struct {
    bool disruption = false;
    bool agent = false;
    bool defects = false;
  } allow;

  std::string ns;
  WorkloadRef validators;
  WorkloadRef nodes;
  WorkloadRef api;
  std::uint16_t rpc_port = 26657;

  Millis pod_running{30'000};
  Millis pod_ready{60'000};
  Millis block_gap{10'000};
  int blocks_during_outage = 5;
  Millis peer_found{30'000};

  Millis case_budget{600'000};
  Millis restore_budget{240'000};

  // InvalidArgument "<file>:<line>: <what is wrong>" for an unknown or missing key, a value of the
  // wrong type or unit, or a ${VARIABLE} that nobody replaced; NotFound if there is no such file.
  static absl::StatusOr<Profile> Load(const std::filesystem::path& file);

  // Load() of the file that $PAWK8S_PROFILE names; FailedPrecondition if it names none.
  static absl::StatusOr<Profile> FromEnvironment();
};

// "250ms", "30s", "4m": a whole number and its unit. InvalidArgument for anything else.
[[nodiscard]] absl::StatusOr<Millis> ParseDuration(std::string_view text);

}  // namespace pawk8s
