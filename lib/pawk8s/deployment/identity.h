// Is this the cluster and the chain that the profile means? Asked before a run and before every
// write, so that a wrong kubeconfig can break nothing.
#pragma once

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pawk8s/deployment/deployment.h"

namespace pawk8s {

struct Identity {
  std::string kube_system_uid;
  std::string ca_sha256;
  std::string chain_id;        // empty if no validator could be asked
  std::string genesis_sha256;  // likewise
};

// What is there now. A chain that no Ready validator speaks for is no error: its part stays empty,
// and whether it should speak is for the cases to judge.
[[nodiscard]] absl::StatusOr<Identity> ReadIdentity(Deployment& paw, const Deadline& deadline);

// FailedPrecondition, naming the first difference, if the cluster is not the pinned one. The
// chain's part is compared when it can be read.
[[nodiscard]] absl::Status CheckIdentity(Deployment& paw, const Deadline& deadline);
// The cluster's part alone: one request. For use before each write.
[[nodiscard]] absl::Status CheckClusterIdentity(Deployment& paw, const Deadline& deadline);

}  // namespace pawk8s
