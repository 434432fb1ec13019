#include "pawk8s/fault/pod_replacement.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

#include "pawk8s/base/status.h"
#include "pawk8s/kube/informer.h"

namespace pawk8s::fault {
namespace {

std::optional<Millis> Since(SteadyTime from, const std::optional<SteadyTime>& to) {
  if (!to) return std::nullopt;
  return std::chrono::duration_cast<Millis>(*to - from);
}

// How long a pod may take to go: its own grace period, and what kubelet and API server need.
Millis RemovalLimit(const kube::Pod& pod) {
  constexpr std::int64_t kDefaultGrace = 30;  // as Kubernetes has it
  const auto grace = kube::FindInt(pod.json(), {"spec", "terminationGracePeriodSeconds"});
  return std::chrono::seconds(grace.value_or(kDefaultGrace) + 30);
}

std::int64_t Ticks(SteadyTime when) { return when.time_since_epoch().count(); }
SteadyTime TimeOf(const kube::Json& ticks) {
  return SteadyTime(SteadyTime::duration(ticks.get<std::int64_t>()));
}

// Takes one watch event into the trace; true once the old pod is gone.
bool Follow(const kube::Change& change, PodReplacement& trace, bool removed) {
  const kube::Pod seen(change.object);
  if (seen.uid() == trace.old_pod.uid()) {
    trace.last_of_old = seen;
    if (!trace.grace_ends) trace.grace_ends = seen.deletion_time();
    if (change.type != kube::Change::Type::kDeleted) return removed;
    trace.removed_at = change.at;
    return true;
  }
  if (change.type == kube::Change::Type::kDeleted) return removed;
  if (!removed) {
    // A relist can show the successor without the removal: it is at least as old as this.
    trace.removed_at = change.at;
    removed = true;
  }
  trace.new_pod = seen;
  if (!trace.addressed_at && seen.ip()) trace.addressed_at = change.at;
  if (!trace.running_at && seen.phase() == "Running") trace.running_at = change.at;
  if (!trace.ready_at && seen.IsReady()) trace.ready_at = change.at;
  return removed;
}

}  // namespace

std::optional<Millis> PodReplacement::RunningAfter() const { return Since(removed_at, running_at); }
std::optional<Millis> PodReplacement::ReadyAfter() const { return Since(removed_at, ready_at); }

kube::Json PodReplacement::ToJson() const {
  kube::Json json = {{"old_pod", old_pod.json()},
                     {"last_of_old", last_of_old.json()},
                     {"new_pod", new_pod.json()},
                     {"deleted_at", Ticks(deleted_at)},
                     {"removed_at", Ticks(removed_at)}};
  if (grace_ends) json["grace_ends"] = grace_ends->time_since_epoch().count();
  if (addressed_at) json["addressed_at"] = Ticks(*addressed_at);
  if (running_at) json["running_at"] = Ticks(*running_at);
  if (ready_at) json["ready_at"] = Ticks(*ready_at);
  return json;
}

PodReplacement PodReplacement::FromJson(const kube::Json& json) {
  const auto pod = [&](const char* key) { return kube::Pod(kube::Object(json.at(key))); };
  PodReplacement trace{.old_pod = pod("old_pod"),
                       .last_of_old = pod("last_of_old"),
                       .new_pod = pod("new_pod"),
                       .deleted_at = TimeOf(json.at("deleted_at")),
                       .removed_at = TimeOf(json.at("removed_at"))};
  if (json.contains("grace_ends")) {
    trace.grace_ends =
        kube::SystemTime(kube::SystemTime::duration(json.at("grace_ends").get<std::int64_t>()));
  }
  if (json.contains("addressed_at")) trace.addressed_at = TimeOf(json.at("addressed_at"));
  if (json.contains("running_at")) trace.running_at = TimeOf(json.at("running_at"));
  if (json.contains("ready_at")) trace.ready_at = TimeOf(json.at("ready_at"));
  return trace;
}

absl::StatusOr<PodReplacement> ReplacePod(kube::Client& client, const kube::Pod& pod,
                                          Millis ready_within, const Deadline& deadline) {
  const kube::ObjectRef ref{kube::kPods, pod.ns(), pod.name()};
  ASSIGN_OR_RETURN(
      const auto informer,
      kube::Informer::Start(client, {kube::kPods, pod.ns(), "", "metadata.name=" + pod.name()},
                            deadline));
  PodReplacement trace{.old_pod = pod, .last_of_old = pod, .new_pod = pod};
  trace.deleted_at = std::chrono::steady_clock::now();
  if (absl::Status s = client.Delete(ref, deadline, {.uid = pod.uid()}); !s.ok()) {
    return Annotate(s, "deleting pod " + pod.name());
  }

  const Deadline gone = deadline.AtMost(RemovalLimit(pod));
  bool removed = false;
  std::size_t taken = 0;
  std::uint64_t version = 0;
  while (true) {
    version = informer->Get().version;
    const auto timeline = informer->Changes();
    for (; taken < timeline.changes.size(); ++taken) {
      removed = Follow(timeline.changes[taken], trace, removed);
    }
    if (trace.ready_at) return trace;
    const Deadline next =
        removed ? Deadline::At(std::min(deadline.when(), trace.removed_at + ready_within),
                               deadline.stop())
                : gone;
    const absl::Status changed = informer->AwaitChange(version, next);
    if (changed.ok()) continue;
    if (removed && absl::IsDeadlineExceeded(changed)) return trace;
    return Annotate(changed, fmt::format("waiting for the {} of pod {}",
                                         removed ? "successor" : "removal", pod.name()));
  }
}

}  // namespace pawk8s::fault
