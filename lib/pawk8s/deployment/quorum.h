// May these pods be taken away? What a fault asks before it is armed.
#pragma once

#include <vector>

#include "absl/status/status.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/kube/objects.h"

namespace pawk8s {

// FailedPrecondition if `lost` holds the pod that was asked to be the witness, or if without `lost`
// (and without the validators that are not Ready now) no more than 2/3 of the voting power is left
// and `quorum_declared` is false. Pods that are no validators weigh nothing.
[[nodiscard]] absl::Status CheckLoss(Deployment& paw, const std::vector<kube::Pod>& lost,
                                     bool quorum_declared, const Deadline& deadline);

}  // namespace pawk8s
