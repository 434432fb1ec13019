#include <fmt/format.h>

#include <map>
#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/fault/faults.h"
#include "pawk8s/wait/until.h"

namespace pawk8s::fault {
namespace {

// Pods that a drain leaves alone: a DaemonSet makes them anew whatever the node is marked as, and
// static pods are the node's own.
bool IsLeftAlone(const kube::Pod& pod) {
  const auto owner = pod.controller();
  const auto phase = pod.phase();
  return (owner && (owner->kind == "DaemonSet" || owner->kind == "Node")) ||
         pod.annotation("kubernetes.io/config.mirror") || phase == "Succeeded" || phase == "Failed";
}

absl::StatusOr<std::vector<kube::Pod>> PodsToEvict(kube::Client& client, const std::string& node,
                                                   const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::ObjectList list,
                   client.List({kube::kPods, "", "", "spec.nodeName=" + node}, deadline));
  std::vector<kube::Pod> pods;
  for (const kube::Pod& pod : kube::As<kube::Pod>(list.items)) {
    if (!IsLeftAlone(pod)) pods.push_back(pod);
  }
  return pods;
}

}  // namespace

absl::StatusOr<Fault> Faults::Cordon(const std::string& node, const Deadline& deadline,
                                     const FaultOptions& options) {
  return Edit({kube::kNodes, "", node}, {{"spec", {{"unschedulable", true}}}}, "cordon " + node,
              deadline, options);
}

absl::StatusOr<Drain> Faults::DrainNode(const std::string& node, Millis evict_within,
                                        const Deadline& deadline, const FaultOptions& options) {
  kube::Client& client = context_->client;
  ASSIGN_OR_RETURN(const std::vector<kube::Pod> pods, PodsToEvict(client, node, deadline));
  if (pods.empty()) {
    return absl::FailedPreconditionError(
        fmt::format("node {} runs no pod that a drain would evict", node));
  }
  if (context_->guard) {
    // A drain obeys the budgets, so that it takes one validator at a time at most.
    RETURN_IF_ERROR(
        context_->guard({.pods = {}, .quorum_declared = options.quorum_declared}, deadline));
  }
  ASSIGN_OR_RETURN(Fault cordon, Cordon(node, deadline, options));
  Drain drain{.cordon = std::move(cordon)};
  const Deadline until = deadline.AtMost(evict_within);
  std::map<std::string, kube::Pod> left;  // by uid
  for (const kube::Pod& pod : pods) left.emplace(pod.uid(), pod);
  while (true) {
    for (const auto& [uid, pod] : left) {
      const absl::Status s =
          client.Evict({kube::kPods, pod.ns(), pod.name()}, deadline, {.uid = uid});
      if (absl::IsResourceExhausted(s)) {
        ++drain.refusals;
      } else if (!s.ok() && !absl::IsNotFound(s) && !absl::IsAborted(s) && !IsRetryable(s)) {
        return Annotate(s, "evicting " + pod.ToString());
      }
    }
    ASSIGN_OR_RETURN(const std::vector<kube::Pod> now, PodsToEvict(client, node, deadline));
    std::map<std::string, kube::Pod> still;
    for (const kube::Pod& pod : now) {
      if (left.contains(pod.uid())) still.emplace(pod.uid(), pod);
    }
    for (const auto& [uid, pod] : left) {
      if (!still.contains(uid)) drain.evicted.push_back(pod);
    }
    left = std::move(still);
    if (left.empty() || until.Over()) break;
    Clock::Real().Sleep(std::chrono::seconds(1), until);
  }
  for (const auto& [uid, pod] : left) drain.stayed.push_back(pod.ToString());
  return drain;
}

}  // namespace pawk8s::fault
