// A runner that arms one fault and then waits to be killed.
#pragma once

#include <string>

namespace pawk8s::fault {

// `when`: "active" arms, says so and hangs; "hold" does the same with a fault that may be held for
// one second only; "done" reverts and ends.
int RunUntilKilled(const std::string& kubeconfig, const std::string& when);

}  // namespace pawk8s::fault
