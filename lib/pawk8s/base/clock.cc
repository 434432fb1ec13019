#include "pawk8s/base/clock.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <ctime>
#include <mutex>

namespace pawk8s {
namespace {

class RealClock final : public Clock {
 public:
  SteadyTime Now() override { return std::chrono::steady_clock::now(); }

  void Sleep(std::chrono::nanoseconds how_long, const Deadline& deadline) override {
    const SteadyTime until =
        std::min(deadline.when(),
                 Now() + std::chrono::duration_cast<std::chrono::steady_clock::duration>(how_long));
    std::mutex mutex;
    std::condition_variable_any woken;
    std::unique_lock lock(mutex);
    woken.wait_until(lock, deadline.stop(), until, [] { return false; });
  }
};

}  // namespace

Clock& Clock::Real() {
  static RealClock clock;
  return clock;
}

std::string FormatUtc(std::chrono::system_clock::time_point when) {
  const auto since_epoch = std::chrono::floor<Millis>(when).time_since_epoch();
  const std::time_t seconds = std::chrono::floor<std::chrono::seconds>(since_epoch).count();
  std::tm utc{};
  gmtime_r(&seconds, &utc);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900,
                     utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
                     since_epoch.count() % 1000);
}

}  // namespace pawk8s
