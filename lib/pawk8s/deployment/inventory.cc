#include "pawk8s/deployment/inventory.h"

#include <fmt/format.h>

#include <set>
#include <string_view>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

using kube::Json;

const std::vector<kube::GroupVersionResource>& KindsOfANamespace() {
  static const auto* kinds = new std::vector<kube::GroupVersionResource>{
      kube::kStatefulSets,    kube::kDeployments,     kube::kDaemonSets,
      kube::kServices,        kube::kConfigMaps,      kube::kPersistentVolumeClaims,
      kube::kResourceQuotas,  kube::kLimitRanges,     kube::kPodDisruptionBudgets,
      kube::kNetworkPolicies, kube::kServiceAccounts, kube::kPods};
  return *kinds;
}

// Annotations with which controllers number their own work.
bool IsBookkeeping(std::string_view annotation) {
  return annotation.starts_with("deployment.kubernetes.io/") ||
         annotation.starts_with("control-plane.alpha.kubernetes.io/") ||
         annotation == "kubectl.kubernetes.io/last-applied-configuration";
}

Json MarksOf(const kube::Object& node) {
  Json marks = {{"labels", node.labels()}, {"Ready", node.ConditionIsTrue("Ready")}};
  marks["unschedulable"] = kube::FindBool(node.json(), {"spec", "unschedulable"}).value_or(false);
  marks["taints"] = Json::array();
  for (const Json& taint : kube::FindList(node.json(), {"spec", "taints"})) {
    marks["taints"].push_back(taint.value("key", "") + ":" + taint.value("effect", ""));
  }
  return marks;
}

// "/spec/replicas: was 4, is 3", of the first field that differs.
std::string FirstDifference(const Json& before, const Json& now) {
  const Json patch = Json::diff(before, now);
  const std::string path = patch.front().at("path");
  const auto text = [&](const Json& in) {
    const Json::json_pointer pointer(path);
    return in.contains(pointer) ? in.at(pointer).dump().substr(0, 80) : std::string("not there");
  };
  return fmt::format("{}: was {}, is {}", path, text(before), text(now));
}

}  // namespace

Json Essence(const kube::Object& object) {
  Json essence = object.json();
  const Json metadata = essence.value("metadata", Json::object());
  for (const char* key : {"status", "metadata", "kind", "apiVersion"}) essence.erase(key);
  essence["labels"] = object.labels();
  essence["annotations"] = Json::object();
  for (const auto& [key, value] : object.annotations()) {
    if (!IsBookkeeping(key)) essence["annotations"][key] = value;
  }
  // A claim or a pod of the same name and another uid is another one.
  if (const std::string kind = object.kind();
      kind == "PersistentVolumeClaim" || kind == "PersistentVolume" || kind == "Pod") {
    essence["uid"] = object.uid();
  }
  return essence;
}

absl::StatusOr<Inventory> Inventory::Read(Deployment& paw, const Deadline& deadline) {
  Inventory inventory;
  const auto add = [&](const kube::GroupVersionResource& kind, const kube::Object& object,
                       Json essence) {
    inventory.objects[kind.kind + " " + object.ToString()] = std::move(essence);
  };
  kube::Client& client = paw.kube();
  for (const auto& kind : KindsOfANamespace()) {
    ASSIGN_OR_RETURN(const auto list, client.List({kind, paw.profile().ns}, deadline));
    for (const kube::Object& object : list.items) {
      if (kind.kind == "Pod" && (object.controller() || object.deletion_time())) continue;
      // List items carry no kind of their own.
      Json json = object.json();
      json["kind"] = kind.kind;
      add(kind, object, Essence(kube::Object(std::move(json))));
    }
  }
  ASSIGN_OR_RETURN(const auto volumes, client.List({kube::kPersistentVolumes}, deadline));
  for (const kube::Object& volume : volumes.items) {
    if (kube::FindString(volume.json(), {"spec", "claimRef", "namespace"}) != paw.profile().ns) {
      continue;
    }
    Json json = volume.json();
    json["kind"] = kube::kPersistentVolumes.kind;
    add(kube::kPersistentVolumes, volume, Essence(kube::Object(std::move(json))));
  }
  ASSIGN_OR_RETURN(const auto nodes, client.List({kube::kNodes}, deadline));
  for (const kube::Object& node : nodes.items) add(kube::kNodes, node, MarksOf(node));
  ASSIGN_OR_RETURN(const auto classes, client.List({kube::kStorageClasses}, deadline));
  for (const kube::Object& c : classes.items) add(kube::kStorageClasses, c, Essence(c));
  return inventory;
}

std::vector<std::string> Inventory::DifferencesTo(const Inventory& now) const {
  std::vector<std::string> differences;
  for (const auto& [name, before] : objects) {
    const auto found = now.objects.find(name);
    if (found == now.objects.end()) {
      differences.push_back(name + " is gone");
    } else if (found->second != before) {
      differences.push_back(
          fmt::format("{} changed: {}", name, FirstDifference(before, found->second)));
    }
  }
  for (const auto& [name, essence] : now.objects) {
    if (!objects.contains(name)) differences.push_back(name + " was left behind");
  }
  return differences;
}

}  // namespace pawk8s
