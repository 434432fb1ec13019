// Keccak-256 as it was before SHA-3: what swaps are committed to. OpenSSL has it only from 3.2 on.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <string>
#include <string_view>

namespace pawk8s::chain {

namespace keccak_internal {

inline void Permute(std::array<std::uint64_t, 25>& a) {
  constexpr std::array<int, 24> kRotations = {1,  3,  6,  10, 15, 21, 28, 36, 45, 55, 2,  14,
                                              27, 41, 56, 8,  25, 43, 62, 18, 39, 61, 20, 44};
  constexpr std::array<std::size_t, 24> kLanes = {10, 7,  11, 17, 18, 3, 5,  16, 8,  21, 24, 4,
                                                  15, 23, 19, 13, 12, 2, 20, 14, 22, 9,  6,  1};
  std::uint64_t lfsr = 1;
  for (int round = 0; round < 24; ++round) {
    std::array<std::uint64_t, 5> parity{};
    for (std::size_t i = 0; i < 25; ++i) parity[i % 5] ^= a[i];
    for (std::size_t i = 0; i < 25; ++i) {
      a[i] ^= parity[(i + 4) % 5] ^ std::rotl(parity[(i + 1) % 5], 1);
    }
    std::uint64_t lane = a[1];
    for (std::size_t i = 0; i < 24; ++i) {
      const std::uint64_t next = a[kLanes[i]];
      a[kLanes[i]] = std::rotl(lane, kRotations[i]);
      lane = next;
    }
    for (std::size_t y = 0; y < 25; y += 5) {
      const std::array<std::uint64_t, 5> row = {a[y], a[y + 1], a[y + 2], a[y + 3], a[y + 4]};
      for (std::size_t x = 0; x < 5; ++x)
        a[y + x] = row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5]);
    }
    for (int j = 0; j < 7; ++j) {  // the round's constant, from its shift register
      if ((lfsr & 1) != 0) a[0] ^= std::uint64_t{1} << ((1 << j) - 1);
      lfsr = (lfsr << 1) ^ ((lfsr >> 7) * 0x171);
    }
  }
}

}  // namespace keccak_internal

// 64 lower-case hex digits.
[[nodiscard]] inline std::string Keccak256Hex(std::string_view text) {
  constexpr std::size_t kRate = 136;
  std::string padded(text);
  padded.push_back('\x01');
  padded.resize((padded.size() + kRate - 1) / kRate * kRate, '\0');
  padded.back() = static_cast<char>(static_cast<unsigned char>(padded.back()) | 0x80u);
  std::array<std::uint64_t, 25> state{};
  for (std::size_t block = 0; block < padded.size(); block += kRate) {
    for (std::size_t i = 0; i < kRate; ++i) {
      const auto byte = static_cast<unsigned char>(padded[block + i]);
      state[i / 8] ^= std::uint64_t{byte} << (8 * (i % 8));
    }
    keccak_internal::Permute(state);
  }
  std::string hex;
  for (std::size_t i = 0; i < 32; ++i) {
    const auto byte = static_cast<unsigned>(state[i / 8] >> (8 * (i % 8)) & 0xffu);
    hex += "0123456789abcdef"[byte >> 4u];
    hex += "0123456789abcdef"[byte & 15u];
  }
  return hex;
}

}  // namespace pawk8s::chain
