// Every accessor of every typed view over any JSON: none may throw.
#include <cstdint>
#include <string>

#include "nlohmann/json.hpp"
#include "pawk8s/kube/objects.h"

namespace {

using namespace pawk8s::kube;

// Counts what is there, so that nothing is optimised away and results differ.
struct Count {
  int seen = 0;
  template <class T>
  void operator()(const std::optional<T>& value) {
    if (value) ++seen;
  }
  void operator()(const std::string& value) { seen += value.empty() ? 0 : 1; }
  void operator()(bool value) { seen += value ? 1 : 0; }
  template <class T>
  void operator()(const std::vector<T>& list) {
    seen += static_cast<int>(list.size());
  }
  template <class K, class V>
  void operator()(const std::map<K, V>& map) {
    seen += static_cast<int>(map.size());
  }
  template <class... T>
  void All(const T&... values) {
    ((*this)(values), ...);
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  const Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return 0;
  const Object object(json);
  Count count;
  count.All(object.kind(), object.api_version(), object.name(), object.ns(), object.uid(),
            object.resource_version(), object.generation(), object.observed_generation(),
            object.creation_time(), object.deletion_time(), object.labels(), object.annotations(),
            object.label("a"), object.annotation("a"), object.controller(), object.conditions(),
            object.condition("Ready"), object.ConditionIsTrue("Ready"), object.ToString());
  const Pod pod(object);
  count.All(pod.node(), pod.ip(), pod.host_ip(), pod.phase(), pod.service_account(),
            pod.start_time(), pod.IsReady(), pod.container_statuses(),
            pod.init_container_statuses(), pod.container_status("pawd"), pod.restart_count(),
            pod.owner_uid(), pod.revision(), pod.ordinal());
  const StatefulSet set(object);
  count.All(set.replicas(), set.ready_replicas(), set.available_replicas(), set.current_replicas(),
            set.updated_replicas(), set.current_revision(), set.update_revision(),
            set.service_name(), set.selector(), set.IsRolledOut());
  const Deployment deployment(object);
  count.All(deployment.replicas(), deployment.ready_replicas(), deployment.available_replicas(),
            deployment.updated_replicas(), deployment.selector(), deployment.IsRolledOut());
  const ReplicaSet replicas(object);
  count.All(replicas.replicas(), replicas.ready_replicas(), replicas.owner_uid());
  const Node node(object);
  count.All(node.IsReady(), node.IsUnschedulable(), node.taints(), node.internal_ip(),
            node.kubelet_version());
  const EndpointSlice slice(object);
  count.All(slice.service(), slice.endpoints(), slice.ports());
  const PodDisruptionBudget budget(object);
  count.All(budget.min_available(), budget.max_unavailable(), budget.disruptions_allowed(),
            budget.current_healthy(), budget.desired_healthy(), budget.expected_pods(),
            budget.selector());
  return 1 + count.seen % 200;
}
