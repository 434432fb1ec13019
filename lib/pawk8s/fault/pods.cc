#include <fmt/format.h>

#include "pawk8s/base/status.h"
#include "pawk8s/fault/faults.h"

namespace pawk8s::fault {

absl::StatusOr<PodReplacement> Faults::Replace(const kube::Pod& pod, Millis ready_within,
                                               const Deadline& deadline,
                                               const FaultOptions& options) {
  if (context_->guard) {
    RETURN_IF_ERROR(
        context_->guard({.pods = {pod}, .quorum_declared = options.quorum_declared}, deadline));
  }
  Trace trace{.what = "delete",
              .target = "pod " + pod.name(),
              .uid = pod.uid(),
              .planned = std::chrono::system_clock::now()};
  context_->on_step(trace);
  auto replaced = ReplacePod(context_->client, pod, ready_within, deadline);
  if (!replaced.ok()) return replaced;
  // The trace has steady times; the steps are shown by the wall clock.
  const auto wall = [](SteadyTime when) {
    return std::chrono::system_clock::now() -
           std::chrono::duration_cast<std::chrono::system_clock::duration>(
               std::chrono::steady_clock::now() - when);
  };
  trace.applied = wall(replaced->deleted_at);
  trace.seen = wall(replaced->removed_at);
  if (replaced->ready_at) trace.checked = wall(*replaced->ready_at);
  context_->on_step(trace);
  return replaced;
}

absl::Status Faults::Evict(const kube::Pod& pod, const Deadline& deadline,
                           const FaultOptions& options) {
  if (context_->guard) {
    RETURN_IF_ERROR(
        context_->guard({.pods = {pod}, .quorum_declared = options.quorum_declared}, deadline));
  }
  Trace trace{.what = "evict",
              .target = "pod " + pod.name(),
              .uid = pod.uid(),
              .planned = std::chrono::system_clock::now()};
  context_->on_step(trace);
  RETURN_IF_ERROR(
      context_->client.Evict({kube::kPods, pod.ns(), pod.name()}, deadline, {.uid = pod.uid()}));
  trace.applied = std::chrono::system_clock::now();
  context_->on_step(trace);
  const auto now = context_->client.Get({kube::kPods, pod.ns(), pod.name()}, deadline);
  if (!absl::IsNotFound(now.status())) {
    RETURN_IF_ERROR(now.status());
    if (now->uid() == pod.uid() && !kube::Pod(*now).deletion_time()) {
      return absl::FailedPreconditionError(
          fmt::format("the eviction of {} was accepted, and it is not being deleted", pod.name()));
    }
  }
  trace.seen = std::chrono::system_clock::now();
  context_->on_step(trace);
  return absl::OkStatus();
}

}  // namespace pawk8s::fault
