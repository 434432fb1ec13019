#include "pawk8s/deployment/quorum.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <string>

#include "pawk8s/base/status.h"

namespace pawk8s {

absl::Status CheckLoss(Deployment& paw, const std::vector<kube::Pod>& lost, bool quorum_declared,
                       const Deadline& deadline) {
  for (const kube::Pod& pod : lost) {
    if (pod.uid() == paw.witness_uid()) {
      return absl::FailedPreconditionError(fmt::format(
          "{} is the node that is asked what happens meanwhile: choose another", pod.name()));
    }
  }
  if (quorum_declared) return absl::OkStatus();
  ASSIGN_OR_RETURN(const WorkloadState state, paw.Read(paw.profile().validators, deadline));
  std::int64_t total = 0;
  std::int64_t left = 0;
  std::string away;
  for (const kube::Pod& pod : state.pods) {
    const bool taken =
        std::ranges::any_of(lost, [&](const kube::Pod& p) { return p.uid() == pod.uid(); });
    // One that does not answer is taken to be as strong as any: its power cannot be asked.
    const auto node = paw.NodeOf(pod, deadline);
    const std::int64_t power = node.ok() ? node->status.voting_power : 1;
    total += power;
    if (!taken && node.ok() && WhyNotReady(pod).empty()) {
      left += power;
    } else {
      away += (away.empty() ? "" : ", ") + pod.name();
    }
  }
  if (3 * left > 2 * total) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "consensus would stop: without {} the validators hold {} of {} voting power, no more than "
      "2/3",
      away, left, total));
}

}  // namespace pawk8s
