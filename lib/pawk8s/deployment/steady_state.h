// The deployment while nothing is asked of it but blocks: probes, conditions, processor time and
// signatures, all of the same while.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json_fwd.hpp"
#include "pawk8s/agent/agent.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/deployment/cpu_use.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/deployment/probes.h"
#include "pawk8s/deployment/signing.h"
#include "pawk8s/kube/objects.h"

namespace pawk8s {

struct SteadyPod {
  std::string pod;
  std::string change;  // of its Ready condition or of a restart count; empty: none
  struct Probed {
    std::string container;  // that declares readiness or liveness probes
    ProbeCount grown;
    friend bool operator==(const Probed&, const Probed&) = default;
  };
  std::vector<Probed> probed;
  friend bool operator==(const SteadyPod&, const SteadyPod&) = default;
};

// Whose precommits the blocks have.
struct SignedBlocks {
  std::string told_by;
  std::int64_t blocks = 0;
  std::map<std::string, std::int64_t> by_pod;  // of every validator
  friend bool operator==(const SignedBlocks&, const SignedBlocks&) = default;
};

struct SteadyState {
  std::vector<SteadyPod> pods;
  std::vector<CpuUse> validators;  // of the container of each; none without an agent
  Progress progress;
  SignedBlocks signing;

  [[nodiscard]] nlohmann::json ToJson() const;
  // Throws nlohmann::json::exception when it is of another form.
  [[nodiscard]] static SteadyState FromJson(const nlohmann::json& json);
};

// Watches `pods` for `over`: their kubelets' counts, and with `agents` the cgroups of the
// validators among them.
[[nodiscard]] absl::StatusOr<SteadyState> WatchSteadyState(Deployment& paw, agent::Agent* agents,
                                                           const std::vector<kube::Pod>& pods,
                                                           Millis over, const Deadline& deadline);

// What has become of a pod meanwhile: replaced, its Ready condition, a restart; empty if nothing.
// Two looks are enough, and unlike a watch neither of them can be silent: the time of a condition's
// last change and the count of restarts do not come back.
[[nodiscard]] std::string WhatChanged(const kube::Pod& before, const kube::Pod& now);
// What of a pod was not steady, or not probed; empty if all was.
[[nodiscard]] std::string WhyNotSteady(const SteadyPod& pod);

}  // namespace pawk8s
