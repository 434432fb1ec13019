// The validators scaled to nothing and back, as the watch on their pods saw it. The chain stands
// still meanwhile; nothing is judged here but the order of what happened.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/fault/faults.h"
#include "pawk8s/kube/informer.h"

namespace pawk8s {

// One ordinal: the end of its old pod, the beginning of its new one. What did not happen is absent.
struct PodCycle {
  std::string pod;
  std::optional<SteadyTime> deleted;  // its deletion began
  std::optional<SteadyTime> gone;
  std::optional<SteadyTime> created;
  std::optional<SteadyTime> ready;
};

struct ScaleCycle {
  std::string workload;                // "StatefulSet paw/paw-validator"
  std::vector<PodCycle> pods;          // by ordinal
  SteadyTime down_at, up_at;           // when it was scaled
  std::optional<Millis> blocks_after;  // all Ready -> a block above those from before

  [[nodiscard]] kube::Json ToJson() const;
  // Throws nlohmann::json::exception when a member is missing or of another type.
  [[nodiscard]] static ScaleCycle FromJson(const kube::Json& json);

  // Until the last of them; empty if not all came to that.
  [[nodiscard]] std::optional<Millis> AllGoneAfter() const;
  [[nodiscard]] std::optional<Millis> AllReadyAfter() const;
  // The first that breaks the order, in a sentence; empty if none does.
  [[nodiscard]] std::string WhyNotReverseOrder() const;  // gone: the last ordinal first
  [[nodiscard]] std::string WhyNotOrder() const;         // made: each when the one before is Ready
};

// An error means that it was not scaled. Returns with all Ready again, or when their time
// (thresholds) is over.
[[nodiscard]] absl::StatusOr<ScaleCycle> RunScaleCycle(Deployment& paw, fault::Faults& faults,
                                                       const Deadline& deadline);

// Takes `changes` of the pods into the cycle; `old_uids` are those from before, by ordinal.
void Follow(const std::vector<kube::Change>& changes, const std::vector<std::string>& old_uids,
            ScaleCycle& cycle);

}  // namespace pawk8s
