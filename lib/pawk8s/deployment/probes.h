// The probes that pods declare: run here as the kubelet runs them, and as the kubelets count them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/kube/pod_spec.h"

namespace pawk8s {

// The container of that name as its pod's spec has it; FailedPrecondition if there is none.
[[nodiscard]] absl::StatusOr<kube::ContainerSpec> SpecOf(const kube::Pod& pod,
                                                         const std::string& container);

// One probe, run once.
struct ProbeRun {
  std::string probe;    // "readinessProbe"
  std::string failure;  // why the kubelet would count it as failed; empty: it would not
};
struct ProbedContainer {
  std::string pod;
  std::string container;
  std::vector<std::string> missing;  // of the three, those that are not declared
  std::vector<ProbeRun> runs;        // of the others
};
// Runs the declared ones of the three: HTTP and TCP from the pod's node to its address, a command
// in the container. Unimplemented for gRPC and HTTPS.
[[nodiscard]] absl::StatusOr<ProbedContainer> RunProbes(Deployment& paw, agent::Agent& agents,
                                                        const kube::Pod& pod,
                                                        const std::string& container,
                                                        const Deadline& deadline);

// How often a kubelet has run one container's probes since it started.
struct ProbeCount {
  std::int64_t succeeded = 0;
  std::int64_t failed = 0;  // or of unknown result
  friend bool operator==(const ProbeCount&, const ProbeCount&) = default;
};
struct ProbeKey {
  std::string pod_uid;
  std::string container;
  friend auto operator<=>(const ProbeKey&, const ProbeKey&) = default;
};
using ProbeCounts = std::map<ProbeKey, ProbeCount>;
// Of a kubelet's /metrics/probes: prober_probe_total, its probe types together. DataLoss for a line
// of it that has another form.
[[nodiscard]] absl::StatusOr<ProbeCounts> ParseProbeCounts(std::string_view metrics);

// As the kubelets of `nodes` say.
[[nodiscard]] absl::StatusOr<ProbeCounts> ReadProbeCounts(Deployment& paw,
                                                          const std::set<std::string>& nodes,
                                                          const Deadline& deadline);

}  // namespace pawk8s
