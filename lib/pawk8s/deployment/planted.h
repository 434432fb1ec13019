// Does a defect stand in the deployment on purpose?
#pragma once

#include <cstdlib>

namespace pawk8s {

// Set by `pawk8s prove` for the run under a defect: then the deployment as it is is the baseline,
// and the agent, which may hold the defect, is removed by `prove` when that is lifted.
inline bool DefectIsPlanted() { return std::getenv("PAWK8S_PLANTED") != nullptr; }

}  // namespace pawk8s
