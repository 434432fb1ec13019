// Amounts as Kubernetes writes them: "100m", "1", "1Gi", "2e3", "500k".
#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pawk8s::kube {

// An amount in thousandths: exact for millicores and for bytes up to 9 PB.
struct Quantity {
  std::int64_t milli = 0;

  friend auto operator<=>(const Quantity&, const Quantity&) = default;
  friend Quantity operator+(Quantity a, Quantity b) { return {a.milli + b.milli}; }
  friend Quantity operator-(Quantity a, Quantity b) { return {a.milli - b.milli}; }
  Quantity& operator+=(Quantity other) {
    milli += other.milli;
    return *this;
  }
  // Rounded up, as the API does.
  [[nodiscard]] std::int64_t Whole() const { return milli / 1000 + (milli % 1000 > 0 ? 1 : 0); }
  // "250m" or "3".
  [[nodiscard]] std::string ToString() const;
};

// Empty if it is no quantity or does not fit; finer than a thousandth is rounded up.
[[nodiscard]] std::optional<Quantity> ParseQuantity(std::string_view text);

}  // namespace pawk8s::kube
