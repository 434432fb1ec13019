#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pawk8s::net::internal {

struct Url {
  bool tls = false;
  std::string host;    // without brackets
  std::string port;    // never empty
  std::string target;  // path and query, starts with "/"

  // The host as it stands in a URL or a Host header.
  [[nodiscard]] std::string HostInUrl() const;
};

// http, https, ws and wss URLs without user or fragment; InvalidArgument for everything else.
absl::StatusOr<Url> ParseUrl(std::string_view text);

}  // namespace pawk8s::net::internal
