#include "pawk8s/kube/objects.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

namespace pawk8s::kube {
namespace {

std::string MatchLabels(const Json& json) {
  std::string selector;
  for (const auto& [key, value] : FindMap(json, {"spec", "selector", "matchLabels"})) {
    if (!selector.empty()) selector += ",";
    selector += fmt::format("{}={}", key, value);
  }
  return selector;
}

std::optional<std::int64_t> WantedReplicas(const Json& json) {
  if (FindField(json, {"spec", "replicas"}) == nullptr) return 1;
  return FindInt(json, {"spec", "replicas"});
}

// IntOrString
std::optional<std::string> FindIntOrString(const Json& json, FieldPath path) {
  if (const auto number = FindInt(json, path)) return std::to_string(*number);
  return FindString(json, path);
}

bool ObservesItsSpec(const Object& object) {
  const auto generation = object.generation();
  const auto observed = object.observed_generation();
  return generation && observed && *observed >= *generation;
}

std::vector<ContainerStatus> ReadContainerStatuses(const Json& json, std::string_view field) {
  std::vector<ContainerStatus> all;
  for (const Json& from : FindList(json, {"status", field})) {
    ContainerStatus to;
    to.name = FindString(from, {"name"}).value_or("");
    to.image = FindString(from, {"image"}).value_or("");
    to.image_id = FindString(from, {"imageID"}).value_or("");
    to.container_id = FindString(from, {"containerID"}).value_or("");
    to.ready = FindBool(from, {"ready"}).value_or(false);
    to.restart_count = FindInt(from, {"restartCount"}).value_or(0);
    for (const std::string_view state : {"running", "waiting", "terminated"}) {
      if (FindField(from, {"state", state}) == nullptr) continue;
      to.state = state;
      to.reason = FindString(from, {"state", state, "reason"}).value_or("");
      to.started_at = FindTime(from, {"state", state, "startedAt"});
      to.finished_at = FindTime(from, {"state", state, "finishedAt"});
      to.exit_code = FindInt(from, {"state", state, "exitCode"});
    }
    to.last_exit_code = FindInt(from, {"lastState", "terminated", "exitCode"});
    to.last_finished_at = FindTime(from, {"lastState", "terminated", "finishedAt"});
    to.last_reason = FindString(from, {"lastState", "terminated", "reason"}).value_or("");
    all.push_back(std::move(to));
  }
  return all;
}

}  // namespace

std::optional<std::string> Pod::node() const { return FindString(json(), {"spec", "nodeName"}); }
std::optional<std::string> Pod::ip() const { return FindString(json(), {"status", "podIP"}); }
std::optional<std::string> Pod::host_ip() const { return FindString(json(), {"status", "hostIP"}); }
std::optional<std::string> Pod::phase() const { return FindString(json(), {"status", "phase"}); }
std::optional<std::string> Pod::service_account() const {
  return FindString(json(), {"spec", "serviceAccountName"});
}
std::optional<SystemTime> Pod::start_time() const {
  return FindTime(json(), {"status", "startTime"});
}
bool Pod::IsReady() const {
  return FindField(json(), {"metadata", "deletionTimestamp"}) == nullptr &&
         ConditionIsTrue("Ready");
}
std::vector<ContainerStatus> Pod::container_statuses() const {
  return ReadContainerStatuses(json(), "containerStatuses");
}
std::vector<ContainerStatus> Pod::init_container_statuses() const {
  return ReadContainerStatuses(json(), "initContainerStatuses");
}
std::optional<ContainerStatus> Pod::container_status(std::string_view name) const {
  for (ContainerStatus& status : container_statuses()) {
    if (status.name == name) return std::move(status);
  }
  return std::nullopt;
}
std::optional<std::int64_t> Pod::restart_count() const {
  const auto statuses = container_statuses();
  if (statuses.empty()) return std::nullopt;
  std::int64_t sum = 0;
  for (const ContainerStatus& status : statuses) sum += status.restart_count;
  return sum;
}
std::optional<std::string> Pod::owner_uid() const {
  const auto owner = controller();
  return owner ? std::optional(owner->uid) : std::nullopt;
}
std::optional<std::string> Pod::revision() const {
  if (auto hash = label("controller-revision-hash")) return hash;
  return label("pod-template-hash");
}
std::optional<int> Pod::ordinal() const {
  const std::string pod = name();
  const std::size_t dash = pod.rfind('-');
  if (dash == std::string::npos) return std::nullopt;
  const std::string digits = pod.substr(dash + 1);
  if (digits.empty() || digits.size() > 6 ||
      !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  return std::stoi(digits);
}

std::optional<std::int64_t> StatefulSet::replicas() const { return WantedReplicas(json()); }
std::optional<std::int64_t> StatefulSet::ready_replicas() const {
  return FindCount(json(), {"status", "readyReplicas"});
}
std::optional<std::int64_t> StatefulSet::available_replicas() const {
  return FindCount(json(), {"status", "availableReplicas"});
}
std::optional<std::int64_t> StatefulSet::current_replicas() const {
  return FindCount(json(), {"status", "currentReplicas"});
}
std::optional<std::int64_t> StatefulSet::updated_replicas() const {
  return FindCount(json(), {"status", "updatedReplicas"});
}
std::optional<std::string> StatefulSet::current_revision() const {
  return FindString(json(), {"status", "currentRevision"});
}
std::optional<std::string> StatefulSet::update_revision() const {
  return FindString(json(), {"status", "updateRevision"});
}
std::optional<std::string> StatefulSet::service_name() const {
  return FindString(json(), {"spec", "serviceName"});
}
std::string StatefulSet::selector() const { return MatchLabels(json()); }
bool StatefulSet::IsRolledOut() const {
  const auto wanted = replicas();
  // The controller moves currentRevision to updateRevision when the last pod is updated, and leaves
  // updatedReplicas out then: the revisions decide.
  return wanted && ObservesItsSpec(*this) && ready_replicas() == wanted &&
         update_revision().has_value() && current_revision() == update_revision();
}

std::optional<std::int64_t> Deployment::replicas() const { return WantedReplicas(json()); }
std::optional<std::int64_t> Deployment::ready_replicas() const {
  return FindCount(json(), {"status", "readyReplicas"});
}
std::optional<std::int64_t> Deployment::available_replicas() const {
  return FindCount(json(), {"status", "availableReplicas"});
}
std::optional<std::int64_t> Deployment::updated_replicas() const {
  return FindCount(json(), {"status", "updatedReplicas"});
}
std::string Deployment::selector() const { return MatchLabels(json()); }
bool Deployment::IsRolledOut() const {
  const auto wanted = replicas();
  return wanted && ObservesItsSpec(*this) && updated_replicas() == wanted &&
         available_replicas() == wanted && FindCount(json(), {"status", "replicas"}) == wanted;
}

std::optional<std::int64_t> ReplicaSet::replicas() const { return WantedReplicas(json()); }
std::optional<std::int64_t> ReplicaSet::ready_replicas() const {
  return FindCount(json(), {"status", "readyReplicas"});
}
std::optional<std::string> ReplicaSet::owner_uid() const {
  const auto owner = controller();
  return owner ? std::optional(owner->uid) : std::nullopt;
}

bool Node::IsReady() const { return ConditionIsTrue("Ready"); }
bool Node::IsUnschedulable() const {
  return FindBool(json(), {"spec", "unschedulable"}).value_or(false);
}
std::vector<Node::Taint> Node::taints() const {
  std::vector<Taint> all;
  for (const Json& taint : FindList(json(), {"spec", "taints"})) {
    all.push_back({FindString(taint, {"key"}).value_or(""),
                   FindString(taint, {"value"}).value_or(""),
                   FindString(taint, {"effect"}).value_or("")});
  }
  return all;
}
std::optional<std::string> Node::internal_ip() const {
  for (const Json& address : FindList(json(), {"status", "addresses"})) {
    if (FindString(address, {"type"}) == "InternalIP") return FindString(address, {"address"});
  }
  return std::nullopt;
}
std::optional<std::string> Node::kubelet_version() const {
  return FindString(json(), {"status", "nodeInfo", "kubeletVersion"});
}

std::optional<std::string> EndpointSlice::service() const {
  return label("kubernetes.io/service-name");
}
std::vector<EndpointSlice::Endpoint> EndpointSlice::endpoints() const {
  std::vector<Endpoint> all;
  for (const Json& from : FindList(json(), {"endpoints"})) {
    Endpoint to;
    for (const Json& address : FindList(from, {"addresses"})) {
      if (address.is_string()) to.addresses.push_back(address.get<std::string>());
    }
    to.ready = FindBool(from, {"conditions", "ready"}).value_or(true);
    to.serving = FindBool(from, {"conditions", "serving"}).value_or(to.ready);
    to.terminating = FindBool(from, {"conditions", "terminating"}).value_or(false);
    if (FindString(from, {"targetRef", "kind"}) == "Pod") {
      to.pod = FindString(from, {"targetRef", "name"}).value_or("");
      to.pod_uid = FindString(from, {"targetRef", "uid"}).value_or("");
    }
    to.node = FindString(from, {"nodeName"}).value_or("");
    all.push_back(std::move(to));
  }
  return all;
}
std::vector<EndpointSlice::Port> EndpointSlice::ports() const {
  std::vector<Port> all;
  for (const Json& port : FindList(json(), {"ports"})) {
    all.push_back({FindString(port, {"name"}).value_or(""), FindInt(port, {"port"}),
                   FindString(port, {"protocol"}).value_or("TCP")});
  }
  return all;
}

std::optional<std::string> PodDisruptionBudget::min_available() const {
  return FindIntOrString(json(), {"spec", "minAvailable"});
}
std::optional<std::string> PodDisruptionBudget::max_unavailable() const {
  return FindIntOrString(json(), {"spec", "maxUnavailable"});
}
std::optional<std::int64_t> PodDisruptionBudget::disruptions_allowed() const {
  return FindInt(json(), {"status", "disruptionsAllowed"});
}
std::optional<std::int64_t> PodDisruptionBudget::current_healthy() const {
  return FindInt(json(), {"status", "currentHealthy"});
}
std::optional<std::int64_t> PodDisruptionBudget::desired_healthy() const {
  return FindInt(json(), {"status", "desiredHealthy"});
}
std::optional<std::int64_t> PodDisruptionBudget::expected_pods() const {
  return FindInt(json(), {"status", "expectedPods"});
}
std::string PodDisruptionBudget::selector() const { return MatchLabels(json()); }

}  // namespace pawk8s::kube
