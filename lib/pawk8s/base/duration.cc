#include "pawk8s/base/duration.h"

#include <fmt/format.h>

#include <chrono>

namespace pawk8s {

std::string InSeconds(std::optional<Millis> value) {
  return value ? fmt::format("{:.1f}s", std::chrono::duration<double>(*value).count()) : "never";
}

}  // namespace pawk8s
