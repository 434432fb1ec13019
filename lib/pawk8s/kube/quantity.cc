#include "pawk8s/kube/quantity.h"

#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <utility>

namespace pawk8s::kube {
namespace {

constexpr std::array<std::pair<std::string_view, long double>, 15> kSuffixes = {{
    {"Ki", 1024.0L},
    {"Mi", 1048576.0L},
    {"Gi", 1073741824.0L},
    {"Ti", 1099511627776.0L},
    {"Pi", 1125899906842624.0L},
    {"Ei", 1152921504606846976.0L},
    {"n", 1e-9L},
    {"u", 1e-6L},
    {"m", 1e-3L},
    {"k", 1e3L},
    {"M", 1e6L},
    {"G", 1e9L},
    {"T", 1e12L},
    {"P", 1e15L},
    {"E", 1e18L},
}};

}  // namespace

std::string Quantity::ToString() const {
  if (milli % 1000 == 0) return std::to_string(milli / 1000);
  return std::to_string(milli) + "m";
}

std::optional<Quantity> ParseQuantity(std::string_view text) {
  long double scale = 1;
  for (const auto& [suffix, factor] : kSuffixes) {
    if (!text.ends_with(suffix)) continue;
    text.remove_suffix(suffix.size());
    scale = factor;
    break;
  }
  if (text.empty()) return std::nullopt;
  long double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value)) {
    return std::nullopt;
  }
  const long double milli = std::ceil(value * scale * 1000.0L - 1e-9L);
  constexpr auto kLimit = static_cast<long double>(std::numeric_limits<std::int64_t>::max());
  if (std::fabs(milli) >= kLimit) return std::nullopt;
  return Quantity{static_cast<std::int64_t>(milli)};
}

}  // namespace pawk8s::kube
