// Deletes a pod that a controller makes anew, and follows the replacement by watch.
//
// Stimulus only: it says when what happened, and judges nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/kube/client.h"
#include "pawk8s/kube/objects.h"

namespace pawk8s::fault {

// All times are those at which the watch event arrived here.
struct PodReplacement {
  kube::Pod old_pod;      // before the deletion
  kube::Pod last_of_old;  // as it was last seen: how its containers ended
  // When the old pod's grace period would have been over. Its last states do not say that any more:
  // the kubelet cuts the period to nothing as its last step.
  std::optional<kube::SystemTime> grace_ends;
  kube::Pod new_pod;      // its last state seen; the old one while there is no successor
  SteadyTime deleted_at;  // the API server took the deletion
  SteadyTime removed_at;  // the old pod was gone: its process has ended
  std::optional<SteadyTime> addressed_at;  // the successor got its address
  std::optional<SteadyTime> running_at;    // the successor's phase became Running
  std::optional<SteadyTime> ready_at;      // the successor became Ready

  [[nodiscard]] bool HasSuccessor() const { return new_pod.uid() != old_pod.uid(); }
  // For another process of the same run: the times are of this machine since it was started.
  [[nodiscard]] kube::Json ToJson() const;
  // Throws nlohmann::json::exception when a member is missing or of another type.
  [[nodiscard]] static PodReplacement FromJson(const kube::Json& json);

  // Since the old pod's removal; empty if it did not happen.
  [[nodiscard]] std::optional<Millis> RunningAfter() const;
  [[nodiscard]] std::optional<Millis> ReadyAfter() const;
};

// Deletes `pod` (with its own grace period) and returns when a pod of the same name and another
// UID is Ready, or `ready_within` has passed since the old one was removed. An error means that
// the stimulus did not take place: the deletion was refused, or the pod was not removed in time.
[[nodiscard]] absl::StatusOr<PodReplacement> ReplacePod(kube::Client& client, const kube::Pod& pod,
                                                        Millis ready_within,
                                                        const Deadline& deadline);

}  // namespace pawk8s::fault
