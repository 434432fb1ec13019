#include "pawk8s/deployment/scale_cycle.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/deployment/workload.h"
#include "pawk8s/wait/until.h"

namespace pawk8s {
namespace {

using kube::Json;
using Moment = std::optional<SteadyTime> PodCycle::*;

constexpr Millis kEvery{200};

std::optional<Millis> LastOf(const std::vector<PodCycle>& pods, Moment moment, SteadyTime since) {
  std::optional<SteadyTime> last;
  for (const PodCycle& pod : pods) {
    if (!(pod.*moment)) return std::nullopt;
    last = std::max(last.value_or(since), *(pod.*moment));
  }
  if (!last) return std::nullopt;
  return std::chrono::duration_cast<Millis>(*last - since);
}

bool AllHave(const ScaleCycle& cycle, Moment moment) {
  return std::ranges::all_of(cycle.pods, [&](const PodCycle& pod) { return !!(pod.*moment); });
}

// Wakes at each change of the pods; OK as soon as `done`, DeadlineExceeded if that does not come,
// and the watch would have shown it.
absl::Status FollowUntil(const kube::Informer& pods, const std::vector<std::string>& old_uids,
                         ScaleCycle& cycle, const std::function<bool()>& done,
                         const Deadline& deadline) {
  while (true) {
    const std::uint64_t version = pods.Get().version;
    Follow(pods.Changes().changes, old_uids, cycle);
    if (done()) return absl::OkStatus();
    const absl::Status changed = pods.AwaitChange(version, deadline);
    if (absl::IsDeadlineExceeded(changed)) RETURN_IF_ERROR(pods.Confirm(deadline));
    RETURN_IF_ERROR(changed);
  }
}

absl::StatusOr<chain::Height> Highest(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const auto nodes, paw.ValidatorNodes(deadline));
  chain::Height highest;
  for (const PodNode& node : nodes) highest = std::max(highest, node.status.latest);
  return highest;
}

}  // namespace

void Follow(const std::vector<kube::Change>& changes, const std::vector<std::string>& old_uids,
            ScaleCycle& cycle) {
  for (const kube::Change& change : changes) {
    const kube::Pod pod(change.object);
    const auto found = std::ranges::find(cycle.pods, pod.name(), &PodCycle::pod);
    if (found == cycle.pods.end()) continue;
    const auto note = [&](Moment moment) {
      if (!((*found).*moment)) (*found).*moment = change.at;
    };
    const bool is_gone = change.type == kube::Change::Type::kDeleted;
    if (pod.uid() == old_uids[static_cast<std::size_t>(found - cycle.pods.begin())]) {
      if (pod.deletion_time() || is_gone) note(&PodCycle::deleted);
      if (is_gone) note(&PodCycle::gone);
    } else if (!is_gone) {
      note(&PodCycle::created);
      if (pod.IsReady()) note(&PodCycle::ready);
    }
  }
}

absl::StatusOr<ScaleCycle> RunScaleCycle(Deployment& paw, fault::Faults& faults,
                                         const Deadline& deadline) {
  const WorkloadRef& ref = paw.profile().validators;
  const auto& limits = paw.profile().thresholds.stateful_set;
  ASSIGN_OR_RETURN(const chain::Height before, Highest(paw, deadline));
  ASSIGN_OR_RETURN(const kube::Object set, paw.kube().Get(RefOf(ref), deadline));
  ASSIGN_OR_RETURN(
      const auto informer,
      kube::Informer::Start(paw.kube(), {kube::kPods, ref.ns, kube::StatefulSet(set).selector()},
                            deadline));
  ASSIGN_OR_RETURN(WorkloadState state, paw.Read(ref, deadline));
  std::ranges::sort(state.pods, {}, [](const kube::Pod& pod) { return pod.ordinal(); });
  ScaleCycle cycle{.workload = ref.ToString()};
  std::vector<std::string> old_uids;
  for (const kube::Pod& pod : state.pods) {
    cycle.pods.push_back({.pod = pod.name()});
    old_uids.push_back(pod.uid());
  }
  if (cycle.pods.empty()) return absl::FailedPreconditionError(ref.ToString() + " has no pods");

  cycle.down_at = Clock::Real().Now();
  ASSIGN_OR_RETURN(
      fault::Fault down,
      faults.Scale(RefOf(ref), 0, deadline, {.hold = limits.all_gone * 2, .quorum_declared = true},
                   state.pods));
  const absl::Status gone = FollowUntil(
      *informer, old_uids, cycle, [&] { return AllHave(cycle, &PodCycle::gone); },
      deadline.AtMost(limits.all_gone));
  if (!gone.ok() && !absl::IsDeadlineExceeded(gone)) return gone;

  cycle.up_at = Clock::Real().Now();
  RETURN_IF_ERROR(down.Revert());
  const absl::Status ready = FollowUntil(
      *informer, old_uids, cycle, [&] { return AllHave(cycle, &PodCycle::ready); },
      deadline.AtMost(limits.all_ready));
  if (absl::IsDeadlineExceeded(ready)) return cycle;
  RETURN_IF_ERROR(ready);
  const auto resumed = Until(
      deadline.AtMost(limits.blocks_resume), Every(kEvery),
      [&](const Deadline& d) { return Highest(paw, d); },
      [&](const chain::Height& now) { return now > before; });
  if (!resumed.last) return Annotate(resumed.last_error, "no validator tells its height");
  if (resumed.status.ok()) cycle.blocks_after = resumed.elapsed;
  return cycle;
}

std::optional<Millis> ScaleCycle::AllGoneAfter() const {
  return LastOf(pods, &PodCycle::gone, down_at);
}
std::optional<Millis> ScaleCycle::AllReadyAfter() const {
  return LastOf(pods, &PodCycle::ready, up_at);
}

std::string ScaleCycle::WhyNotReverseOrder() const {
  for (std::size_t i = pods.size(); i-- > 0;) {
    if (!pods[i].deleted) return pods[i].pod + " was never deleted";
    if (i + 1 == pods.size()) continue;
    const PodCycle& next = pods[i + 1];
    if (!next.gone || *pods[i].deleted < *next.gone) {
      return fmt::format("the deletion of {} began before {} was gone", pods[i].pod, next.pod);
    }
  }
  return "";
}

std::string ScaleCycle::WhyNotOrder() const {
  for (std::size_t i = 0; i < pods.size(); ++i) {
    if (!pods[i].created) return pods[i].pod + " was never created";
    if (i == 0) continue;
    const PodCycle& previous = pods[i - 1];
    if (!previous.ready || *pods[i].created < *previous.ready) {
      return fmt::format("{} was created before {} was Ready", pods[i].pod, previous.pod);
    }
  }
  return "";
}

Json ScaleCycle::ToJson() const {
  const auto ticks = [](SteadyTime when) { return when.time_since_epoch().count(); };
  Json json = {{"workload", workload},
               {"down_at", ticks(down_at)},
               {"up_at", ticks(up_at)},
               {"pods", Json::array()}};
  if (blocks_after) json["blocks_after"] = blocks_after->count();
  for (const PodCycle& pod : pods) {
    Json one = {{"pod", pod.pod}};
    if (pod.deleted) one["deleted"] = ticks(*pod.deleted);
    if (pod.gone) one["gone"] = ticks(*pod.gone);
    if (pod.created) one["created"] = ticks(*pod.created);
    if (pod.ready) one["ready"] = ticks(*pod.ready);
    json["pods"].push_back(std::move(one));
  }
  return json;
}

ScaleCycle ScaleCycle::FromJson(const Json& json) {
  const auto time = [](const Json& ticks) {
    return SteadyTime(SteadyTime::duration(ticks.get<std::int64_t>()));
  };
  const auto moment = [&](const Json& in, const char* key) {
    return in.contains(key) ? std::optional(time(in.at(key))) : std::nullopt;
  };
  ScaleCycle cycle{.workload = json.at("workload"),
                   .down_at = time(json.at("down_at")),
                   .up_at = time(json.at("up_at"))};
  if (json.contains("blocks_after")) {
    cycle.blocks_after = Millis{json.at("blocks_after").get<std::int64_t>()};
  }
  for (const Json& pod : json.at("pods")) {
    cycle.pods.push_back({.pod = pod.at("pod"),
                          .deleted = moment(pod, "deleted"),
                          .gone = moment(pod, "gone"),
                          .created = moment(pod, "created"),
                          .ready = moment(pod, "ready")});
  }
  return cycle;
}

}  // namespace pawk8s
