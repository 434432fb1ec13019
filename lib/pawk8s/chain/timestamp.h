#pragma once

#include <compare>
#include <cstdint>

namespace pawk8s::chain {

// A time as CometBFT hashes and signs it: to the nanosecond, since 1970 in UTC. Its zero time, that
// of an absent vote, lies in the year 1, out of the reach of a count of nanoseconds.
struct Timestamp {
  std::int64_t seconds = 0;
  std::int32_t nanos = 0;
  friend auto operator<=>(const Timestamp&, const Timestamp&) = default;
};

}  // namespace pawk8s::chain
