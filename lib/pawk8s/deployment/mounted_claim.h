// What a validator's pod mounts as its data folder, and a mark on that volume by which it is known
// again when another pod has mounted it.
#pragma once

#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/fault/faults.h"

namespace pawk8s {

// What a pod mounts at a path.
struct MountedClaim {
  std::string claim;   // its name; empty: what is mounted there is no claim's volume
  std::string uid;     // of the claim
  std::string volume;  // the PV that it is bound to
  friend bool operator==(const MountedClaim&, const MountedClaim&) = default;
};

// Of a validator, at storage.path. NotFound if there is no such claim.
[[nodiscard]] absl::StatusOr<MountedClaim> ReadMountedClaim(Deployment& paw, const kube::Pod& pod,
                                                            const Deadline& deadline);

// The claim behind what `container` of the pod mounts at `path`; empty if there is none.
[[nodiscard]] std::string ClaimAt(const kube::Pod& pod, const std::string& container,
                                  const std::string& path);

// A file of random content on a validator's volume.
struct VolumeMark {
  std::string content;
  fault::Fault written;
};
[[nodiscard]] absl::StatusOr<VolumeMark> WriteMark(Deployment& paw, fault::Faults& faults,
                                                   const kube::Pod& pod, const Deadline& deadline);
// What `pod`, a later one, has where the mark was written; the file is removed. Empty: no file.
[[nodiscard]] absl::StatusOr<std::optional<std::string>> TakeMark(Deployment& paw,
                                                                  agent::Agent& agents,
                                                                  const kube::Pod& pod,
                                                                  const Deadline& deadline);
// Of 64 hex digits.
[[nodiscard]] std::string RandomMark();

}  // namespace pawk8s
