#include "pawk8s/deployment/restart.h"

#include <fmt/format.h>

#include <algorithm>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

std::string WhatLacks(const kube::Pod& before, const kube::Pod& now, const std::string& container,
                      std::int64_t exit_code) {
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
    if (then.name == container && status->last_exit_code != exit_code) {
      return fmt::format("{} ended with exit code {}", then.name,
                         status->last_exit_code.value_or(-1));
    }
  }
  if (!before.container_status(container)) return container + " was not there";
  return WhyNotReady(now);
}

}  // namespace

bool EndedWithin(const kube::Pod& pod, const std::string& container, Millis window,
                 kube::SystemTime now) {
  const auto status = pod.container_status(container);
  return status && status->last_finished_at && now - *status->last_finished_at <= window;
}

Comeback ComebackOf(const kube::Pod& before, const kube::Pod& now, const std::string& container,
                    std::int64_t exit_code) {
  return {.pod = before.name(), .lacks = WhatLacks(before, now, container, exit_code)};
}

absl::StatusOr<Comeback> ReadComeback(Deployment& paw, const kube::Pod& before,
                                      const std::string& container, std::int64_t exit_code,
                                      const Deadline& deadline) {
  const auto now = paw.kube().Get({kube::kPods, before.ns(), before.name()}, deadline);
  if (absl::IsNotFound(now.status())) {
    return Comeback{.pod = before.name(), .lacks = "it is not there"};
  }
  RETURN_IF_ERROR(now.status());
  return ComebackOf(before, kube::Pod(*now), container, exit_code);
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
