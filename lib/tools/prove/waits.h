// What a plant, a settling or a lift waits for.
#pragma once

#include <nlohmann/json.hpp>
#include <vector>

#include "absl/status/status.h"
#include "pawk8s/deployment/baseline.h"
#include "prove/site.h"
#include "prove/steps.h"

namespace pawk8s::prove {

// A `wait` or `pause` step. The message of an error says how far it came.
[[nodiscard]] absl::Status Await(Site& site, const Step& step);

// Until the workloads among `touched` are rolled out and `before` is regained (without one: until
// the deployment is healthy). Pods that a rollout left stuck are deleted, each once.
[[nodiscard]] absl::Status AwaitRestored(Site& site, const std::vector<kube::ObjectRef>& touched,
                                         const Baseline* before);

}  // namespace pawk8s::prove
