// How a pod came up: one init container after another, then the program.
#pragma once

#include <string>
#include <vector>

#include "pawk8s/kube/objects.h"

namespace pawk8s {

// Why the pod did not start as it must: its spec lists `init` in this order, each of them ended
// with exit code 0, none began before the one before it had ended, and `container` not before the
// last. Empty if it did. The kubelet's times have whole seconds.
[[nodiscard]] std::string WhyNotStartedInOrder(const kube::Pod& pod,
                                               const std::vector<std::string>& init,
                                               const std::string& container);

}  // namespace pawk8s
