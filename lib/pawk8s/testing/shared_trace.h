// A stimulus that several cases judge is made once a run: who makes it leaves its trace in the
// run's folder, who comes later judges that. So it is of this run by itself, and of another run,
// such as each of those in which a defect is proved, never.
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "pawk8s/base/deadline.h"

namespace pawk8s::testing {

// Of which workload a trace speaks, as it was when the stimulus was over.
struct TraceSubject {
  std::string uid;
  std::int64_t generation = 0;
  std::string revision;
  friend bool operator==(const TraceSubject&, const TraceSubject&) = default;
};

struct SharedTrace {
  TraceSubject subject;
  std::string made_by;  // the case that made the stimulus
  std::chrono::system_clock::time_point made_at;
  nlohmann::json content;
};

[[nodiscard]] absl::Status KeepTrace(const std::filesystem::path& run, std::string_view name,
                                     const SharedTrace& trace);

// The trace of that name, if it is of `subject` and not older than `max_age`. What cannot be read
// is none: then the case makes its own.
[[nodiscard]] std::optional<SharedTrace> FindTrace(const std::filesystem::path& run,
                                                   std::string_view name,
                                                   const TraceSubject& subject, Millis max_age,
                                                   std::chrono::system_clock::time_point now);

}  // namespace pawk8s::testing
