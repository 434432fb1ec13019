#include "pawk8s/deployment/units.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>

namespace pawk8s {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t factor;
};

// The largest first: writing takes the first that leaves no rest.
constexpr std::array kDurations = {Unit{"m", 60'000}, Unit{"s", 1000}, Unit{"ms", 1}};
constexpr std::array kSizes = {Unit{"Ti", std::int64_t{1} << 40},
                               Unit{"T", 1'000'000'000'000},
                               Unit{"Gi", 1 << 30},
                               Unit{"G", 1'000'000'000},
                               Unit{"Mi", 1 << 20},
                               Unit{"M", 1'000'000},
                               Unit{"Ki", 1 << 10},
                               Unit{"k", 1000}};

// A positive whole number of some unit, at most `most` in all.
template <std::size_t N>
std::optional<std::int64_t> Parse(std::string_view text, const std::array<Unit, N>& units,
                                  std::int64_t most) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc() || count <= 0) return std::nullopt;
  const std::string_view name = text.substr(static_cast<std::size_t>(end - text.data()));
  for (const Unit& unit : units) {
    if (unit.name == name && count <= most / unit.factor) return count * unit.factor;
  }
  return std::nullopt;
}

template <std::size_t N>
std::string Write(std::int64_t count, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (count % unit.factor == 0) return fmt::format("{}{}", count / unit.factor, unit.name);
  }
  return fmt::format("{}", count);
}

}  // namespace

absl::StatusOr<Millis> ParseDuration(std::string_view text) {
  if (const auto count = Parse(text, kDurations, 86'400'000)) return Millis{*count};
  return absl::InvalidArgumentError(
      fmt::format("'{}' is no duration: write 250ms, 30s or 4m, at most a day", text));
}

absl::StatusOr<Bytes> ParseBytes(std::string_view text) {
  if (const auto count = Parse(text, kSizes, std::numeric_limits<std::int64_t>::max())) {
    return Bytes{*count};
  }
  return absl::InvalidArgumentError(fmt::format("'{}' is no size: write 512Mi, 1Gi or 20G", text));
}

absl::StatusOr<Percent> ParsePercent(std::string_view text) {
  constexpr std::array kPercent = {Unit{"%", 1}};
  if (const auto count = Parse(text, kPercent, 100'000)) return Percent{static_cast<int>(*count)};
  return absl::InvalidArgumentError(fmt::format("'{}' is no share: write 90%", text));
}

std::string ToText(Millis duration) {
  // 60s is easier to compare with 30s than 1m is.
  if (duration.count() < 300'000 && duration.count() % 1000 == 0) {
    return fmt::format("{}s", duration.count() / 1000);
  }
  return Write(duration.count(), kDurations);
}

std::string ToText(Bytes size) { return Write(size.count, kSizes); }

std::string ToText(Percent percent) { return fmt::format("{}%", percent.of_hundred); }

}  // namespace pawk8s
