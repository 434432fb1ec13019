// A start that takes longer than the liveness probe has patience: a pod of the suite's own with the
// validators' probes, in which a stub answers them only after that time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/deployment/own_pod.h"
#include "pawk8s/kube/pod_spec.h"

namespace pawk8s {

struct SlowStarter {
  std::string of;           // "StatefulSet paw/paw-validator": whose probes these are
  Millis answers_after{0};  // since the container's start
  OwnPod pod;
};
// One whose stub answers `margin` after the liveness probe's patience. FailedPrecondition if the
// template's probes are not over HTTP, which is what the stub speaks.
[[nodiscard]] absl::StatusOr<SlowStarter> PrepareSlowStarter(Deployment& paw, Millis margin,
                                                             const Deadline& deadline);

struct SlowStart {
  std::string of;
  Millis answers_after{0};
  std::optional<Millis> ready;  // since the container's start, to whole seconds; empty: never
  std::int64_t restarts = 0;    // until it was Ready, was restarted, or the time was over
};
// Follows the pod, which was just created, until it is Ready or restarted, at most `within` after
// the stub answers. FailedPrecondition if it was Ready too soon to prove anything.
[[nodiscard]] absl::StatusOr<SlowStart> FollowSlowStart(Deployment& paw, const SlowStarter& starter,
                                                        Millis within, const Deadline& deadline);

// From a container's start until a liveness probe that nobody answers has it ended; 0 without one.
[[nodiscard]] Millis LivenessPatience(const kube::ContainerSpec& container);

// What the stub runs: nothing for `delay`, then a server with a page at each probe's path.
// FailedPrecondition if one of the probes is not HTTP, or there is none.
[[nodiscard]] absl::StatusOr<std::string> StubScript(const kube::ContainerSpec& container,
                                                     const std::string& folder, Millis delay);

}  // namespace pawk8s
