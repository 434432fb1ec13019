// The probes that pods declare: run here as the kubelet runs them, and as the kubelets count them.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/deployment/signing.h"
#include "pawk8s/kube/informer.h"
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

// A pod over a time in which nothing was asked of it.
struct SteadyPod {
  std::string pod;
  std::string change;  // of its Ready condition or of a restart count; empty: none
  struct Probed {
    std::string container;  // that declares readiness or liveness probes
    ProbeCount grown;
  };
  std::vector<Probed> probed;
};
struct SteadyPods {
  std::vector<SteadyPod> pods;
  Progress progress;  // of the chain meanwhile
};
// Watches `pods` and the counts of their kubelets for `over`.
[[nodiscard]] absl::StatusOr<SteadyPods> WatchProbes(Deployment& paw,
                                                     const std::vector<kube::Pod>& pods,
                                                     Millis over, const Deadline& deadline);

// The first change of a pod's Ready condition or of a restart count among `changes`, which follow
// on `before`; empty if there is none.
[[nodiscard]] std::string WhatChanged(const kube::Pod& before,
                                      const std::vector<kube::Change>& changes);
// What of a pod was not steady, or not probed; empty if all was.
[[nodiscard]] std::string WhyNotSteady(const SteadyPod& pod);

}  // namespace pawk8s
