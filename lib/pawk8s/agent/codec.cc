#include "pawk8s/agent/codec.h"

#include <fmt/format.h>

#include "absl/strings/escaping.h"

namespace pawk8s::agent::codec_internal {

absl::Status NotA(std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("must be {}", what));
}

// "target" and "pod_uid must be text" become "target.pod_uid must be text".
absl::Status AtKey(std::string_view key, const absl::Status& status) {
  if (status.ok()) return status;
  const std::string_view message(status.message().data(), status.message().size());
  const bool sentence = message.starts_with("must be ");
  const bool element = message.starts_with("[");
  return absl::Status(status.code(), fmt::format("{}{}{}", key,
                                                 sentence  ? " "
                                                 : element ? ""
                                                           : ".",
                                                 message));
}

absl::Status UnknownKey(std::string_view key) {
  return absl::InvalidArgumentError(fmt::format("{} is unknown", key.substr(0, 100)));
}

absl::Status MissingKey(std::string_view key) {
  return absl::InvalidArgumentError(fmt::format("{} is missing", key));
}

absl::Status DecodeText(const Json& from, std::string& to, const Text& bounds) {
  if (!from.is_string()) return NotA("text");
  const auto& text = from.get_ref<const std::string&>();
  if (text.size() < bounds.min || text.size() > bounds.max) {
    return NotA(fmt::format("text of {} to {} bytes", bounds.min, bounds.max));
  }
  if (text.find('\0') != std::string::npos) return NotA("text without NUL bytes");
  to = text;
  return absl::OkStatus();
}

absl::Status DecodeNumber(const Json& from, std::int64_t& to, const Number& bounds) {
  if (!from.is_number_integer()) return NotA("a whole number");
  const bool too_large = from.is_number_unsigned() &&
                         from.get<std::uint64_t>() >
                             static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const std::int64_t number = too_large ? 0 : from.get<std::int64_t>();
  if (too_large || number < bounds.min || number > bounds.max) {
    return NotA(fmt::format("a whole number from {} to {}", bounds.min, bounds.max));
  }
  to = number;
  return absl::OkStatus();
}

absl::Status DecodeFlag(const Json& from, bool& to) {
  if (!from.is_boolean()) return NotA("true or false");
  to = from.get<bool>();
  return absl::OkStatus();
}

absl::Status DecodeBytes(const Json& from, Bytes& to, const Text& bounds) {
  if (!from.is_string()) return NotA("base64 text");
  const auto& text = from.get_ref<const std::string&>();
  std::string data;
  if (text.size() > bounds.max * 4 / 3 + 4 || !absl::Base64Unescape(text, &data) ||
      data.size() < bounds.min || data.size() > bounds.max) {
    return NotA(fmt::format("base64 text of {} to {} bytes", bounds.min, bounds.max));
  }
  to.data = std::move(data);
  return absl::OkStatus();
}

Json EncodeBytes(const Bytes& bytes) { return absl::Base64Escape(bytes.data); }

}  // namespace pawk8s::agent::codec_internal
