// Claims of the suite's own, made as the validators' are, and the pods that use them: what the
// storage does with a claim is tried on these, never on a validator's.
//
//   const OwnClaim claim = Stimulus(MakeClaim(paw(), faults(), "fresh", deadline()));
//   const OwnUser user = Stimulus(UseClaim(paw(), faults(), claim, {.what = "fresh"}, deadline()));
//
// Reverting a claim takes its volume and what is on it along. Declare it before its users: they
// must be gone first.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/fault/faults.h"

namespace pawk8s {

struct OwnClaim {
  std::string name;
  std::string storage_class;
  fault::Fault made;
};
// "pawk8s-<what>": of the validators' StorageClass, with the access modes of their claim template.
// Asks for `size`, or for the least that a validator may.
[[nodiscard]] absl::StatusOr<OwnClaim> MakeClaim(Deployment& paw, fault::Faults& faults,
                                                 const std::string& what, const Deadline& deadline,
                                                 std::optional<Bytes> size = {});
[[nodiscard]] absl::StatusOr<kube::Json> OwnClaimManifest(const std::string& name,
                                                          const kube::Json& stateful_set,
                                                          const Profile& profile, Bytes size);

struct OwnUser {
  std::string pod;
  fault::Fault made;
};
struct Use {
  std::string what;         // the pod is "pawk8s-<what>"
  std::string node = {};    // where it must run; empty: anywhere
  std::string script = {};  // what it runs; empty: it waits
};
// A pod that has the claim at kOwnVolume, and a scratch folder of its own at kOwnScratch.
[[nodiscard]] absl::StatusOr<OwnUser> UseClaim(Deployment& paw, fault::Faults& faults,
                                               const OwnClaim& claim, const Use& use,
                                               const Deadline& deadline);
inline constexpr const char* kOwnVolume = "/volume";
inline constexpr const char* kOwnScratch = "/tmp";

// How a claim is now.
struct ClaimState {
  std::string claim;  // "paw/pawk8s-fresh"
  std::string storage_class;
  std::string phase;  // "Pending", "Bound", "Lost"
  std::string volume;
  std::int64_t capacity = 0;  // bytes, of its status

  [[nodiscard]] std::string ToString() const;
  friend bool operator==(const ClaimState&, const ClaimState&) = default;
};
[[nodiscard]] absl::StatusOr<ClaimState> ReadClaim(Deployment& paw, const OwnClaim& claim,
                                                   const Deadline& deadline);
// Asks for more: returns when the claim says so, not when it has it.
[[nodiscard]] absl::Status ExpandClaim(Deployment& paw, fault::Faults& faults,
                                       const OwnClaim& claim, Bytes size, const Deadline& deadline);
// When the validators' StorageClass makes a volume: "WaitForFirstConsumer" or "Immediate".
[[nodiscard]] absl::StatusOr<std::string> ReadBindingMode(Deployment& paw,
                                                          const Deadline& deadline);

// How the user of a claim is now.
struct UserState {
  std::string pod;
  ClaimState claim;
  std::string lacks;                // why it does not run; empty: it does
  std::string node;                 // where it is; empty: not scheduled
  std::vector<std::string> events;  // "FailedScheduling: 0/5 nodes are available: ..."

  [[nodiscard]] std::string ToString() const;
  friend bool operator==(const UserState&, const UserState&) = default;
};
[[nodiscard]] absl::StatusOr<UserState> ReadUser(Deployment& paw, const OwnClaim& claim,
                                                 const OwnUser& user, const Deadline& deadline);
// Do its events say that the claim's volume cannot be had on its node: by the scheduler, which
// knows where the volume belongs, or by who attaches it?
[[nodiscard]] bool SaysVolumeIsElsewhere(const std::vector<std::string>& events);

// What a user read from the volume, after it had written and synced `write` if that is not empty.
struct VolumeContent {
  UserState user;
  std::string content;
  friend bool operator==(const VolumeContent&, const VolumeContent&) = default;
};
[[nodiscard]] absl::StatusOr<VolumeContent> ReadContent(Deployment& paw, const OwnClaim& claim,
                                                        const OwnUser& user,
                                                        const std::string& write,
                                                        const Deadline& deadline);

// Two nodes on which a validator runs, and with it the storage that it needs.
[[nodiscard]] absl::StatusOr<std::pair<std::string, std::string>> TwoWorkers(
    Deployment& paw, const Deadline& deadline);

// What became of what was written, after the claim had been deleted.
struct RecoveredData {
  std::string storage_class;
  std::string volume;  // the PV
  std::string phase;   // of the volume, after the deletion; "gone" if there is none
  std::string mark;    // what was written
  std::string read;    // by the user of a new claim for the same volume; empty: nothing
  [[nodiscard]] std::string ToString() const;
};
// An error means that the claim could not be written to, or not be deleted.
[[nodiscard]] absl::StatusOr<RecoveredData> DeleteAndRecover(Deployment& paw, fault::Faults& faults,
                                                             const Deadline& deadline);

// A volume while it grows under a writer that syncs each write.
struct GrowingVolume {
  ClaimState claim;
  std::string pod;
  std::string container_id;
  std::int64_t total = 0;   // bytes of the file system inside the pod
  std::int64_t writes = 0;  // that were synced
  std::int64_t failed = 0;
  [[nodiscard]] std::string ToString() const;
  friend bool operator==(const GrowingVolume&, const GrowingVolume&) = default;
};
// For Use::script: writes and syncs ten times a second.
[[nodiscard]] std::string SyncingWriter();
[[nodiscard]] absl::StatusOr<GrowingVolume> ReadGrowingVolume(Deployment& paw,
                                                              const OwnClaim& claim,
                                                              const OwnUser& writer,
                                                              const Deadline& deadline);
// Into total, writes and failed. DataLoss if the text is no such report.
[[nodiscard]] absl::Status ParseWriterReport(const std::string& text, GrowingVolume& volume);

}  // namespace pawk8s
