// Absolute deadlines that are passed down, together with what may cancel the work before them.
//
//   const auto deadline = Deadline::After(std::chrono::seconds(5), stop_token);
//   while (!deadline.Over()) { ... Clock::Real().Sleep(50ms, deadline); }
//
// There is no infinite deadline and no default one: whoever starts work says how long it may take.
#pragma once

#include <algorithm>
#include <chrono>
#include <stop_token>
#include <string_view>
#include <utility>

#include "absl/status/status.h"

namespace pawk8s {

using SteadyTime = std::chrono::steady_clock::time_point;
using Millis = std::chrono::milliseconds;

class Deadline {
 public:
  // `budget` from now. Zero or less is already over.
  static Deadline After(std::chrono::nanoseconds budget, std::stop_token stop = {}) {
    return At(std::chrono::steady_clock::now() +
                  std::chrono::duration_cast<std::chrono::steady_clock::duration>(budget),
              std::move(stop));
  }
  static Deadline At(SteadyTime when, std::stop_token stop = {}) {
    return Deadline(when, std::move(stop));
  }

  // The same cancellation, at most `budget` from now: what one request may take of a longer wait.
  [[nodiscard]] Deadline AtMost(std::chrono::nanoseconds budget) const {
    return Deadline(std::min(when_, After(budget).when_), stop_);
  }

  [[nodiscard]] SteadyTime when() const { return when_; }
  [[nodiscard]] const std::stop_token& stop() const { return stop_; }
  [[nodiscard]] bool Cancelled() const { return stop_.stop_requested(); }
  [[nodiscard]] bool Over() const {
    return Cancelled() || std::chrono::steady_clock::now() >= when_;
  }

  // Time left in milliseconds, rounded up; 0 when over.
  [[nodiscard]] Millis Remaining() const {
    if (Cancelled()) return Millis{0};
    const auto left = std::chrono::ceil<Millis>(when_ - std::chrono::steady_clock::now());
    return std::max(left, Millis{0});
  }

  // OK while there is time; otherwise Cancelled or DeadlineExceeded, naming `doing`.
  [[nodiscard]] absl::Status Check(std::string_view doing) const;

 private:
  Deadline(SteadyTime when, std::stop_token stop) : when_(when), stop_(std::move(stop)) {}

  SteadyTime when_;
  std::stop_token stop_;
};

}  // namespace pawk8s
