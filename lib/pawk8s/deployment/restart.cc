#include "pawk8s/deployment/restart.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "pawk8s/base/status.h"
#include "pawk8s/kube/informer.h"

namespace pawk8s {
namespace {

// Of one restart of `container` alone.
std::string WhyNotRestarted(const kube::Pod& before, const kube::Pod& now,
                            const std::string& container) {
  if (now.uid() != before.uid()) return "it is another pod, of uid " + now.uid();
  if (now.node() != before.node()) return "it is on another node";
  for (const kube::ContainerStatus& then : before.container_statuses()) {
    const auto status = now.container_status(then.name);
    if (!status) return then.name + " has no status";
    const std::int64_t restarts = status->restart_count - then.restart_count;
    if (restarts != (then.name == container ? 1 : 0)) {
      return fmt::format("{} has restarted {} times since{}{}", then.name, restarts,
                         status->reason.empty() ? "" : ", and is in ", status->reason);
    }
  }
  return before.container_status(container) ? "" : container + " was not there";
}

// Empty: the pod is not there.
absl::StatusOr<std::optional<kube::Pod>> ReadAgain(Deployment& paw, const kube::Pod& before,
                                                   const Deadline& deadline) {
  const auto now = paw.kube().Get({kube::kPods, before.ns(), before.name()}, deadline);
  if (absl::IsNotFound(now.status())) return std::nullopt;
  RETURN_IF_ERROR(now.status());
  return kube::Pod(*now);
}

bool HasEnded(const kube::Pod& before, const kube::Pod& now, const std::string& container) {
  const auto then = before.container_status(container);
  const auto status = now.container_status(container);
  return now.uid() == before.uid() && then && status &&
         (status->state == "terminated" || status->restart_count > then->restart_count);
}

}  // namespace

bool EndedWithin(const kube::Pod& pod, const std::string& container, Millis window,
                 kube::SystemTime now) {
  const auto status = pod.container_status(container);
  return status && status->last_finished_at && now - *status->last_finished_at <= window;
}

Comeback ComebackOf(const kube::Pod& before, const kube::Pod& now, const std::string& container) {
  Comeback comeback{.pod = before.name(), .lacks = WhyNotRestarted(before, now, container)};
  if (comeback.lacks.empty()) comeback.lacks = WhyNotReady(now);
  return comeback;
}

absl::StatusOr<Comeback> ReadComeback(Deployment& paw, const kube::Pod& before,
                                      const std::string& container, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const auto now, ReadAgain(paw, before, deadline));
  if (!now) return Comeback{.pod = before.name(), .lacks = "it is not there"};
  return ComebackOf(before, *now, container);
}

Comeback RestartOf(const kube::Pod& before, const kube::Pod& now, const std::string& container) {
  Comeback comeback{.pod = before.name(), .lacks = WhyNotRestarted(before, now, container)};
  if (comeback.lacks.empty() && now.container_status(container)->state != "running") {
    comeback.lacks = container + " does not run again";
  }
  return comeback;
}

absl::StatusOr<Comeback> ReadRestart(Deployment& paw, const kube::Pod& before,
                                     const std::string& container, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const auto now, ReadAgain(paw, before, deadline));
  if (!now) return Comeback{.pod = before.name(), .lacks = "it is not there"};
  return RestartOf(before, *now, container);
}

std::optional<RunEnd> EndShownBy(const kube::Pod& pod, const std::string& container) {
  const auto status = pod.container_status(container);
  if (!status) return std::nullopt;
  if (status->exit_code) return RunEnd{container, *status->exit_code, status->reason};
  if (!status->last_exit_code) return std::nullopt;
  return RunEnd{container, *status->last_exit_code, status->last_reason};
}

absl::StatusOr<RunEnd> AwaitEnd(Deployment& paw, const kube::Pod& before,
                                const std::string& container, Millis within,
                                const Deadline& deadline) {
  ASSIGN_OR_RETURN(
      const auto watch,
      kube::Informer::Start(
          paw.kube(), {kube::kPods, before.ns(), "", "metadata.name=" + before.name()}, deadline));
  const Deadline until = deadline.AtMost(within);
  while (true) {
    const kube::Informer::Snapshot seen = watch->Get();
    const kube::Object* now = seen.Find(before.name());
    if (now != nullptr && HasEnded(before, kube::Pod(*now), container)) {
      if (const auto end = EndShownBy(kube::Pod(*now), container)) return *end;
      return absl::DataLossError(fmt::format("{} in {} has ended, and its status does not say how",
                                             container, before.name()));
    }
    const absl::Status changed = watch->AwaitChange(seen.version, until);
    if (absl::IsDeadlineExceeded(changed)) RETURN_IF_ERROR(watch->Confirm(until));
    if (!changed.ok()) {
      return Annotate(changed, fmt::format("{} in {} did not end", container, before.name()));
    }
  }
}

absl::StatusOr<Lag> ReadLag(Deployment& paw, const kube::Pod& validator, const Deadline& deadline) {
  // It is asked last: what the others make meanwhile counts for it.
  ASSIGN_OR_RETURN(const WorkloadState state, paw.Read(paw.profile().validators, deadline));
  chain::Height highest;
  for (const kube::Pod& pod : state.pods) {
    if (pod.uid() == validator.uid()) continue;
    ASSIGN_OR_RETURN(const PodNode other, paw.NodeOf(pod, deadline));
    highest = std::max(highest, other.status.latest);
  }
  ASSIGN_OR_RETURN(const PodNode own, paw.NodeOf(validator, deadline));
  return Lag{.pod = validator.name(),
             .blocks = std::max<std::int64_t>(0, highest - own.status.latest)};
}

}  // namespace pawk8s
