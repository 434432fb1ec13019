#pragma once

#include <compare>
#include <cstdint>

namespace pawk8s::chain {

// A block height. Heights are counted from 1; 0 means that there is no block yet.
struct Height {
  std::int64_t value = 0;
  friend auto operator<=>(const Height&, const Height&) = default;
  friend Height operator+(Height h, std::int64_t n) { return {h.value + n}; }
  friend std::int64_t operator-(Height a, Height b) { return a.value - b.value; }
};

}  // namespace pawk8s::chain
