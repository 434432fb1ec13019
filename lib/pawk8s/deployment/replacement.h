// One deletion of a validator's pod as all around it saw it: for the several cases that judge the
// same deletion. It is looked at from here (watches), from its node (HTTP), from its volume and
// from a peer; nothing is judged.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/deployment/mounted_claim.h"
#include "pawk8s/fault/faults.h"
#include "pawk8s/kube/informer.h"

namespace pawk8s {

struct ObservedReplacement {
  fault::PodReplacement pod;
  BlockRange blocks;  // as another validator made them, from the deletion until it was Ready

  // When the old pod was no longer among the ready endpoints of the RPC Service.
  std::optional<kube::SystemTime> left_endpoints;
  std::vector<std::string> failed_hooks;  // messages of its FailedPreStopHook events

  MountedClaim claim_before, claim_after;

  // The rest is seen through the agent; nothing of it where the profile does not allow one.
  struct Reply {
    kube::SystemTime at;  // when the request was sent
    bool ok = false;      // 200
  };
  std::vector<Reply> health;                // of the old pod's RPC, asked ten times a second
  std::string mark;                         // written to its volume before the deletion
  std::optional<std::string> mark_in_next;  // what its successor read there; empty: no such file

  [[nodiscard]] kube::Json ToJson() const;
  // Throws nlohmann::json::exception when a member is missing or of another type.
  [[nodiscard]] static ObservedReplacement FromJson(const kube::Json& json);

  // How the container of the old pod ended; empty if that was not seen.
  [[nodiscard]] std::optional<kube::ContainerStatus> Ending(const std::string& container) const;
  // From the container's end to that of the grace period; negative if it took longer.
  [[nodiscard]] std::optional<Millis> StopMargin(const std::string& container) const;
  // From when it left the endpoints to the sending of the last request that it answered.
  [[nodiscard]] std::optional<Millis> ServedAfterRemoval() const;
  // Requests that were answered before the deletion: without any, later silence says nothing.
  [[nodiscard]] int AnsweredBefore() const;
};

// Deletes `victim`, whose absence `witness` tells. `agents` may be null. An error means that the
// deletion did not take place or could not be followed.
[[nodiscard]] absl::StatusOr<ObservedReplacement> ObserveReplacement(
    Deployment& paw, fault::Faults& faults, agent::Agent* agents, const kube::Pod& victim,
    const kube::Pod& witness, const Deadline& deadline);

// The time of the first of `changes`, which follow on `listed`, after which no slice lists the pod
// as ready. Empty if it was not listed before, or is to the end.
[[nodiscard]] std::optional<kube::SystemTime> WhenNotReady(const std::vector<kube::Object>& listed,
                                                           const std::vector<kube::Change>& changes,
                                                           const std::string& pod_uid);

[[nodiscard]] bool HasPreStop(const kube::Pod& pod, const std::string& container);

}  // namespace pawk8s
