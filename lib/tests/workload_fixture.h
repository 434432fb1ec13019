// Puts a small deployment into the fake API server.
#pragma once

#include <string>

#include "fake/store.h"

namespace pawk8s {

struct FakePod {
  std::string owner;
  std::string revision = "r";
  bool ready = true;
  bool deleting = false;
  std::string revision_label = "controller-revision-hash";
  std::string app = {};  // label `app`; empty: the owner's name
};

inline void PutPod(fake::Store& store, const std::string& name, const FakePod& pod) {
  const std::string status = pod.ready ? "True" : "False";
  kube::Json object = {
      {"kind", "Pod"},
      {"metadata",
       {{"name", name},
        {"namespace", "paw"},
        {"uid", "uid-" + name},
        {"labels",
         {{"app", pod.app.empty() ? pod.owner : pod.app}, {pod.revision_label, pod.revision}}},
        {"ownerReferences", kube::Json::array({{{"kind", "Any"},
                                                {"name", pod.owner},
                                                {"uid", "uid-" + pod.owner},
                                                {"controller", true}}})}}},
      {"status",
       {{"phase", "Running"},
        {"conditions", kube::Json::array({{{"type", "Ready"}, {"status", status}}})},
        {"containerStatuses",
         kube::Json::array({{{"name", "pawd"}, {"ready", pod.ready}, {"restartCount", 0}}})}}}};
  if (pod.deleting) object["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  store.Put("/api/v1/namespaces/paw/pods/" + name, object);
}

inline kube::Json FakeWorkload(const std::string& kind, const std::string& name, int replicas) {
  return {{"kind", kind},
          {"metadata",
           {{"name", name}, {"namespace", "paw"}, {"uid", "uid-" + name}, {"generation", 1}}},
          {"spec", {{"replicas", replicas}, {"selector", {{"matchLabels", {{"app", name}}}}}}},
          {"status", {{"observedGeneration", 1}}}};
}

inline void PutStatefulSet(fake::Store& store, const std::string& name, int replicas,
                           int observed_generation = 1) {
  kube::Json set = FakeWorkload("StatefulSet", name, replicas);
  set["status"] = {{"observedGeneration", observed_generation}, {"updateRevision", "r"}};
  store.Put("/apis/apps/v1/namespaces/paw/statefulsets/" + name, set);
  for (int i = 0; i < replicas; ++i) PutPod(store, name + "-" + std::to_string(i), {.owner = name});
}

inline void PutDeployment(fake::Store& store, const std::string& name, int replicas) {
  kube::Json deployment = FakeWorkload("Deployment", name, replicas);
  deployment["metadata"]["annotations"] = {{"deployment.kubernetes.io/revision", "2"}};
  store.Put("/apis/apps/v1/namespaces/paw/deployments/" + name, deployment);
  for (const auto& [hash, revision] : {std::pair{"r", "2"}, std::pair{"old", "1"}}) {
    const std::string set_name = name + "-" + hash;
    kube::Json set = FakeWorkload("ReplicaSet", set_name, replicas);
    set["metadata"]["labels"] = {{"app", name}, {"pod-template-hash", hash}};
    set["metadata"]["annotations"] = {{"deployment.kubernetes.io/revision", revision}};
    set["metadata"]["ownerReferences"] = kube::Json::array(
        {{{"kind", "Deployment"}, {"name", name}, {"uid", "uid-" + name}, {"controller", true}}});
    store.Put("/apis/apps/v1/namespaces/paw/replicasets/" + set_name, set);
  }
  for (int i = 0; i < replicas; ++i) {
    PutPod(store, name + "-r-" + std::to_string(i),
           {.owner = name + "-r", .revision_label = "pod-template-hash", .app = name});
  }
}

}  // namespace pawk8s
