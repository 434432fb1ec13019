// A validator's start, rehearsed: a pod of the suite's own runs the init containers of the live
// template, with their images, environment and files, on a volume of its own. In place of the
// program a shell waits: no second process ever has a validator's key.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/fault/faults.h"

namespace pawk8s {

struct Rehearsal {
  std::string what;                         // the pod is "pawk8s-<what>"
  std::map<std::string, std::string> seed;  // files that are on the volume beforehand, by path
  // What the init containers are told instead of the key genesis.digest_key.
  std::optional<std::string> genesis_digest;
  std::vector<std::string> read;  // files whose digests are read when all have ended well
};

struct Rehearsed {
  std::string of;                              // "StatefulSet paw/paw-validator"
  std::vector<kube::ContainerStatus> init;     // in the order of the spec
  std::map<std::string, std::string> digests;  // sha256, by path; empty: no such file
};

// Runs it to its end and removes it. An error means that it could not be run: not admitted, not
// started, or its volume not prepared.
[[nodiscard]] absl::StatusOr<Rehearsed> Rehearse(Deployment& paw, fault::Faults& faults,
                                                 const Rehearsal& rehearsal,
                                                 const Deadline& deadline);

// The pod: of the validators' template and what OwnPodManifest() made of it. NotFound if the
// template has not what is to be replaced.
[[nodiscard]] absl::StatusOr<kube::Json> RehearsalManifest(const Profile& profile,
                                                           const kube::Json& spec,
                                                           kube::Json own_pod,
                                                           const Rehearsal& rehearsal);

// Why not each of `init` ended with exit code 0; empty if they did.
[[nodiscard]] std::string WhyNotCompleted(const Rehearsed& rehearsed,
                                          const std::vector<std::string>& init);
// Why `barrier` did not end with an error before `next` ran at all; empty if it did.
[[nodiscard]] std::string WhyNotStopped(const Rehearsed& rehearsed, const std::string& barrier,
                                        const std::string& next);

// The genesis with another amount in its first balance; its chain id stays. InvalidArgument if it
// has no balance.
[[nodiscard]] absl::StatusOr<std::string> WithAnotherBalance(const std::string& genesis);
// With another last digit.
[[nodiscard]] std::string WithAnotherDigit(std::string hex);

}  // namespace pawk8s
