// The agent steps of a defect, carried out by the agents of a cluster.
#pragma once

#include <string>

#include "pawk8s/agent/agent.h"
#include "pawk8s/deployment/deployment.h"
#include "prove/agent_verbs.h"

namespace pawk8s::prove {

class NodeAgentVerbs : public AgentVerbs {
 public:
  NodeAgentVerbs(Deployment& paw, agent::Options options)
      : paw_(paw), agents_(paw.kube(), std::move(options)) {}

  absl::Status Arm(const std::string& id, const nlohmann::json& args,
                   const Deadline& deadline) override;
  absl::StatusOr<bool> IsActive(const std::string& id, const nlohmann::json& args,
                                const Deadline& deadline) override;
  absl::Status Revert(const std::string& id, const nlohmann::json& args,
                      const Deadline& deadline) override;
  absl::Status Remove(const Deadline& deadline) override { return agents_.Remove(deadline); }

 private:
  Deployment& paw_;
  agent::Agent agents_;
};

}  // namespace pawk8s::prove
