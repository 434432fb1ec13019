// What the suite can do to a deployment, one family a source file. Each is armed as a Fault:
// written ahead, seen, reverted, checked.
//
//   const Fault gone = Stimulus(faults().Scale(paw_validator, 3, {.hold = 60s}, deadline()));
//
// Stimulus only: nothing here judges.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"
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
  // Asks for the eviction of a pod once. ResourceExhausted with cause DisruptionBudget: refused;
  // FailedPrecondition: accepted, but the pod is not being deleted.
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

  // Changes an object that this run has made, which is taken back as a whole: nothing is left to
  // revert. FailedPrecondition if it is not this run's.
  [[nodiscard]] absl::Status EditOwn(const kube::ObjectRef& object, const kube::Json& patch,
                                     const std::string& what, const Deadline& deadline);
  // ... deletes it, and returns when it is gone.
  [[nodiscard]] absl::Status DeleteOwn(const kube::ObjectRef& object, const Deadline& deadline);

  // volumes.cc
  // Makes a claim of the suite's own. Reverting deletes it together with its volume and all that is
  // on it, whatever the volume's reclaim policy says, and needs the pods that use it to be gone.
  [[nodiscard]] absl::StatusOr<Fault> Claim(const std::string& ns, kube::Json claim,
                                            const Deadline& deadline,
                                            const FaultOptions& options = {});
  // ... for the volume that an own claim has left, as an operator would who wants its data back.
  // NotFound if there is no such volume, FailedPrecondition if it is not Released or was not ours.
  [[nodiscard]] absl::StatusOr<Fault> ClaimAgain(const std::string& ns, kube::Json claim,
                                                 const std::string& volume,
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

  // containers.cc: held by the agent of the pod's node.
  // SIGSTOP of every process of the container. Seen when all are stopped.
  [[nodiscard]] absl::StatusOr<Fault> Freeze(const kube::Pod& pod, const std::string& container,
                                             const Deadline& deadline,
                                             const FaultOptions& options = {});
  // Sends the signal once; the kubelet takes it back by a restart. SIGKILL is seen when those who
  // got it are dead; whether SIGTERM ends a program is the program's affair.
  [[nodiscard]] absl::StatusOr<agent::SignalResult> Kill(const kube::Pod& pod,
                                                         const std::string& container,
                                                         agent::SignalName signal,
                                                         const Deadline& deadline,
                                                         const FaultOptions& options = {});
  // Busy threads inside the container's CPU cgroup. Seen when the cgroup uses the CPU.
  [[nodiscard]] absl::StatusOr<Fault> LoadCpu(const kube::Pod& pod, const std::string& container,
                                              int threads, const Deadline& deadline,
                                              const FaultOptions& options = {});
  // Lowers the memory limit, in bytes; without a value, to the least that the kernel accepts.
  [[nodiscard]] absl::StatusOr<Fault> LimitMemory(const kube::Pod& pod,
                                                  const std::string& container,
                                                  std::optional<std::int64_t> bytes,
                                                  const Deadline& deadline,
                                                  const FaultOptions& options = {});
  // Writes a file as the container sees it. Seen when it reads back.
  [[nodiscard]] absl::StatusOr<Fault> WriteFile(const kube::Pod& pod, const std::string& container,
                                                const std::string& path, const std::string& content,
                                                const Deadline& deadline,
                                                const FaultOptions& options = {});
  // Drops packets in the pod's network namespace. `unreachable` must answer before (the control);
  // seen when a connection from the pod to it times out.
  struct Endpoint {
    std::string address;
    std::uint16_t port;
  };
  [[nodiscard]] absl::StatusOr<Fault> DropPackets(const kube::Pod& pod, agent::PacketMatch match,
                                                  const Endpoint& unreachable,
                                                  const Deadline& deadline,
                                                  const FaultOptions& options = {});

 private:
  using Witness = std::function<absl::StatusOr<bool>(const Deadline&)>;
  [[nodiscard]] absl::StatusOr<Fault> Inject(const kube::Pod& pod, const agent::NodeAgent& node,
                                             agent::Injection injection, const std::string& what,
                                             std::vector<kube::Pod> loss, const Deadline& deadline,
                                             const FaultOptions& options, Witness witness);
  using Act = std::function<absl::Status(const Deadline&)>;
  // Creates an object, labelled with the run, after `first`.
  [[nodiscard]] absl::StatusOr<Fault> Make(const kube::Collection& in, kube::Json object,
                                           Undo::Kind undo, const Act& first,
                                           const Deadline& deadline, const FaultOptions& options);
  // What `act` does to an object of this run, until `witness` sees it.
  [[nodiscard]] absl::Status DoToOwn(const kube::ObjectRef& object, const std::string& what,
                                     const Act& act, const Witness& witness,
                                     const Deadline& deadline);

  std::shared_ptr<const FaultContext> context_;
};

// Asks the running agents of a cluster to revert.
[[nodiscard]] RevertOnNode RevertThrough(agent::Agent& agents);

}  // namespace pawk8s::fault
