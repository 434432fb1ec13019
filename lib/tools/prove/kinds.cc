#include "prove/kinds.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "pawk8s/base/status.h"

namespace pawk8s::prove {
namespace {

using nlohmann::json;

// Saves a request for the kinds that nearly every defect names.
const kube::GroupVersionResource* WellKnown(const ObjectName& name) {
  static const kube::GroupVersionResource known[] = {kube::kPods,
                                                     kube::kServices,
                                                     kube::kConfigMaps,
                                                     kube::kSecrets,
                                                     kube::kServiceAccounts,
                                                     kube::kResourceQuotas,
                                                     kube::kLimitRanges,
                                                     kube::kPersistentVolumeClaims,
                                                     kube::kPersistentVolumes,
                                                     kube::kNodes,
                                                     kube::kNamespaces,
                                                     kube::kStatefulSets,
                                                     kube::kDeployments,
                                                     kube::kDaemonSets,
                                                     kube::kPodDisruptionBudgets,
                                                     kube::kNetworkPolicies,
                                                     kube::kStorageClasses,
                                                     kube::kRoles,
                                                     kube::kRoleBindings,
                                                     kube::kClusterRoles,
                                                     kube::kClusterRoleBindings};
  for (const auto& kind : known) {
    if (kind.kind == name.kind && (name.group.empty() || name.group == kind.group)) return &kind;
  }
  return nullptr;
}

}  // namespace

absl::StatusOr<kube::GroupVersionResource> Kinds::Find(const ObjectName& name,
                                                       const Deadline& deadline) {
  if (const auto* known = WellKnown(name)) return *known;
  const std::string key = name.kind + "." + name.group;
  if (const auto found = found_.find(key); found != found_.end()) return found->second;
  std::vector<std::string> versions = {"v1"};
  ASSIGN_OR_RETURN(const json groups, client_.GetJson("/apis", deadline));
  for (const json& group : kube::FindList(groups, {"groups"})) {
    if (!name.group.empty() && kube::FindString(group, {"name"}) != name.group) continue;
    if (const auto version = kube::FindString(group, {"preferredVersion", "groupVersion"})) {
      versions.push_back(*version);
    }
  }
  for (const std::string& version : versions) {
    const auto resource = client_.Discover(version, name.kind, deadline);
    if (resource.ok()) return found_[key] = *resource;
    // A group whose server is away must not hide the others.
    if (!absl::IsNotFound(resource.status()) && !absl::IsUnavailable(resource.status())) {
      return resource.status();
    }
  }
  return absl::NotFoundError(
      fmt::format("the API server knows no kind {}; is its CRD installed?", key));
}

absl::StatusOr<kube::ObjectRef> Kinds::Resolve(std::string_view object, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const ObjectName name, ParseObjectName(object));
  ASSIGN_OR_RETURN(const kube::GroupVersionResource resource, Find(name, deadline));
  if (resource.kind == kube::kPersistentVolumes.kind && !name.ns.empty()) {
    return VolumeOf(name.ns, name.name, deadline);
  }
  if (resource.namespaced == name.ns.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("'{}': a {} {}", std::string(object), name.kind,
                    resource.namespaced ? "needs a namespace" : "has no namespace"));
  }
  return kube::ObjectRef{resource, name.ns, name.name};
}

absl::StatusOr<kube::ObjectRef> Kinds::VolumeOf(const std::string& ns, const std::string& claim,
                                                const Deadline& deadline) {
  const kube::ObjectRef ref{kube::kPersistentVolumeClaims, ns, claim};
  ASSIGN_OR_RETURN(const kube::Object found, client_.Get(ref, deadline));
  const auto volume = kube::FindString(found.json(), {"spec", "volumeName"});
  if (!volume) return absl::NotFoundError(ref.ToString() + " is bound to no volume");
  return kube::ObjectRef{kube::kPersistentVolumes, "", *volume};
}

absl::StatusOr<kube::ObjectRef> Kinds::ResolveManifest(const json& manifest, const std::string& ns,
                                                       const Deadline& deadline) {
  const auto api_version = manifest.at("apiVersion").get<std::string>();
  const auto slash = api_version.find('/');
  const ObjectName name{.kind = manifest.at("kind").get<std::string>(),
                        .group = slash == std::string::npos ? "" : api_version.substr(0, slash),
                        .ns = kube::FindString(manifest, {"metadata", "namespace"}).value_or(ns),
                        .name = manifest.at("metadata").at("name").get<std::string>()};
  const auto* known = WellKnown(name);
  kube::GroupVersionResource resource;
  if (known != nullptr && known->ApiVersion() == api_version) {
    resource = *known;
  } else {
    ASSIGN_OR_RETURN(resource, client_.Discover(api_version, name.kind, deadline));
  }
  return kube::ObjectRef{resource, resource.namespaced ? name.ns : "", name.name};
}

}  // namespace pawk8s::prove
