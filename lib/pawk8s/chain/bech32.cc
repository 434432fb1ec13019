#include "pawk8s/chain/bech32.h"

#include <array>
#include <cstdint>
#include <optional>

namespace pawk8s::chain {
namespace {

constexpr std::string_view kAlphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::size_t kChecksum = 6;

std::uint32_t Polymod(std::uint32_t state, unsigned value) {
  constexpr std::array<std::uint32_t, 5> kGenerator = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa,
                                                       0x3d4233dd, 0x2a1462b3};
  const std::uint32_t top = state >> 25U;
  state = ((state & 0x1ffffffU) << 5U) ^ value;
  for (unsigned i = 0; i < kGenerator.size(); ++i) {
    if (((top >> i) & 1U) != 0) state ^= kGenerator[i];
  }
  return state;
}

std::uint32_t PolymodOfPrefix(std::string_view prefix) {
  std::uint32_t state = 1;
  for (const char c : prefix) state = Polymod(state, static_cast<unsigned char>(c) >> 5U);
  state = Polymod(state, 0);
  for (const char c : prefix) state = Polymod(state, static_cast<unsigned char>(c) & 31U);
  return state;
}

// Groups of `from` bits as groups of `to` bits; nothing if the last ones are no zero padding.
std::optional<std::string> Regroup(std::string_view groups, unsigned from, unsigned to, bool pad) {
  std::string out;
  std::uint32_t bits = 0;
  unsigned count = 0;
  for (const char c : groups) {
    bits = ((bits << from) | static_cast<unsigned char>(c)) & 0xfffU;
    count += from;
    while (count >= to) {
      count -= to;
      out += static_cast<char>((bits >> count) & ((1U << to) - 1));
    }
  }
  const std::uint32_t rest = bits & ((1U << count) - 1);
  if (pad && count > 0) out += static_cast<char>((rest << (to - count)) & ((1U << to) - 1));
  if (!pad && (count >= from || rest != 0)) return std::nullopt;
  return out;
}

}  // namespace

std::string Bech32Encode(std::string_view prefix, std::string_view bytes) {
  const std::string groups = *Regroup(bytes, 8, 5, /*pad=*/true);
  std::string text(prefix);
  text += '1';
  std::uint32_t state = PolymodOfPrefix(prefix);
  for (const char group : groups) {
    const auto value = static_cast<unsigned char>(group);
    state = Polymod(state, value);
    text += kAlphabet[value];
  }
  for (std::size_t i = 0; i < kChecksum; ++i) state = Polymod(state, 0);
  state ^= 1U;
  for (unsigned i = 0; i < kChecksum; ++i) text += kAlphabet[(state >> (25U - 5U * i)) & 31U];
  return text;
}

absl::StatusOr<Bech32> Bech32Decode(std::string_view text) {
  const std::size_t separator = text.rfind('1');
  if (separator == std::string_view::npos || separator == 0 ||
      text.size() - separator - 1 < kChecksum) {
    return absl::InvalidArgumentError("not bech32: no prefix or no checksum");
  }
  Bech32 read{.prefix = std::string(text.substr(0, separator))};
  for (const char c : read.prefix) {
    if (c < '!' || c > '~' || (c >= 'A' && c <= 'Z')) {
      return absl::InvalidArgumentError("not bech32: the prefix is not lower-case text");
    }
  }
  std::uint32_t state = PolymodOfPrefix(read.prefix);
  std::string groups;
  for (const char c : text.substr(separator + 1)) {
    const std::size_t value = kAlphabet.find(c);
    if (value == std::string_view::npos) return absl::InvalidArgumentError("not bech32");
    state = Polymod(state, static_cast<unsigned>(value));
    groups += static_cast<char>(value);
  }
  if (state != 1) return absl::InvalidArgumentError("not bech32: the checksum is wrong");
  groups.resize(groups.size() - kChecksum);
  const std::optional<std::string> bytes = Regroup(groups, 5, 8, /*pad=*/false);
  if (!bytes) return absl::InvalidArgumentError("not bech32: wrong padding");
  read.bytes = *bytes;
  return read;
}

}  // namespace pawk8s::chain
