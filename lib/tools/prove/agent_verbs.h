// What an `agent` step needs of the agent. Site::agent is empty where there is none, and such steps
// are refused.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"

namespace pawk8s::prove {

// `args` are those of the step: {pod, container, verb, [arguments], [hold]}. `id` names the fault
// for ever: another process reverts it by that.
class AgentVerbs {
 public:
  virtual ~AgentVerbs() = default;
  // Returns when the fault is in force.
  [[nodiscard]] virtual absl::Status Arm(const std::string& id, const nlohmann::json& args,
                                         const Deadline& deadline) = 0;
  // False once it was reverted, by whomever.
  [[nodiscard]] virtual absl::StatusOr<bool> IsActive(const std::string& id,
                                                      const nlohmann::json& args,
                                                      const Deadline& deadline) = 0;
  // OK for one that was reverted already, or was never armed.
  [[nodiscard]] virtual absl::Status Revert(const std::string& id, const nlohmann::json& args,
                                            const Deadline& deadline) = 0;
  // Of the agent itself. Runs under a defect leave it, as the defect may be its doing.
  [[nodiscard]] virtual absl::Status Remove(const Deadline& deadline) = 0;
};

}  // namespace pawk8s::prove
