// Restarts of a container in its pod, as after a crash: nothing else of the pod may change.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/kube/objects.h"

namespace pawk8s {

// Did a run of the container end within `window` before `now`? Then the kubelet backs off before
// the next one.
[[nodiscard]] bool EndedWithin(const kube::Pod& pod, const std::string& container, Millis window,
                               kube::SystemTime now);

// How far a pod has come back from the end of one of its containers.
struct Comeback {
  std::string pod;
  std::string lacks;  // empty: it is back
  friend bool operator==(const Comeback&, const Comeback&) = default;
};
// Back is: the same pod on the same node, Ready, with one restart more of `container` and none of
// any other container.
[[nodiscard]] Comeback ComebackOf(const kube::Pod& before, const kube::Pod& now,
                                  const std::string& container);
[[nodiscard]] absl::StatusOr<Comeback> ReadComeback(Deployment& paw, const kube::Pod& before,
                                                    const std::string& container,
                                                    const Deadline& deadline);

// Restarted is: the same pod on the same node, one restart more of `container`, which runs again,
// and none of any other container. Whether it is Ready does not matter.
[[nodiscard]] Comeback RestartOf(const kube::Pod& before, const kube::Pod& now,
                                 const std::string& container);
[[nodiscard]] absl::StatusOr<Comeback> ReadRestart(Deployment& paw, const kube::Pod& before,
                                                   const std::string& container,
                                                   const Deadline& deadline);

// How a run of a container ended.
struct RunEnd {
  std::string container;
  std::int64_t exit_code = 0;
  std::string reason;  // the kubelet's word for it
};
// As the pod's status shows it: that of the present run if it has ended, else of the one before.
[[nodiscard]] std::optional<RunEnd> EndShownBy(const kube::Pod& pod, const std::string& container);
// Waits by watch until a run of the container has ended that had not in `before`, at most `within`:
// DeadlineExceeded, in a sentence that says what did not come. It is to be asked at once: a kubelet
// that clears up between the creation and the start of the next run forgets how this one ended
// (DataLoss).
[[nodiscard]] absl::StatusOr<RunEnd> AwaitEnd(Deployment& paw, const kube::Pod& before,
                                              const std::string& container, Millis within,
                                              const Deadline& deadline);

// How far a validator is behind the others.
struct Lag {
  std::string pod;
  std::int64_t blocks = 0;
  friend bool operator==(const Lag&, const Lag&) = default;
};
[[nodiscard]] absl::StatusOr<Lag> ReadLag(Deployment& paw, const kube::Pod& validator,
                                          const Deadline& deadline);

}  // namespace pawk8s
