// Faults in a pod, held by the agent of its node: they end at their deadline whoever lives.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/fault/faults.h"
#include "pawk8s/wait/until.h"

namespace pawk8s::fault {
namespace {

using agent::FaultPhase;

absl::Status NoAgent() {
  return absl::FailedPreconditionError(
      "this needs the agent: set allow.agent and agent.image in the profile");
}

// What the agent of the pod's node is asked, before and after.
struct Reached {
  agent::NodeAgent node;
  agent::Target target;
};

absl::StatusOr<Reached> Reach(const FaultContext& context, const kube::Pod& pod,
                              const std::string& container, const Deadline& deadline) {
  if (context.agents == nullptr) return NoAgent();
  ASSIGN_OR_RETURN(agent::NodeAgent node, context.agents->For(pod, deadline));
  ASSIGN_OR_RETURN(agent::Target target, agent::TargetOf(pod, container));
  return Reached{std::move(node), std::move(target)};
}

// Waits until none of the processes that got a SIGKILL is alive. That the agent says it has sent
// one proves nothing.
absl::Status AwaitDeath(const Reached& at, const agent::SignalResult& sent,
                        const agent::ProcessList& before, const Deadline& deadline) {
  constexpr std::chrono::seconds kDeadWithin{10};
  for (const std::int64_t pid : sent.pids) {
    if (std::ranges::find(before.processes, pid, &agent::ProcessFacts::pid) ==
        before.processes.end()) {
      return absl::FailedPreconditionError(
          fmt::format("the signal went to process {}, which is none of the container's", pid));
    }
  }
  const auto report = Until(
      deadline.AtMost(kDeadWithin), Every(Millis{50}),
      [&](const Deadline& d) -> absl::StatusOr<bool> {
        const auto now = at.node.Call(agent::ProcessFactsRequest{.target = at.target}, d);
        if (agent::IsTargetGone(now.status())) return true;
        RETURN_IF_ERROR(now.status());
        return std::ranges::none_of(now->processes, [&](const agent::ProcessFacts& p) {
          return p.state != "Z" && std::ranges::find(sent.pids, p.pid) != sent.pids.end();
        });
      },
      [](bool dead) { return dead; });
  return Annotate(report.status, "the killed process was not seen to die");
}

}  // namespace

absl::StatusOr<Fault> Faults::Inject(const kube::Pod& pod, const agent::NodeAgent& node,
                                     agent::Injection injection, const std::string& what,
                                     std::vector<kube::Pod> loss, const Deadline& deadline,
                                     const FaultOptions& options, Witness witness) {
  Plan plan{.what = what,
            .target = "Pod " + pod.ToString(),
            .uid = pod.uid(),
            .loss = {.pods = std::move(loss), .quorum_declared = options.quorum_declared},
            .hold = options.hold};
  plan.undo = {.kind = Undo::Kind::kAgent, .node = node.node()};
  plan.act = [node, injection = std::move(injection), hold = options.hold](const std::string& id,
                                                                           const Deadline& d) {
    return node.Arm(id, hold, injection, d).status();
  };
  plan.witness = std::move(witness);
  return Fault::Arm(context_, std::move(plan), deadline);
}

absl::StatusOr<Fault> Faults::Freeze(const kube::Pod& pod, const std::string& container,
                                     const Deadline& deadline, const FaultOptions& options) {
  ASSIGN_OR_RETURN(const Reached at, Reach(*context_, pod, container, deadline));
  return Inject(pod, at.node, agent::Freeze{.target = at.target},
                fmt::format("freeze {} in {}", container, pod.name()), {pod}, deadline, options,
                [at](const Deadline& d) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(
                      const agent::ProcessList list,
                      at.node.Call(agent::ProcessFactsRequest{.target = at.target}, d));
                  return std::ranges::all_of(list.processes, [](const agent::ProcessFacts& p) {
                    return p.state == "T" || p.state == "t";
                  });
                });
}

absl::StatusOr<agent::SignalResult> Faults::Kill(const kube::Pod& pod, const std::string& container,
                                                 agent::SignalName signal, const Deadline& deadline,
                                                 const FaultOptions& options) {
  if (context_->guard) {
    RETURN_IF_ERROR(
        context_->guard({.pods = {pod}, .quorum_declared = options.quorum_declared}, deadline));
  }
  ASSIGN_OR_RETURN(const Reached at, Reach(*context_, pod, container, deadline));
  Trace trace{.what = fmt::format("kill {} in {}", container, pod.name()),
              .target = "Pod " + pod.ToString(),
              .uid = pod.uid(),
              .planned = std::chrono::system_clock::now()};
  context_->on_step(trace);
  ASSIGN_OR_RETURN(const agent::ProcessList before,
                   at.node.Call(agent::ProcessFactsRequest{.target = at.target}, deadline));
  ASSIGN_OR_RETURN(
      const agent::SignalResult sent,
      at.node.Call(agent::SignalRequest{.target = at.target, .signal = signal}, deadline));
  trace.applied = std::chrono::system_clock::now();
  context_->on_step(trace);
  if (signal == agent::SignalName::kKill) {
    RETURN_IF_ERROR(AwaitDeath(at, sent, before, deadline));
    trace.seen = std::chrono::system_clock::now();
    context_->on_step(trace);
  }
  return sent;
}

absl::StatusOr<Fault> Faults::LoadCpu(const kube::Pod& pod, const std::string& container,
                                      int threads, const Deadline& deadline,
                                      const FaultOptions& options) {
  ASSIGN_OR_RETURN(const Reached at, Reach(*context_, pod, container, deadline));
  const agent::CgroupFactsRequest facts{.target = at.target};
  ASSIGN_OR_RETURN(const agent::CgroupFacts before, at.node.Call(facts, deadline));
  // Seen: the cgroup has used a tenth of a CPU second more than an idle one would so soon.
  constexpr std::int64_t kUsedUs = 100'000;
  return Inject(pod, at.node, agent::CpuLoad{.target = at.target, .threads = threads},
                fmt::format("{} busy threads in {} of {}", threads, container, pod.name()), {},
                deadline, options, [at, facts, before](const Deadline& d) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(const agent::CgroupFacts now, at.node.Call(facts, d));
                  return now.cpu_usage_us > before.cpu_usage_us + kUsedUs;
                });
}

absl::StatusOr<Fault> Faults::LimitMemory(const kube::Pod& pod, const std::string& container,
                                          std::optional<std::int64_t> bytes,
                                          const Deadline& deadline, const FaultOptions& options) {
  ASSIGN_OR_RETURN(const Reached at, Reach(*context_, pod, container, deadline));
  const agent::CgroupFactsRequest facts{.target = at.target};
  ASSIGN_OR_RETURN(const agent::CgroupFacts before, at.node.Call(facts, deadline));
  return Inject(pod, at.node, agent::MemoryLimit{.target = at.target, .bytes = bytes},
                fmt::format("lower the memory limit of {} in {}", container, pod.name()), {pod},
                deadline, options, [at, facts, before](const Deadline& d) -> absl::StatusOr<bool> {
                  const auto now = at.node.Call(facts, d);
                  // The kill may have come first, and the container with its cgroup be gone.
                  if (agent::IsTargetGone(now.status())) return true;
                  RETURN_IF_ERROR(now.status());
                  return now->memory_limit != before.memory_limit ||
                         now->oom_kills.value_or(0) > before.oom_kills.value_or(0);
                });
}

absl::StatusOr<Fault> Faults::WriteFile(const kube::Pod& pod, const std::string& container,
                                        const std::string& path, const std::string& content,
                                        const Deadline& deadline, const FaultOptions& options) {
  ASSIGN_OR_RETURN(const Reached at, Reach(*context_, pod, container, deadline));
  return Inject(pod, at.node,
                agent::FileWrite{.target = at.target, .path = path, .content = {content}},
                fmt::format("write {} in {}", path, pod.name()), {}, deadline, options,
                [at, path, content](const Deadline& d) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(
                      const agent::FileContent read,
                      at.node.Call(agent::FileReadRequest{.target = at.target, .path = path}, d));
                  return read.content.data == content;
                });
}

absl::StatusOr<Fault> Faults::DropPackets(const kube::Pod& pod, agent::PacketMatch match,
                                          const Endpoint& unreachable, const Deadline& deadline,
                                          const FaultOptions& options) {
  if (context_->agents == nullptr) return NoAgent();
  ASSIGN_OR_RETURN(const agent::NodeAgent node, context_->agents->For(pod, deadline));
  const agent::DialRequest dial{.place = agent::PlaceOf(pod),
                                .address = unreachable.address,
                                .port = unreachable.port,
                                .timeout_ms = 500};
  // The control: what was unreachable before proves nothing.
  ASSIGN_OR_RETURN(const agent::DialResult before, node.Call(dial, deadline));
  if (before.outcome != agent::Outcome::kOk) {
    return absl::FailedPreconditionError(fmt::format("{} cannot reach {}:{} even without the fault",
                                                     pod.name(), unreachable.address,
                                                     unreachable.port));
  }
  return Inject(pod, node,
                agent::PacketDrop{.place = agent::PlaceOf(pod), .match = std::move(match)},
                fmt::format("drop packets of {}", pod.name()), {pod}, deadline, options,
                [node, dial](const Deadline& d) -> absl::StatusOr<bool> {
                  ASSIGN_OR_RETURN(const agent::DialResult now, node.Call(dial, d));
                  return now.outcome == agent::Outcome::kTimeout;
                });
}

RevertOnNode RevertThrough(agent::Agent& agents) {
  return [&agents](const std::string& node, const std::string& fault, const Deadline& deadline) {
    ASSIGN_OR_RETURN(const std::vector<agent::NodeAgent> running, agents.Running(deadline));
    for (const agent::NodeAgent& agent : running) {
      if (agent.node() != node) continue;
      const absl::Status reverted = agent.Revert(fault, deadline).status();
      return absl::IsNotFound(reverted) ? absl::OkStatus() : reverted;
    }
    // Without a DaemonSet there is no fault either: its removal waits until each agent has
    // reverted. With one, this node's agent comes back and reverts as it starts.
    if (running.empty()) return absl::OkStatus();
    return absl::Status(absl::UnavailableError("the agent of node " + node + " does not run"));
  };
}

}  // namespace pawk8s::fault
