// What a workload looks like now: the demand and the pods that meet it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/profile.h"
#include "pawk8s/kube/client.h"
#include "pawk8s/kube/objects.h"

namespace pawk8s {

struct WorkloadState {
  WorkloadRef ref;
  int replicas = 0;             // spec.replicas
  std::string revision;         // of the present template
  std::vector<kube::Pod> pods;  // all that the workload owns, of any revision, by name

  // Running, of the present revision, every container Ready, not being deleted.
  [[nodiscard]] std::vector<kube::Pod> ReadyPods() const;
  // Exactly as many of those as wanted, and no pod besides them.
  [[nodiscard]] bool IsSettled() const;
  // "StatefulSet paw/paw-validator: 3 of 4 pods of revision x Running and Ready; not: p (why)"
  [[nodiscard]] std::string ToString() const;
};

// NotFound if there is no such workload; Unavailable while its status lags behind its spec.
[[nodiscard]] absl::StatusOr<WorkloadState> ReadWorkload(kube::Client& client,
                                                         const WorkloadRef& ref,
                                                         const Deadline& deadline);

[[nodiscard]] kube::ObjectRef RefOf(const WorkloadRef& ref);
// The workload's pod template: labels, annotations and spec of its pods.
[[nodiscard]] absl::StatusOr<kube::Json> ReadPodTemplate(kube::Client& client,
                                                         const WorkloadRef& ref,
                                                         const Deadline& deadline);

// In a few words why a pod is not Running with every container Ready; empty if it is.
[[nodiscard]] std::string WhyNotReady(const kube::Pod& pod);

}  // namespace pawk8s
