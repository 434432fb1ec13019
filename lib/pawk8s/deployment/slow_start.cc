#include "pawk8s/deployment/slow_start.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/kube/informer.h"

namespace pawk8s {
namespace {

using kube::Json;

constexpr const char* kFolder = "/stub";
constexpr const char* kProbes[] = {"startupProbe", "readinessProbe", "livenessProbe"};

absl::StatusOr<Json> ContainerOf(const Json& pod_template, const WorkloadRef& workload) {
  for (const Json& container : kube::FindList(pod_template, {"spec", "containers"})) {
    if (kube::FindString(container, {"name"}) == workload.container) return container;
  }
  return absl::NotFoundError(
      fmt::format("{} has no container {}", workload.ToString(), workload.container));
}

// Since its container's first start; the API has whole seconds.
std::optional<Millis> ReadyAfter(const kube::Pod& pod) {
  const auto ready = pod.condition("Ready");
  const auto statuses = pod.container_statuses();
  if (!ready || ready->status != "True" || !ready->last_transition || statuses.size() != 1 ||
      !statuses.front().started_at) {
    return std::nullopt;
  }
  return std::chrono::duration_cast<Millis>(*ready->last_transition - *statuses.front().started_at);
}

}  // namespace

Millis LivenessPatience(const kube::ContainerSpec& container) {
  if (!container.liveness) return Millis{0};
  const kube::Probe& probe = *container.liveness;
  return probe.initial_delay + probe.period * probe.failure_threshold;
}

absl::StatusOr<std::string> StubScript(const kube::ContainerSpec& container,
                                       const std::string& folder, Millis delay) {
  std::set<std::int64_t> ports;
  std::set<std::string> paths;
  for (const auto& probe : {container.startup, container.readiness, container.liveness}) {
    if (!probe) continue;
    if (probe->kind != kube::Probe::Kind::kHttp || probe->scheme != "HTTP") {
      return absl::FailedPreconditionError(fmt::format(
          "{} has a probe that is not over HTTP: no stub can answer it", container.name));
    }
    ports.insert(probe->port);
    paths.insert(probe->path.substr(0, probe->path.find('?')));
  }
  if (ports.empty()) return absl::FailedPreconditionError(container.name + " declares no probe");
  std::string script = fmt::format("set -e\nsleep {}\n", (delay.count() + 999) / 1000);
  for (const std::string& path : paths) {
    const std::string file = folder + path + (path.ends_with('/') ? "index.html" : "");
    script += fmt::format("mkdir -p \"$(dirname '{0}')\"\necho ok >'{0}'\n", file);
  }
  for (const std::int64_t port : ports) {
    // The last one stays in the foreground: the container is as long as it is.
    const bool last = port == *ports.rbegin();
    script += fmt::format("{}httpd {}-p {} -h {}\n", last ? "exec " : "", last ? "-f " : "", port,
                          folder);
  }
  return script;
}

absl::StatusOr<SlowStarter> PrepareSlowStarter(Deployment& paw, Millis margin,
                                               const Deadline& deadline) {
  const WorkloadRef& validators = paw.profile().validators;
  ASSIGN_OR_RETURN(const Json pod_template, ReadPodTemplate(paw.kube(), validators, deadline));
  ASSIGN_OR_RETURN(const Json imitated, ContainerOf(pod_template, validators));
  const auto specs = kube::ContainersOf(pod_template.at("spec"));
  const kube::ContainerSpec* spec = kube::FindContainer(specs, validators.container);
  if (spec == nullptr) return absl::DataLossError(validators.ToString() + " cannot be read");
  const Millis answers_after = LivenessPatience(*spec) + margin;
  ASSIGN_OR_RETURN(const std::string script, StubScript(*spec, kFolder, answers_after));
  ASSIGN_OR_RETURN(OwnPod pod, OwnPod::Prepare(paw, "slow-starter", deadline));
  pod.Script(script).Volume("stub", {{"emptyDir", Json::object()}}, kFolder);
  for (const char* probe : kProbes) {
    if (imitated.contains(probe)) pod.container()[probe] = imitated.at(probe);
  }
  // Probes may name them.
  if (imitated.contains("ports")) pod.container()["ports"] = imitated.at("ports");
  return SlowStarter{
      .of = validators.ToString(), .answers_after = answers_after, .pod = std::move(pod)};
}

absl::StatusOr<SlowStart> FollowSlowStart(Deployment& paw, const SlowStarter& starter,
                                          Millis within, const Deadline& deadline) {
  const std::string name = starter.pod.name();
  SlowStart start{.of = starter.of, .answers_after = starter.answers_after};
  ASSIGN_OR_RETURN(const kube::Pod running, AwaitRunning(paw, name, deadline));
  ASSIGN_OR_RETURN(
      const auto watch,
      kube::Informer::Start(paw.kube(), {kube::kPods, running.ns(), "", "metadata.name=" + name},
                            deadline));
  const Deadline until = deadline.AtMost(start.answers_after + within);
  while (true) {
    const kube::Informer::Snapshot seen = watch->Get();
    const kube::Object* found = seen.Find(name);
    if (found == nullptr) return absl::UnavailableError("pod " + name + " is gone");
    const kube::Pod pod(*found);
    start.restarts = pod.restart_count().value_or(0);
    start.ready = ReadyAfter(pod);
    if (start.ready || start.restarts > 0) break;
    const absl::Status changed = watch->AwaitChange(seen.version, until);
    if (absl::IsDeadlineExceeded(changed)) {
      RETURN_IF_ERROR(watch->Confirm(until));
      break;
    }
    RETURN_IF_ERROR(changed);
  }
  constexpr Millis kWholeSeconds{1000};
  if (start.ready && *start.ready + kWholeSeconds < start.answers_after) {
    return absl::FailedPreconditionError("pod " + name + " was Ready before its stub answered");
  }
  return start;
}

}  // namespace pawk8s
