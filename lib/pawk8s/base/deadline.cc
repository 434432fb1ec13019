#include "pawk8s/base/deadline.h"

#include <fmt/format.h>

namespace pawk8s {

absl::Status Deadline::Check(std::string_view doing) const {
  if (Cancelled()) return absl::CancelledError(fmt::format("{}: cancelled", doing));
  if (std::chrono::steady_clock::now() >= when_) {
    return absl::DeadlineExceededError(fmt::format("{}: no time left", doing));
  }
  return absl::OkStatus();
}

}  // namespace pawk8s
