#include "pawk8s/deployment/start_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <optional>

#include "pawk8s/base/clock.h"

namespace pawk8s {
namespace {

std::optional<std::size_t> PlaceInSpec(const kube::Pod& pod, const std::string& init) {
  const auto& listed = kube::FindList(pod.json(), {"spec", "initContainers"});
  const auto found = std::ranges::find_if(
      listed, [&](const kube::Json& c) { return kube::FindString(c, {"name"}) == init; });
  if (found == listed.end()) return std::nullopt;
  return static_cast<std::size_t>(found - listed.begin());
}

std::string WhyNotCompleted(const kube::ContainerStatus& status) {
  if (status.state != "terminated") {
    return fmt::format("{} is {}", status.name, status.state.empty() ? "unknown" : status.state);
  }
  if (status.exit_code != 0) {
    return fmt::format("{} ended with exit code {}", status.name,
                       status.exit_code ? std::to_string(*status.exit_code) : "unknown");
  }
  if (!status.started_at || !status.finished_at) return status.name + " has no times";
  return "";
}

}  // namespace

std::string WhyNotStartedInOrder(const kube::Pod& pod, const std::vector<std::string>& init,
                                 const std::string& container) {
  const auto statuses = pod.init_container_statuses();
  std::optional<std::size_t> last_place;
  std::optional<kube::ContainerStatus> before;
  for (const std::string& name : init) {
    const auto place = PlaceInSpec(pod, name);
    if (!place) return "it has no init container " + name;
    if (last_place && *place < *last_place) {
      return fmt::format("{} is listed before {}", name, before->name);
    }
    last_place = place;
    const auto status = std::ranges::find(statuses, name, &kube::ContainerStatus::name);
    if (status == statuses.end()) return name + " has no status";
    if (const std::string why = WhyNotCompleted(*status); !why.empty()) return why;
    if (before && *status->started_at < *before->finished_at) {
      return fmt::format("{} began at {}, before {} ended at {}", name,
                         FormatUtc(*status->started_at), before->name,
                         FormatUtc(*before->finished_at));
    }
    before = *status;
  }
  const auto program = pod.container_status(container);
  if (!program || !program->started_at) return container + " has not started";
  if (before && *program->started_at < *before->finished_at) {
    return fmt::format("{} began at {}, before {} ended at {}", container,
                       FormatUtc(*program->started_at), before->name,
                       FormatUtc(*before->finished_at));
  }
  return "";
}

}  // namespace pawk8s
