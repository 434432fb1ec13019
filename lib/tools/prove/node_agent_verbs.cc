#include "prove/node_agent_verbs.h"

#include <vector>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/profile.h"
#include "prove/steps.h"

namespace pawk8s::prove {
namespace {

using nlohmann::json;

constexpr Millis kLongest{3'600'000};  // what an agent accepts; lifting ends it before

// A defect stays until it is lifted, unless its step says for how long.
absl::StatusOr<Millis> HoldOf(const json& args) {
  if (!args.contains("hold")) return kLongest;
  return ParseDuration(args.at("hold").get<std::string>());
}

}  // namespace

absl::Status NodeAgentVerbs::Arm(const std::string& id, const json& args,
                                 const Deadline& deadline) try {
  ASSIGN_OR_RETURN(const Millis hold, HoldOf(args));
  const auto [ns, name] = SplitPodName(args.at("pod").get<std::string>());
  ASSIGN_OR_RETURN(const kube::Object object, paw_.kube().Get({kube::kPods, ns, name}, deadline));
  const kube::Pod pod(object);
  const auto verb = args.at("verb").get<std::string>();
  json injection = args.value("arguments", json::object());
  // What acts on the network takes the pod, everything else one of its containers.
  if (verb == agent::PacketDrop::kKind) {
    injection["place"] = agent::Encode(agent::PlaceOf(pod));
  } else {
    ASSIGN_OR_RETURN(const agent::Target target,
                     agent::TargetOf(pod, args.at("container").get<std::string>()));
    injection["target"] = agent::Encode(target);
  }
  ASSIGN_OR_RETURN(const agent::NodeAgent node, agents_.For(pod, deadline));
  return node
      .CallJson(agent::ArmRequest::kVerb, {{"id", id}, {"ttl_ms", hold.count()}, {verb, injection}},
                deadline)
      .status();
} catch (const json::exception& error) {
  return absl::InvalidArgumentError(std::string("agent step: ") + error.what());
}

absl::StatusOr<bool> NodeAgentVerbs::IsActive(const std::string& id, const json& /*args*/,
                                              const Deadline& deadline) {
  ASSIGN_OR_RETURN(const std::vector<agent::NodeAgent> running, agents_.Running(deadline));
  for (const agent::NodeAgent& node : running) {
    ASSIGN_OR_RETURN(const agent::FaultList list, node.Call(agent::FaultsRequest{}, deadline));
    for (const agent::FaultState& fault : list.faults) {
      if (fault.id == id) return fault.phase != agent::FaultPhase::kReverted;
    }
  }
  return false;
}

absl::Status NodeAgentVerbs::Revert(const std::string& id, const json& /*args*/,
                                    const Deadline& deadline) {
  ASSIGN_OR_RETURN(const std::vector<agent::NodeAgent> running, agents_.Running(deadline));
  for (const agent::NodeAgent& node : running) {
    const absl::Status reverted = node.Revert(id, deadline).status();
    if (!reverted.ok() && !absl::IsNotFound(reverted)) return reverted;
  }
  return absl::OkStatus();
}

}  // namespace pawk8s::prove
