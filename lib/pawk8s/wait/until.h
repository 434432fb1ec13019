// Waiting for a condition, with everything needed to explain a wait that failed.
//
//   const auto report = Until(Deadline::After(30s), Every(250ms), read_height,
//                             [](Height h) { return h > 100; });
//   // report.status, report.last, report.changes (distinct values with their times)
//
// The one place that retries. Only Unavailable, ResourceExhausted and the DeadlineExceeded of one
// attempt are tried again; every other error ends the wait at once. Knows no client and no gtest.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pawk8s/base/clock.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/base/status.h"

namespace pawk8s {

template <class T>
struct ValueChange {
  Millis at;  // since the wait began
  T value;
};

template <class T>
struct WaitReport {
  // OK: the condition held. DeadlineExceeded: it did not in time. Otherwise the error that ended
  // the wait.
  absl::Status status;
  int polls = 0;
  int errors = 0;  // polls that gave no value
  Millis elapsed{0};
  std::optional<T> last;
  Millis last_at{0};  // when `last` was read
  // Of the last attempt that failed and was not cut off by the end of the wait, which says nothing
  // of why; of that one if there was no other. OK if none failed.
  absl::Status last_error;
  std::vector<ValueChange<T>> changes;  // distinct values, at most kMaxChanges, the oldest dropped

  static constexpr std::size_t kMaxChanges = 20;

  // Was nothing read any more towards the end, for more than 2 s and twice the time that a value
  // took before? What was read last is then no word on what became of it.
  [[nodiscard]] bool EndedBlind() const {
    const int values = std::max(polls - errors, 1);
    return elapsed - last_at > std::max(Millis{2000}, 2 * last_at / values);
  }
};

// Blocks between two attempts: for a time, or until something may have changed.
using Pause = std::function<void(const Deadline&)>;

// Sleeps `interval` between attempts.
[[nodiscard]] Pause Every(Millis interval, Clock& clock = Clock::Real());

// May another attempt succeed?
[[nodiscard]] bool IsRetryable(const absl::Status& error);

namespace wait_internal {

template <class T>
void Note(WaitReport<T>& report, T value) {
  const bool changed = [&] {
    if constexpr (requires { value == value; }) {
      return !report.last || !(*report.last == value);
    } else {
      return !report.last;
    }
  }();
  if (changed) {
    if (report.changes.size() == WaitReport<T>::kMaxChanges) {
      report.changes.erase(report.changes.begin() + 1);  // the first one stays: where it began
    }
    report.changes.push_back({report.elapsed, value});
  }
  report.last = std::move(value);
  report.last_at = report.elapsed;
}

}  // namespace wait_internal

// Calls `observe` (T or StatusOr<T>; one attempt within `deadline`) until `holds(value)`.
template <class Observe, class Predicate>
[[nodiscard]] auto Until(const Deadline& deadline, const Pause& pause, Observe&& observe,
                         Predicate&& holds, Clock& clock = Clock::Real()) {
  using Observed = std::invoke_result_t<Observe&, const Deadline&>;
  using T = typename Observed::value_type;
  WaitReport<T> report;
  const SteadyTime began = clock.Now();
  const auto tick = [&] {
    report.elapsed = std::chrono::duration_cast<Millis>(clock.Now() - began);
  };
  while (true) {
    Observed value = observe(deadline);
    ++report.polls;
    tick();
    if (value.ok()) {
      const bool done = holds(*value);
      wait_internal::Note(report, *std::move(value));
      if (done) return report;
    } else {
      ++report.errors;
      const bool cut_off =
          absl::IsDeadlineExceeded(value.status()) && clock.Now() >= deadline.when();
      if (!cut_off || report.last_error.ok()) report.last_error = value.status();
      if (!IsRetryable(value.status())) {
        report.status = value.status();
        return report;
      }
    }
    if (clock.Now() >= deadline.when() || deadline.Cancelled()) {
      report.status = deadline.Cancelled() ? absl::CancelledError("the wait was cancelled")
                                           : absl::DeadlineExceededError("it did not hold in time");
      return report;
    }
    pause(deadline);
  }
}

// Calls `observe` until `deadline`, as long as `holds(value)`. OK when it held at every one of at
// least `min_polls` values; FailedPrecondition when it once did not (`last` is that value);
// OutOfRange when there were too few values to say so, or none towards the end.
template <class Observe, class Predicate>
[[nodiscard]] auto Hold(const Deadline& deadline, const Pause& pause, int min_polls,
                        Observe&& observe, Predicate&& holds, Clock& clock = Clock::Real()) {
  bool broken = false;
  auto report = Until(
      deadline, pause, std::forward<Observe>(observe),
      [&](const auto& value) { return broken = !holds(value); }, clock);
  const int values = report.polls - report.errors;
  if (broken) {
    report.status = absl::FailedPreconditionError("it did not hold throughout");
  } else if (absl::IsDeadlineExceeded(report.status)) {
    report.status = absl::OkStatus();
    if (values < min_polls) {
      report.status = absl::OutOfRangeError("seen " + std::to_string(values) + " times, at least " +
                                            std::to_string(min_polls) + " are needed");
    } else if (report.EndedBlind()) {
      report.status = absl::OutOfRangeError("not seen any more after " +
                                            std::to_string(report.last_at.count()) + " ms");
    }
  }
  return report;
}

}  // namespace pawk8s
