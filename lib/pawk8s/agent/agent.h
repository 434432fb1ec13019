// The typed client of the agent: a privileged DaemonSet of this suite, which is applied when the
// first call needs it, has no network port and no Kubernetes right, and is reached by pods/exec.
//
//   agent::Agent agents(client, {.image = ..., .run_id = ...});
//   ASSIGN_OR_RETURN(agent::NodeAgent on, agents.For(pod, deadline));
//   ASSIGN_OR_RETURN(const agent::Target target, agent::TargetOf(pod, "pawd"));
//   ASSIGN_OR_RETURN(const agent::CgroupFacts facts,
//                    on.Call(agent::CgroupFactsRequest{.target = target}, deadline));
//
// Carries out and tells; judges nothing. One attempt a call; errors have the canonical codes,
// and those of the API server pass through.
#pragma once

#include <chrono>
#include <concepts>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/agent/fault.h"
#include "pawk8s/agent/file_verbs.h"
#include "pawk8s/agent/network_verbs.h"
#include "pawk8s/agent/protocol.h"
#include "pawk8s/agent/target.h"
#include "pawk8s/agent/verbs.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/kube/client.h"
#include "pawk8s/kube/objects.h"

namespace pawk8s::agent {

struct Options {
  std::string ns = "pawk8s-agent";
  std::string image;             // empty: there is none, every call is FailedPrecondition
  std::string pull_secret = {};  // a Secret of `ns`, which must then exist; empty: none
  std::string run_id;            // value of the label pawk8s.dev/run
};

template <class T>
concept Verb = requires {
  { T::kVerb } -> std::convertible_to<std::string_view>;
  typename T::Result;
};

// The running container of that name, by identity. FailedPrecondition when it does not run.
[[nodiscard]] absl::StatusOr<Target> TargetOf(const kube::Pod& pod, std::string_view container,
                                              std::string_view process = "");
[[nodiscard]] Place PlaceOf(const kube::Pod& pod);

// The agent of one node. Cheap to copy; may be used by several threads at once.
class NodeAgent {
 public:
  [[nodiscard]] const std::string& node() const;
  // What the node's agent said of itself when it was first reached.
  [[nodiscard]] const PingResult& facts() const;
  // The node's wall clock minus this machine's, as good as half a round trip.
  [[nodiscard]] Millis clock_offset() const;
  // A time of the node's wall clock, as this machine's.
  [[nodiscard]] kube::SystemTime ToLocal(std::int64_t node_ms) const;

  // Errors of the verb: InvalidArgument, NotFound (IsTargetGone), FailedPrecondition,
  // Unimplemented (a kernel feature is missing, named), DeadlineExceeded, Internal. Unavailable
  // when agent, node or API server cannot be reached: the verb may have been carried out. Ask
  // Agent::On() again then: the agent's pod may be another one by now.
  template <Verb Request>
  [[nodiscard]] absl::StatusOr<typename Request::Result> Call(const Request& request,
                                                              const Deadline& deadline) const {
    absl::StatusOr<Json> answer = CallJson(Request::kVerb, Encode(request), deadline);
    if (!answer.ok()) return std::move(answer).status();
    return Decode<typename Request::Result>(*answer);
  }

  // Arms under `id` for `ttl`, counted from now on this machine: a request that is held up on its
  // way starts no fault after its time.
  [[nodiscard]] absl::StatusOr<FaultState> Arm(std::string id, Millis ttl, Injection injection,
                                               const Deadline& deadline) const;
  [[nodiscard]] absl::StatusOr<FaultState> Revert(std::string id, const Deadline& deadline) const;

  // Any verb, untyped: for steps that are data. The agent checks it as strictly.
  [[nodiscard]] absl::StatusOr<Json> CallJson(std::string_view verb, const Json& args,
                                              const Deadline& deadline) const;

 private:
  friend class Agent;
  struct State;
  explicit NodeAgent(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

// All agents of the cluster. Thread-safe.
class Agent {
 public:
  // Touches nothing yet. `client` is cloned.
  Agent(const kube::Client& client, Options options);
  ~Agent();

  // The agent of a node: applies the DaemonSet if this process has not yet, waits by watch until
  // the node's agent runs, and asks it for its protocol. FailedPrecondition with the reason when
  // that cannot come true: no image given or not in the registry, refused by admission, a kernel
  // feature missing, node NotReady.
  [[nodiscard]] absl::StatusOr<NodeAgent> On(std::string_view node, const Deadline& deadline);
  // ... of the node where that pod is.
  [[nodiscard]] absl::StatusOr<NodeAgent> For(const kube::Pod& pod, const Deadline& deadline);

  // Every node's agent that runs now; applies nothing. Empty when there is no DaemonSet.
  [[nodiscard]] absl::StatusOr<std::vector<NodeAgent>> Running(const Deadline& deadline);

  // Removes the DaemonSet and the namespace that the suite made for it, and returns when they are
  // gone, which is after every agent has reverted its faults. OK when there is none.
  // FailedPrecondition when the namespace is not this suite's.
  [[nodiscard]] absl::Status Remove(const Deadline& deadline);

  // What is missing to use it, for the preflight: an image, or one of the account's rights.
  [[nodiscard]] absl::Status CheckRights(const Deadline& deadline);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawk8s::agent
