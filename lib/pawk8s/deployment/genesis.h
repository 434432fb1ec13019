// The genesis: what the deployment demands of it, and what each container has.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"
#include "pawk8s/deployment/deployment.h"

namespace pawk8s {

struct GenesisDemand {
  std::string where;  // "ConfigMap paw/paw-genesis-config, key GENESIS_SHA256"
  std::string sha256;
  std::string chain_id;
};
[[nodiscard]] absl::StatusOr<GenesisDemand> ReadGenesisDemand(Deployment& paw,
                                                              const Deadline& deadline);

// The genesis as it is handed out: of its ConfigMap.
[[nodiscard]] absl::StatusOr<std::string> ReadGenesis(Deployment& paw, const Deadline& deadline);

// As the pod's program sees it.
struct PodGenesis {
  std::string pod;
  std::string sha256;    // of the file's bytes
  std::string chain_id;  // in the file; empty if there is none
  std::string network;   // that the running program is on
};
[[nodiscard]] absl::StatusOr<PodGenesis> ReadPodGenesis(Deployment& paw, agent::Agent& agents,
                                                        const WorkloadRef& workload,
                                                        const kube::Pod& pod,
                                                        const Deadline& deadline);

[[nodiscard]] bool IsSha256(std::string_view text);
// What of `found` is not as demanded; empty if all is.
[[nodiscard]] std::string WhyNotTheGenesis(const GenesisDemand& demand, const PodGenesis& found);
// chain_id of a genesis; empty if the text has none.
[[nodiscard]] std::string ChainIdOf(const std::string& genesis);

}  // namespace pawk8s
