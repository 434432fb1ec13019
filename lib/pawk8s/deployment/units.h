// Quantities as a profile writes them: a whole number and its unit.
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"

namespace pawk8s {

// A size as Kubernetes counts it: 1Gi is 2^30 bytes, 1G is 10^9.
struct Bytes {
  std::int64_t count = 0;
  friend auto operator<=>(const Bytes&, const Bytes&) = default;
};

// A whole number of hundredths; more than 100 is allowed.
struct Percent {
  int of_hundred = 0;
  // This share of `whole`.
  [[nodiscard]] double Of(double whole) const { return whole * of_hundred / 100; }
  friend auto operator<=>(const Percent&, const Percent&) = default;
};

// "250ms", "30s", "4m": at least 1 ms, at most a day. InvalidArgument for anything else.
[[nodiscard]] absl::StatusOr<Millis> ParseDuration(std::string_view text);
// "512Mi", "1Gi", "20G": at least 1 byte, less than 8 EiB. The unit may not be left out.
[[nodiscard]] absl::StatusOr<Bytes> ParseBytes(std::string_view text);
// "90%"
[[nodiscard]] absl::StatusOr<Percent> ParsePercent(std::string_view text);

// The shortest form that the parser reads back as the same value.
[[nodiscard]] std::string ToText(Millis duration);
[[nodiscard]] std::string ToText(Bytes size);
[[nodiscard]] std::string ToText(Percent percent);

inline std::ostream& operator<<(std::ostream& out, Bytes size) { return out << ToText(size); }
inline std::ostream& operator<<(std::ostream& out, Percent percent) {
  return out << ToText(percent);
}

}  // namespace pawk8s
