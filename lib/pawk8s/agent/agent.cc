#include "pawk8s/agent/agent.h"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <utility>

#include "pawk8s/agent/calls.h"
#include "pawk8s/agent/daemon_set.h"
#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

std::int64_t LocalMillis() {
  return std::chrono::duration_cast<Millis>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

struct NodeAgent::State {
  std::string node;
  std::string pod;
  std::string pod_uid;
  std::shared_ptr<Calls> calls;
  PingResult facts = {};
  Millis clock_offset{0};
};

NodeAgent::NodeAgent(std::shared_ptr<const State> state) : state_(std::move(state)) {}

const std::string& NodeAgent::node() const { return state_->node; }
const PingResult& NodeAgent::facts() const { return state_->facts; }
Millis NodeAgent::clock_offset() const { return state_->clock_offset; }

kube::SystemTime NodeAgent::ToLocal(std::int64_t node_ms) const {
  return kube::SystemTime(Millis{node_ms} - state_->clock_offset);
}

absl::StatusOr<Json> NodeAgent::CallJson(std::string_view verb, const Json& args,
                                         const Deadline& deadline) const {
  const std::string what = fmt::format("agent {} on {}", verb, state_->node);
  const absl::StatusOr<std::string> text = state_->calls->Ask(RequestText(verb, args), deadline);
  if (!text.ok()) return Annotate(text.status(), what);
  absl::StatusOr<Json> answer = ParseAnswer(*text);
  if (!answer.ok()) return Annotate(answer.status(), what);
  return answer;
}

absl::StatusOr<FaultState> NodeAgent::Arm(std::string id, Millis ttl, Injection injection,
                                          const Deadline& deadline) const {
  const ArmRequest request{
      .id = std::move(id),
      .ttl_ms = ttl.count(),
      .not_after_ms = LocalMillis() + state_->clock_offset.count() + ttl.count(),
      .injection = std::move(injection)};
  return Call(request, deadline);
}

absl::StatusOr<FaultState> NodeAgent::Revert(std::string id, const Deadline& deadline) const {
  return Call(RevertRequest{std::move(id)}, deadline);
}

absl::StatusOr<Target> TargetOf(const kube::Pod& pod, std::string_view container,
                                std::string_view process) {
  const auto status = pod.container_status(container);
  const std::size_t scheme = status ? status->container_id.find("://") : std::string::npos;
  if (scheme == std::string::npos || status->state != "running") {
    return absl::FailedPreconditionError(
        fmt::format("container {} of pod {} does not run{}", container, pod.ToString(),
                    status && !status->reason.empty() ? fmt::format(" ({})", status->reason) : ""));
  }
  Target target{.pod_uid = pod.uid(), .container_id = status->container_id.substr(scheme + 3)};
  if (!process.empty()) target.process = std::string(process);
  return target;
}

Place PlaceOf(const kube::Pod& pod) { return {.pod_uid = pod.uid()}; }

class Agent::Impl {
 public:
  Impl(const kube::Client& client, Options options)
      : client_(client.Clone()),
        streams_(std::make_shared<const kube::Client>(client.Clone())),
        daemon_set_(client_, options),
        options_(std::move(options)) {}

  absl::StatusOr<NodeAgent> On(const std::string& node, const Deadline& deadline) {
    const std::lock_guard lock(mutex_);
    if (const auto known = known_.find(node); known != known_.end()) {
      // Its pod may have been replaced meanwhile; a read is cheap beside an exec.
      const auto pod = client_.Get({kube::kPods, options_.ns, known->second->pod}, deadline);
      if (pod.ok() && pod->uid() == known->second->pod_uid && !pod->deletion_time()) {
        return NodeAgent(known->second);
      }
      if (!pod.ok() && !absl::IsNotFound(pod.status())) return pod.status();
      known_.erase(known);
    }
    if (!applied_) {
      RETURN_IF_ERROR(daemon_set_.Apply(deadline));
      applied_ = true;
    }
    ASSIGN_OR_RETURN(const kube::Pod pod, daemon_set_.AwaitPod(node, deadline));
    return Meet(node, pod, deadline);
  }

  absl::StatusOr<std::vector<NodeAgent>> Running(const Deadline& deadline) {
    const std::lock_guard lock(mutex_);
    ASSIGN_OR_RETURN(const auto pods, daemon_set_.RunningPods(deadline));
    std::vector<NodeAgent> agents;
    for (const kube::Pod& pod : pods) {
      ASSIGN_OR_RETURN(NodeAgent one, Meet(pod.node().value_or(""), pod, deadline));
      agents.push_back(std::move(one));
    }
    return agents;
  }

  absl::Status Remove(const Deadline& deadline) {
    const std::lock_guard lock(mutex_);
    known_.clear();
    applied_ = false;
    return daemon_set_.Remove(deadline);
  }

  absl::Status CheckRights(const Deadline& deadline) {
    const std::lock_guard lock(mutex_);
    return daemon_set_.CheckRights(deadline);
  }

 private:
  // The first talk: is it ours, does it lack anything, how does its clock stand.
  absl::StatusOr<NodeAgent> Meet(const std::string& node, const kube::Pod& pod,
                                 const Deadline& deadline) {
    auto state = std::make_shared<NodeAgent::State>(NodeAgent::State{
        node, pod.name(), pod.uid(), std::make_shared<Calls>(streams_, options_.ns, pod.name())});
    const std::int64_t before = LocalMillis();
    ASSIGN_OR_RETURN(state->facts, NodeAgent(state).Call(PingRequest{}, deadline));
    const std::int64_t after = LocalMillis();
    state->clock_offset = Millis{state->facts.wall_ms - (before + after) / 2};
    if (!state->facts.missing.empty()) {
      return absl::FailedPreconditionError(
          fmt::format("node {} (kernel {}) lacks what the agent needs: {}", node,
                      state->facts.kernel, fmt::join(state->facts.missing, "; ")));
    }
    known_[node] = state;
    return NodeAgent(state);
  }

  std::mutex mutex_;
  kube::Client client_;  // with mutex_ held
  std::shared_ptr<const kube::Client> streams_;
  DaemonSet daemon_set_;
  Options options_;
  bool applied_ = false;
  std::map<std::string, std::shared_ptr<const NodeAgent::State>> known_;
};

Agent::Agent(const kube::Client& client, Options options)
    : impl_(std::make_unique<Impl>(client, std::move(options))) {}
Agent::~Agent() = default;

absl::StatusOr<NodeAgent> Agent::On(std::string_view node, const Deadline& deadline) {
  return impl_->On(std::string(node), deadline);
}

absl::StatusOr<NodeAgent> Agent::For(const kube::Pod& pod, const Deadline& deadline) {
  const auto node = pod.node();
  if (!node) {
    return absl::FailedPreconditionError(
        fmt::format("pod {} is not scheduled to a node", pod.ToString()));
  }
  return impl_->On(*node, deadline);
}

absl::StatusOr<std::vector<NodeAgent>> Agent::Running(const Deadline& deadline) {
  return impl_->Running(deadline);
}
absl::Status Agent::Remove(const Deadline& deadline) { return impl_->Remove(deadline); }
absl::Status Agent::CheckRights(const Deadline& deadline) { return impl_->CheckRights(deadline); }

}  // namespace pawk8s::agent
