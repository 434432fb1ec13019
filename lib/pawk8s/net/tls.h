// What a TLS client trusts and shows. Verification is never off.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pawk8s::net {

struct TlsOptions {
  std::string ca_pem;                  // empty: the system's trust store
  std::string client_certificate_pem;  // empty: none is shown
  std::string client_key_pem;
  std::string server_name;  // expected in the peer's certificate; empty: the URL's host
};

// When the first certificate in `pem` stops being valid. InvalidArgument when there is none.
[[nodiscard]] absl::StatusOr<std::chrono::system_clock::time_point> CertificateExpiry(
    std::string_view pem);

}  // namespace pawk8s::net
