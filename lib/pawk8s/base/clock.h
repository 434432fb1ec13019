// The one place that reads clocks for timing and sleeps, so that waiting code is tested offline
// with a clock that a test moves by hand.
#pragma once

#include <chrono>
#include <string>

#include "pawk8s/base/deadline.h"

namespace pawk8s {

class Clock {
 public:
  virtual ~Clock() = default;

  [[nodiscard]] virtual SteadyTime Now() = 0;

  // Returns after `how_long`, or as soon as `deadline` is over or cancelled.
  virtual void Sleep(std::chrono::nanoseconds how_long, const Deadline& deadline) = 0;

  // The machine's clock. Thread-safe.
  static Clock& Real();
};

// The wall clock as RFC 3339 in UTC with milliseconds ("2026-01-31T23:59:59.123Z"): for records and
// evidence, never for durations.
[[nodiscard]] std::string FormatUtc(std::chrono::system_clock::time_point when);

}  // namespace pawk8s
