// The two changes of the validators' template that cases judge: one that does no harm, and one that
// cannot come up and is rolled back. Stimulus and trace; nothing here judges.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "nlohmann/json_fwd.hpp"
#include "pawk8s/agent/agent.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/chain/rpc.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/deployment/eviction.h"
#include "pawk8s/deployment/rollout.h"
#include "pawk8s/fault/faults.h"

namespace pawk8s {

struct RollingUpdate {
  Rollout rollout;
  std::string told_by;             // the pod that was asked for the blocks
  std::vector<Millis> block_gaps;  // between the blocks made meanwhile

  [[nodiscard]] nlohmann::json ToJson() const;
  // Throws nlohmann::json::exception when it is of another form.
  [[nodiscard]] static RollingUpdate FromJson(const nlohmann::json& json);
};

// Changes an annotation of the template and follows the rollout until it is complete, at most
// `within`; then takes the annotation back, which is a rollout that nobody follows. With `agents`
// the pod replaced before is asked for /status, on its pod IP, when the next one is deleted.
[[nodiscard]] absl::StatusOr<RollingUpdate> RollOutAnnotation(Deployment& paw,
                                                              fault::Faults& faults,
                                                              agent::Agent* agents, Millis within,
                                                              const Deadline& deadline);

// A validator's pod: what it runs.
struct PodImage {
  std::string revision;
  std::string image_id;
  friend bool operator==(const PodImage&, const PodImage&) = default;
};

// Which pod does not run what it did, and what it runs; empty if each does. Nothing at all is not
// as before.
[[nodiscard]] std::string WhyNotAsBefore(const std::map<std::string, PodImage>& before,
                                         const std::map<std::string, PodImage>& now);

struct StuckUpdate {
  Rollout stuck;
  EvictionAnswers evictions;  // of the pods that were not replaced, while it was stuck
  std::int64_t spare = 0;     // how many of them consensus can do without, while it is stuck
  std::int64_t allowed = 0;   // how many of them the budget lets go at the end of that time
  std::int64_t blocks = 0;    // made while it was stuck
  std::map<std::string, PodImage> before, meanwhile, after;  // by pod

  Rollout restored;  // from the rollback on
  std::string revision_before;
  std::string current_revision, update_revision;  // of the StatefulSet, after
  chain::Height rolled_back;                      // the height when the rollback began
  chain::Height regained;                         // ... and when all pods were back

  [[nodiscard]] nlohmann::json ToJson() const;
  // Throws nlohmann::json::exception when it is of another form.
  [[nodiscard]] static StuckUpdate FromJson(const nlohmann::json& json);
};

// Has the template ask for an image that does not exist, waits until a pod is stuck and `blocks`
// more were made, at most `within`, and asks for evictions meanwhile. Then writes back the template
// of the ControllerRevision from before, deletes the stuck pod, as Kubernetes requires, and follows
// until all is as before, again at most `within`.
[[nodiscard]] absl::StatusOr<StuckUpdate> RollOutAbsentImage(Deployment& paw, fault::Faults& faults,
                                                             int blocks, Millis within,
                                                             const Deadline& deadline);

}  // namespace pawk8s
