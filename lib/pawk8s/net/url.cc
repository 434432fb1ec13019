#include "pawk8s/net/internal/url.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "absl/status/status.h"
#include "pawk8s/net/http.h"

namespace pawk8s::net {
namespace internal {

std::string Url::HostInUrl() const {
  return host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
}

absl::StatusOr<Url> ParseUrl(std::string_view text) {
  const auto bad = [&](std::string_view why) {
    return absl::InvalidArgumentError(fmt::format("'{}' is not a usable URL: {}", text, why));
  };
  Url url;
  const std::size_t scheme_end = text.find("://");
  if (scheme_end == std::string_view::npos) return bad("it must start with http:// or https://");
  const std::string_view scheme = text.substr(0, scheme_end);
  if (scheme == "https" || scheme == "wss") {
    url.tls = true;
  } else if (scheme != "http" && scheme != "ws") {
    return bad("it must start with http:// or https://");
  }
  std::string_view rest = text.substr(scheme_end + 3);
  const std::size_t path = rest.find_first_of("/?#");
  std::string_view authority = rest.substr(0, path);
  url.target = path == std::string_view::npos ? "/" : std::string(rest.substr(path));
  if (url.target.front() == '?') url.target.insert(0, "/");
  if (url.target.find('#') != std::string::npos) return bad("it has a fragment");
  if (std::any_of(text.begin(), text.end(),
                  [](char c) { return std::iscntrl(static_cast<unsigned char>(c)) || c == ' '; })) {
    return bad("it has blanks");
  }
  if (authority.find('@') != std::string_view::npos) return bad("it names a user");

  std::string_view port;
  if (!authority.empty() && authority.front() == '[') {
    const std::size_t close = authority.find(']');
    if (close == std::string_view::npos) return bad("a bracket is not closed");
    url.host = authority.substr(1, close - 1);
    port = authority.substr(close + 1);
  } else {
    const std::size_t colon = authority.find(':');
    url.host = authority.substr(0, colon);
    port = colon == std::string_view::npos ? "" : authority.substr(colon);
  }
  if (url.host.empty()) return bad("it names no host");
  if (port.empty()) {
    url.port = url.tls ? "443" : "80";
    return url;
  }
  port.remove_prefix(1);
  if (port.empty() || port.size() > 5 ||
      !std::all_of(port.begin(), port.end(), [](char c) { return c >= '0' && c <= '9'; }) ||
      std::stoi(std::string(port)) > 65535) {
    return bad("its port is no number from 0 to 65535");
  }
  url.port = port;
  return url;
}

}  // namespace internal

std::string UrlEscape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (std::isalnum(byte) || c == '-' || c == '.' || c == '_' || c == '~') {
      out.push_back(c);
    } else {
      out += fmt::format("%{:02X}", byte);
    }
  }
  return out;
}

}  // namespace pawk8s::net
