// Durations as people read them.
#pragma once

#include <optional>
#include <string>

#include "pawk8s/base/clock.h"

namespace pawk8s {

// "12.4s"; "never" for what did not come about.
[[nodiscard]] std::string InSeconds(std::optional<Millis> value);

}  // namespace pawk8s
