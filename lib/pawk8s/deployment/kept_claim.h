// The validators scaled down by one and back: what becomes of the claim whose pod is away.
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

struct KeptClaim {
  std::string ns;
  std::string pod;       // the last ordinal's
  MountedClaim before;   // of that pod
  std::string not_kept;  // what became of the claim while it was away; empty: it stayed as it was
  BlockRange blocks;     // made while it was away, as another validator has them
  MountedClaim after;    // of the pod that came back; empty: none did in time
  std::string mark;      // written to the volume before
  std::optional<std::string> mark_after;  // what the pod that came back reads there

  // "PersistentVolumeClaim paw/paw-data-paw-validator-3"
  [[nodiscard]] std::string ToString() const;
};

// Keeps it scaled down until the others have made `blocks`, or for at most that many times the
// longest gap between two (thresholds). An error means that it was not scaled.
[[nodiscard]] absl::StatusOr<KeptClaim> ScaleDownAndBack(Deployment& paw, fault::Faults& faults,
                                                         agent::Agent& agents, int blocks,
                                                         const Deadline& deadline);

// The first state of the claim, as it was `listed` or became by `changes`, in which it was not
// Bound, another one, of another volume, or being deleted; empty if there was none.
[[nodiscard]] std::string WhyNotKept(const std::vector<kube::Object>& listed,
                                     const std::vector<kube::Change>& changes,
                                     const MountedClaim& before);

}  // namespace pawk8s
