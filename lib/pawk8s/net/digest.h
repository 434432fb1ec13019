// SHA-256 and base64, as identities and wire formats need them.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pawk8s::net {

// 64 lower-case hex digits.
[[nodiscard]] std::string Sha256Hex(std::string_view bytes);
// The 32 bytes themselves.
[[nodiscard]] std::string Sha256(std::string_view bytes);

// The SHA-256 of the DER form of the first certificate in `pem`. InvalidArgument if there is none.
[[nodiscard]] absl::StatusOr<std::string> CertificateSha256(std::string_view pem);

[[nodiscard]] std::string Base64Encode(std::string_view bytes);
// Standard alphabet with padding. InvalidArgument for anything else.
[[nodiscard]] absl::StatusOr<std::string> Base64Decode(std::string_view text);

}  // namespace pawk8s::net
