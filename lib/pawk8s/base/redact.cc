#include "pawk8s/base/redact.h"

#include <regex>

namespace pawk8s {

std::string Redact(std::string_view text) {
  static const std::regex pem(
      "-----BEGIN ([A-Z ]*)PRIVATE KEY-----[^-]*-----END [A-Z ]*PRIVATE KEY-----");
  static const std::regex header("((?:bearer|basic)\\s+)[A-Za-z0-9._~+/=-]{8,}", std::regex::icase);
  static const std::regex field(
      "(\"?(?:token|id_token|access_token|password|client-key-data|clientKeyData|priv_key|mnemonic|"
      "secret)\"?\\s*[:=]\\s*\"?)[^\\s\",}]+",
      std::regex::icase);
  std::string out(text);
  out = std::regex_replace(out, pem, "[redacted]");
  out = std::regex_replace(out, header, "$1[redacted]");
  out = std::regex_replace(out, field, "$1[redacted]");
  return out;
}

}  // namespace pawk8s
