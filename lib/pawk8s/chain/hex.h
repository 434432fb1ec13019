// Bytes as CometBFT writes them: upper-case hex.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pawk8s::chain {

[[nodiscard]] std::string HexEncode(std::string_view bytes);
// Either case. InvalidArgument for anything else.
[[nodiscard]] absl::StatusOr<std::string> HexDecode(std::string_view text);

}  // namespace pawk8s::chain
