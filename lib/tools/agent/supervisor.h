// Keeps the resident process alive: one that is killed is replaced at once, without the back-off
// that the kubelet puts between the restarts of a container, because it may have faults to revert.
#pragma once

#include <functional>

namespace pawk8s::agent {

// Runs `work` in a child process and returns the child's exit code. A child that a signal ended is
// started again, unless this process was told to end (SIGTERM, SIGINT: passed on to the child).
// When this process dies, the child does.
[[nodiscard]] int Supervise(const std::function<int()>& work);

}  // namespace pawk8s::agent
