// What the suite can do to a deployment, one family a source file. Each is armed as a Fault:
// written ahead, seen, reverted, checked.
//
//   const Fault gone = Stimulus(faults().Scale(paw_validator, 3, {.hold = 60s}, deadline()));
//
// Stimulus only: nothing here judges.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/fault/fault.h"
#include "pawk8s/fault/pod_replacement.h"
#include "pawk8s/kube/client.h"
#include "pawk8s/kube/objects.h"

namespace pawk8s::fault {

struct FaultOptions {
  Millis hold{60'000};           // at most so long; the longest a case needs, plus a margin
  bool quorum_declared = false;  // the case says that consensus may stop meanwhile
};

// What a drain did to the pods of a node.
struct Drain {
  Fault cordon;
  std::vector<kube::Pod> evicted;   // gone by now, by name
  int refusals = 0;                 // 429 answers: a disruption budget forbade it at that time
  std::vector<std::string> stayed;  // pods that were not evicted in time
};

class Faults {
 public:
  explicit Faults(std::shared_ptr<const FaultContext> context) : context_(std::move(context)) {}

  // pods.cc
  // ReplacePod(), guarded: deletes and follows the successor. Its controller takes it back.
  [[nodiscard]] absl::StatusOr<PodReplacement> Replace(const kube::Pod& pod, Millis ready_within,
                                                       const Deadline& deadline,
                                                       const FaultOptions& options = {});
  // Asks for the eviction of a pod once. ResourceExhausted with cause DisruptionBudget: refused.
  [[nodiscard]] absl::Status Evict(const kube::Pod& pod, const Deadline& deadline,
                                   const FaultOptions& options = {});

  // objects.cc
  // Merges `patch` into an object. Seen when the API server shows it; a workload's own effects
  // are the case's to wait for. `loss`: the pods that it takes away.
  [[nodiscard]] absl::StatusOr<Fault> Edit(const kube::ObjectRef& object, const kube::Json& patch,
                                           const std::string& what, const Deadline& deadline,
                                           const FaultOptions& options = {},
                                           std::vector<kube::Pod> loss = {});
  // Scales a workload. Seen when the controller has taken note (observedGeneration).
  [[nodiscard]] absl::StatusOr<Fault> Scale(const kube::ObjectRef& workload, int replicas,
                                            const Deadline& deadline,
                                            const FaultOptions& options = {},
                                            std::vector<kube::Pod> loss = {});
  // Makes an object of the suite's own, labelled with the run. Reverting deletes it.
  [[nodiscard]] absl::StatusOr<Fault> Create(const kube::Collection& in, kube::Json object,
                                             const Deadline& deadline,
                                             const FaultOptions& options = {});

  // nodes.cc
  [[nodiscard]] absl::StatusOr<Fault> Cordon(const std::string& node, const Deadline& deadline,
                                             const FaultOptions& options = {});
  // Cordons, then evicts every pod that is not a DaemonSet's or the node's own, asking again every
  // second where a budget forbids it, for at most `evict_within`.
  [[nodiscard]] absl::StatusOr<Drain> DrainNode(const std::string& node, Millis evict_within,
                                                const Deadline& deadline,
                                                const FaultOptions& options = {});

 private:
  std::shared_ptr<const FaultContext> context_;
};

}  // namespace pawk8s::fault
