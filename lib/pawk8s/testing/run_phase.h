// main() of the six phase executables.
#pragma once

#include <string_view>

namespace pawk8s::testing {

// Lists or runs the phase's cases. Listing touches no cluster, no profile and starts no thread.
// Returns 0 if every selected case passed, 1 if one failed or none was selected, 3 if the
// deployment could not be observed at all, 5 if something was left behind.
int RunPhase(std::string_view phase, int argc, char** argv);

}  // namespace pawk8s::testing
