// Three workloads that nobody controls: their status never lags, as it names no generation.
#pragma once

#include <string>

#include "workload_fixture.h"

namespace pawk8s {

inline void PutSmallDeployment(fake::Store& store, int replicas) {
  PutStatefulSet(store, "validators", replicas);
  PutDeployment(store, "nodes", replicas);
  PutDeployment(store, "api", replicas);
  for (const char* path : {"statefulsets/validators", "deployments/nodes", "deployments/api"}) {
    const std::string url = std::string("/apis/apps/v1/namespaces/paw/") + path;
    fake::Target target;
    fake::ParseTarget(url, &target);
    kube::Json workload = store.Get(target).body;
    workload["metadata"].erase("generation");
    workload["status"].erase("observedGeneration");
    store.Put(url, workload);
  }
}

}  // namespace pawk8s
