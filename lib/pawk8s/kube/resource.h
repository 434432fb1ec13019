// Names of things in the Kubernetes API: which kind, which collection, which object.
#pragma once

#include <string>
#include <string_view>

#include "nlohmann/json_fwd.hpp"

namespace pawk8s::kube {

// A kind as the API addresses it ("group/version, resource").
struct GroupVersionResource {
  std::string group;  // empty: the core group
  std::string version;
  std::string resource;  // plural, lower case, as in the URL
  std::string kind;
  bool namespaced = true;

  // "v1", "apps/v1"
  [[nodiscard]] std::string ApiVersion() const;
};

inline const GroupVersionResource kPods{"", "v1", "pods", "Pod"};
inline const GroupVersionResource kServices{"", "v1", "services", "Service"};
inline const GroupVersionResource kConfigMaps{"", "v1", "configmaps", "ConfigMap"};
inline const GroupVersionResource kSecrets{"", "v1", "secrets", "Secret"};
inline const GroupVersionResource kServiceAccounts{"", "v1", "serviceaccounts", "ServiceAccount"};
inline const GroupVersionResource kEvents{"", "v1", "events", "Event"};
inline const GroupVersionResource kEndpoints{"", "v1", "endpoints", "Endpoints"};
inline const GroupVersionResource kResourceQuotas{"", "v1", "resourcequotas", "ResourceQuota"};
inline const GroupVersionResource kLimitRanges{"", "v1", "limitranges", "LimitRange"};
inline const GroupVersionResource kPersistentVolumeClaims{"", "v1", "persistentvolumeclaims",
                                                          "PersistentVolumeClaim"};
inline const GroupVersionResource kPersistentVolumes{"", "v1", "persistentvolumes",
                                                     "PersistentVolume", false};
inline const GroupVersionResource kNodes{"", "v1", "nodes", "Node", false};
inline const GroupVersionResource kNamespaces{"", "v1", "namespaces", "Namespace", false};
inline const GroupVersionResource kStatefulSets{"apps", "v1", "statefulsets", "StatefulSet"};
inline const GroupVersionResource kDeployments{"apps", "v1", "deployments", "Deployment"};
inline const GroupVersionResource kReplicaSets{"apps", "v1", "replicasets", "ReplicaSet"};
inline const GroupVersionResource kDaemonSets{"apps", "v1", "daemonsets", "DaemonSet"};
inline const GroupVersionResource kControllerRevisions{"apps", "v1", "controllerrevisions",
                                                       "ControllerRevision"};
inline const GroupVersionResource kJobs{"batch", "v1", "jobs", "Job"};
inline const GroupVersionResource kEndpointSlices{"discovery.k8s.io", "v1", "endpointslices",
                                                  "EndpointSlice"};
inline const GroupVersionResource kPodDisruptionBudgets{"policy", "v1", "poddisruptionbudgets",
                                                        "PodDisruptionBudget"};
inline const GroupVersionResource kHorizontalPodAutoscalers{
    "autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"};
inline const GroupVersionResource kNetworkPolicies{"networking.k8s.io", "v1", "networkpolicies",
                                                   "NetworkPolicy"};
inline const GroupVersionResource kIngresses{"networking.k8s.io", "v1", "ingresses", "Ingress"};
inline const GroupVersionResource kLeases{"coordination.k8s.io", "v1", "leases", "Lease"};
inline const GroupVersionResource kStorageClasses{"storage.k8s.io", "v1", "storageclasses",
                                                  "StorageClass", false};
inline const GroupVersionResource kPriorityClasses{"scheduling.k8s.io", "v1", "priorityclasses",
                                                   "PriorityClass", false};
inline const GroupVersionResource kRoles{"rbac.authorization.k8s.io", "v1", "roles", "Role"};
inline const GroupVersionResource kRoleBindings{"rbac.authorization.k8s.io", "v1", "rolebindings",
                                                "RoleBinding"};
inline const GroupVersionResource kClusterRoles{"rbac.authorization.k8s.io", "v1", "clusterroles",
                                                "ClusterRole", false};
inline const GroupVersionResource kClusterRoleBindings{
    "rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding", false};

// One object. `ns` stays empty for kinds that have no namespace.
struct ObjectRef {
  GroupVersionResource resource;
  std::string ns;
  std::string name;
  std::string subresource = {};  // "status", "scale", "eviction", ...

  [[nodiscard]] ObjectRef Sub(std::string_view sub) const;
  // Its URL path.
  [[nodiscard]] std::string Path() const;
  // "pods paw/paw-validator-0": for messages.
  [[nodiscard]] std::string ToString() const;

  // For what outlives the process: without `subresource`.
  [[nodiscard]] nlohmann::json ToJson() const;
  // Throws nlohmann::json::exception when a member is missing or of another type.
  [[nodiscard]] static ObjectRef FromJson(const nlohmann::json& json);
};

// The objects of one kind, in one namespace or (`ns` empty) in all of them, that match the
// selectors.
struct Collection {
  GroupVersionResource resource;
  std::string ns = {};
  std::string label_selector = {};
  std::string field_selector = {};

  [[nodiscard]] ObjectRef Named(std::string_view name) const;
  [[nodiscard]] std::string Path() const;
  // "pods in paw with labels app=paw"
  [[nodiscard]] std::string ToString() const;
};

}  // namespace pawk8s::kube
