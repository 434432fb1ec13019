#include "pawk8s/deployment/eviction.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/kube/error.h"
#include "pawk8s/kube/informer.h"

namespace pawk8s {
namespace {

constexpr Millis kAskEvery{500};
constexpr Millis kMargin{30'000};

bool IsIn(const std::vector<kube::Pod>& pods, const kube::Pod& pod) {
  return std::ranges::any_of(pods, [&](const kube::Pod& p) { return p.name() == pod.name(); });
}

}  // namespace

absl::Status AskForEvictions(kube::Client& client, const std::vector<kube::Pod>& pods,
                             EvictionAnswers& answers, const Deadline& deadline) {
  for (const kube::Pod& pod : pods) {
    const absl::Status answer = client.Evict({kube::kPods, pod.ns(), pod.name()}, deadline,
                                             {.uid = pod.uid(), .dry_run = true});
    if (absl::IsDeadlineExceeded(answer) || absl::IsCancelled(answer)) return answer;
    ++answers.asked;
    const auto why = kube::ApiErrorOf(answer);
    if (why && why->http_status == 429 && why->HasCause("DisruptionBudget")) {
      ++answers.refused;
    } else {
      answers.others.push_back(
          fmt::format("{}: {}", pod.name(), answer.ok() ? "allowed" : answer.ToString()));
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<kube::Pod>> SpareValidators(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const WorkloadState state, paw.Read(paw.profile().validators, deadline));
  std::vector<std::int64_t> powers;
  std::int64_t total = 0;
  for (const kube::Pod& pod : state.pods) {
    ASSIGN_OR_RETURN(const PodNode node, paw.NodeOf(pod, deadline));
    powers.push_back(node.status.voting_power);
    total += node.status.voting_power;
  }
  std::vector<kube::Pod> spare;
  std::int64_t left = total;
  for (std::size_t i = state.pods.size(); i-- > 1;) {
    if (powers[i] == 0 || 3 * (left - powers[i]) <= 2 * total) continue;
    left -= powers[i];
    spare.push_back(state.pods[i]);
  }
  if (!spare.empty()) return spare;
  return absl::FailedPreconditionError(
      fmt::format("{} has no validator whose loss would leave more than 2/3 of the voting power",
                  paw.profile().validators.ToString()));
}

absl::StatusOr<Evicted> EvictAndAsk(Deployment& paw, fault::Faults& faults,
                                    const std::vector<kube::Pod>& spare, Millis within,
                                    const Deadline& deadline) {
  Evicted evicted;
  for (const kube::Pod& pod : spare) {
    const absl::Status answer = faults.Evict(pod, deadline);
    if (absl::IsResourceExhausted(answer) && !evicted.pods.empty()) break;
    RETURN_IF_ERROR(answer);
    evicted.pods.push_back(pod);
  }
  const Deadline until = deadline.AtMost(within);
  while (!until.Over()) {
    ASSIGN_OR_RETURN(const WorkloadState before, paw.Read(paw.profile().validators, deadline));
    std::vector<kube::Pod> others;
    for (const kube::Pod& pod : before.pods) {
      if (!IsIn(evicted.pods, pod)) others.push_back(pod);
    }
    if (others.empty()) return absl::FailedPreconditionError("no validator was left to ask for");
    EvictionAnswers answers = evicted.answers;
    RETURN_IF_ERROR(AskForEvictions(paw.kube(), others, answers, deadline));
    // An answer counts if the successor was not Ready even after it.
    ASSIGN_OR_RETURN(const WorkloadState after, paw.Read(paw.profile().validators, deadline));
    const bool back = std::ranges::any_of(after.pods, [&](const kube::Pod& pod) {
      return IsIn(evicted.pods, pod) && WhyNotReady(pod).empty();
    });
    if (back) break;
    evicted.answers = std::move(answers);
    Clock::Real().Sleep(kAskEvery, until);
  }
  return evicted;
}

absl::StatusOr<std::string> BusiestWorker(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const WorkloadState state, paw.Read(paw.profile().validators, deadline));
  std::map<std::string, int> count;
  for (const kube::Pod& pod : state.pods) {
    if (const auto node = pod.node()) ++count[*node];
  }
  const auto most =
      std::ranges::max_element(count, {}, [](const auto& entry) { return entry.second; });
  if (most == count.end()) return absl::FailedPreconditionError("no validator runs on any node");
  return most->first;
}

absl::StatusOr<DrainTrace> DrainAndFollow(Deployment& paw, fault::Faults& faults,
                                          const std::string& node, Millis hold, Millis ready_within,
                                          const Deadline& deadline) {
  ASSIGN_OR_RETURN(const WorkloadState before, paw.Read(paw.profile().validators, deadline));
  std::vector<kube::Pod> there;
  for (const kube::Pod& pod : before.pods) {
    if (pod.node() == node) there.push_back(pod);
  }
  ASSIGN_OR_RETURN(const kube::Pod witness, paw.OtherValidator(there, deadline));
  ASSIGN_OR_RETURN(const PodNode first, paw.NodeOf(witness, deadline));
  ASSIGN_OR_RETURN(const kube::Object set,
                   paw.kube().Get({kube::kStatefulSets, before.ref.ns, before.ref.name}, deadline));
  ASSIGN_OR_RETURN(
      const auto pods,
      kube::Informer::Start(paw.kube(), {kube::kPods, set.ns(), kube::StatefulSet(set).selector()},
                            deadline));
  DrainTrace trace{.node = node, .told_by = witness.name()};

  const Deadline until = deadline.AtMost(hold);
  RolloutLog drained(pods->Get().objects, before.revision, before.replicas,
                     std::chrono::steady_clock::now());
  ASSIGN_OR_RETURN(fault::Drain drain,
                   faults.DrainNode(node, hold, deadline, {.hold = hold + kMargin}));
  RETURN_IF_ERROR(Follow(
      *pods, drained, [](const Rollout&) { return false; }, until));
  trace.drained = drained.rollout();
  for (const kube::Pod& pod : drain.evicted) {
    if (IsIn(there, pod)) trace.evicted.push_back(pod.name());
  }

  ASSIGN_OR_RETURN(
      const auto pods_after,
      kube::Informer::Start(paw.kube(), {kube::kPods, set.ns(), kube::StatefulSet(set).selector()},
                            deadline));
  RolloutLog back(pods_after->Get().objects, before.revision, before.replicas,
                  std::chrono::steady_clock::now());
  RETURN_IF_ERROR(drain.cordon.Revert());
  RETURN_IF_ERROR(Follow(
      *pods_after, back, [](const Rollout& rollout) { return rollout.complete.has_value(); },
      deadline.AtMost(ready_within)));
  trace.back = back.rollout();
  ASSIGN_OR_RETURN(const PodNode last, paw.NodeOf(witness, deadline));
  ASSIGN_OR_RETURN(const BlockRange blocks,
                   paw.Blocks(witness, first.status.latest, last.status.latest, deadline));
  trace.block_gaps = blocks.Gaps();
  return trace;
}

}  // namespace pawk8s
