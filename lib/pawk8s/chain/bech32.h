// Bech32 (BIP-173): how addresses are written.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pawk8s::chain {

// Lower case, "<prefix>1<bytes and checksum>".
[[nodiscard]] std::string Bech32Encode(std::string_view prefix, std::string_view bytes);

struct Bech32 {
  std::string prefix;
  std::string bytes;
};
// InvalidArgument for a wrong checksum, mixed case or padding that is not zero.
[[nodiscard]] absl::StatusOr<Bech32> Bech32Decode(std::string_view text);

}  // namespace pawk8s::chain
