// Typed read-only views of the kinds that cases look at. The contract of object.h holds: no
// accessor throws, whatever the JSON is.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pawk8s/kube/object.h"

namespace pawk8s::kube {

struct ContainerStatus {
  std::string name;
  std::string image;
  std::string image_id;      // holds the digest
  std::string container_id;  // "containerd://..."
  bool ready = false;
  std::int64_t restart_count = 0;
  std::string state;                           // "running", "waiting", "terminated", "" (unknown)
  std::string reason;                          // of waiting or terminated: "CrashLoopBackOff", ...
  std::optional<SystemTime> started_at;        // of running or terminated
  std::optional<SystemTime> finished_at;       // of terminated
  std::optional<std::int64_t> exit_code;       // of terminated
  std::optional<std::int64_t> last_exit_code;  // of the previous run
  std::optional<SystemTime> last_finished_at;  // of the previous run
  std::string last_reason;                     // of the previous run: "OOMKilled", ...
};

class Pod : public Object {
 public:
  explicit Pod(Object object) : Object(std::move(object)) {}

  [[nodiscard]] std::optional<std::string> node() const;
  [[nodiscard]] std::optional<std::string> ip() const;
  [[nodiscard]] std::optional<std::string> host_ip() const;
  [[nodiscard]] std::optional<std::string> phase() const;
  [[nodiscard]] std::optional<std::string> service_account() const;
  [[nodiscard]] std::optional<SystemTime> start_time() const;
  // Condition Ready is True and the pod is not being deleted.
  [[nodiscard]] bool IsReady() const;
  [[nodiscard]] std::vector<ContainerStatus> container_statuses() const;
  [[nodiscard]] std::vector<ContainerStatus> init_container_statuses() const;
  [[nodiscard]] std::optional<ContainerStatus> container_status(std::string_view name) const;
  // Of all containers; nothing while the kubelet has reported none.
  [[nodiscard]] std::optional<std::int64_t> restart_count() const;
  // Of the controller that made it.
  [[nodiscard]] std::optional<std::string> owner_uid() const;
  // Label controller-revision-hash (StatefulSet, DaemonSet) or pod-template-hash (ReplicaSet).
  [[nodiscard]] std::optional<std::string> revision() const;
  // The number at the end of a StatefulSet pod's name.
  [[nodiscard]] std::optional<int> ordinal() const;
};

class StatefulSet : public Object {
 public:
  explicit StatefulSet(Object object) : Object(std::move(object)) {}

  [[nodiscard]] std::optional<std::int64_t> replicas() const;  // wanted; the API's default is 1
  [[nodiscard]] std::optional<std::int64_t> ready_replicas() const;
  [[nodiscard]] std::optional<std::int64_t> available_replicas() const;
  [[nodiscard]] std::optional<std::int64_t> current_replicas() const;
  [[nodiscard]] std::optional<std::int64_t> updated_replicas() const;
  [[nodiscard]] std::optional<std::string> current_revision() const;
  [[nodiscard]] std::optional<std::string> update_revision() const;
  [[nodiscard]] std::optional<std::string> service_name() const;
  // "app=paw,role=validator": spec.selector.matchLabels as a label selector.
  [[nodiscard]] std::string selector() const;
  // Its status speaks of its present spec, and all wanted replicas are updated and ready.
  [[nodiscard]] bool IsRolledOut() const;
};

class Deployment : public Object {
 public:
  explicit Deployment(Object object) : Object(std::move(object)) {}

  [[nodiscard]] std::optional<std::int64_t> replicas() const;
  [[nodiscard]] std::optional<std::int64_t> ready_replicas() const;
  [[nodiscard]] std::optional<std::int64_t> available_replicas() const;
  [[nodiscard]] std::optional<std::int64_t> updated_replicas() const;
  [[nodiscard]] std::string selector() const;
  [[nodiscard]] bool IsRolledOut() const;
};

class ReplicaSet : public Object {
 public:
  explicit ReplicaSet(Object object) : Object(std::move(object)) {}

  [[nodiscard]] std::optional<std::int64_t> replicas() const;
  [[nodiscard]] std::optional<std::int64_t> ready_replicas() const;
  [[nodiscard]] std::optional<std::string> owner_uid() const;
};

class Node : public Object {
 public:
  explicit Node(Object object) : Object(std::move(object)) {}

  struct Taint {
    std::string key;
    std::string value;
    std::string effect;
  };
  [[nodiscard]] bool IsReady() const;
  // spec.unschedulable: cordoned.
  [[nodiscard]] bool IsUnschedulable() const;
  [[nodiscard]] std::vector<Taint> taints() const;
  [[nodiscard]] std::optional<std::string> internal_ip() const;
  [[nodiscard]] std::optional<std::string> kubelet_version() const;
};

class EndpointSlice : public Object {
 public:
  explicit EndpointSlice(Object object) : Object(std::move(object)) {}

  struct Endpoint {
    std::vector<std::string> addresses;
    // As the API says: absent means unknown, to be read as ready.
    bool ready = true;
    bool serving = true;
    bool terminating = false;
    std::string pod;  // targetRef of kind Pod
    std::string pod_uid;
    std::string node;
  };
  struct Port {
    std::string name;
    std::optional<std::int64_t> port;
    std::string protocol;
  };
  [[nodiscard]] std::optional<std::string> service() const;
  [[nodiscard]] std::vector<Endpoint> endpoints() const;
  [[nodiscard]] std::vector<Port> ports() const;
};

class PodDisruptionBudget : public Object {
 public:
  explicit PodDisruptionBudget(Object object) : Object(std::move(object)) {}

  // A number or a percentage, as text.
  [[nodiscard]] std::optional<std::string> min_available() const;
  [[nodiscard]] std::optional<std::string> max_unavailable() const;
  [[nodiscard]] std::optional<std::int64_t> disruptions_allowed() const;
  [[nodiscard]] std::optional<std::int64_t> current_healthy() const;
  [[nodiscard]] std::optional<std::int64_t> desired_healthy() const;
  [[nodiscard]] std::optional<std::int64_t> expected_pods() const;
  [[nodiscard]] std::string selector() const;
};

}  // namespace pawk8s::kube
