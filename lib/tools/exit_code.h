// How pawk8s ends, and the one sentence it says of an error.
#pragma once

#include <fmt/format.h>

#include <cstdio>

#include "pawk8s/base/status.h"

namespace pawk8s {

enum ExitCode : int {
  kPass = 0,
  kVerdictFailed = 1,
  kUsage = 2,
  kUnreachable = 3,
  kRefused = 4,
  kNotRestored = 5,
};

inline int Complain(const absl::Status& status) {
  fmt::print(stderr, "pawk8s: {}\n", MessageOf(status));
  if (absl::IsInvalidArgument(status)) return kUsage;
  if (absl::IsFailedPrecondition(status)) return kRefused;
  return kUnreachable;
}

}  // namespace pawk8s
