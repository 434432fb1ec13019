#include "pawk8s/chain/internal/json_fields.h"

#include <time.h>

#include "pawk8s/base/redact.h"
#include "pawk8s/base/status.h"
#include "pawk8s/chain/hex.h"
#include "pawk8s/net/digest.h"

namespace pawk8s::chain::internal {
namespace {

std::string ValueOf(absl::StatusOr<std::string> bytes, std::string_view name) {
  if (!bytes.ok()) throw Malformed{fmt::format("'{}' is {}", name, MessageOf(bytes.status()))};
  return *std::move(bytes);
}

}  // namespace

const json& Field(const json& object, std::string_view name) {
  if (!object.is_object()) throw Malformed{fmt::format("no object around '{}'", name)};
  const auto found = object.find(name);
  if (found == object.end()) throw Malformed{fmt::format("no field '{}'", name)};
  return *found;
}

std::string Text(const json& object, std::string_view name) {
  const json& field = Field(object, name);
  if (!field.is_string()) throw Malformed{fmt::format("'{}' is no string", name)};
  return field.get<std::string>();
}

bool Flag(const json& object, std::string_view name) {
  const json& field = Field(object, name);
  if (!field.is_boolean()) throw Malformed{fmt::format("'{}' is no boolean", name)};
  return field.get<bool>();
}

const json& List(const json& object, std::string_view name) {
  static const json kEmpty = json::array();
  const json& field = Field(object, name);
  if (field.is_null()) return kEmpty;
  if (!field.is_array()) throw Malformed{fmt::format("'{}' is no list", name)};
  return field;
}

std::string Base64(const json& object, std::string_view name) {
  const json& field = Field(object, name);
  if (field.is_null()) return "";
  return ValueOf(net::Base64Decode(Text(object, name)), name);
}

std::string Hex(const json& object, std::string_view name) {
  return ValueOf(HexDecode(Text(object, name)), name);
}

Timestamp Time(const json& object, std::string_view name) {
  const std::string text = Text(object, name);
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) throw Malformed{fmt::format("'{}' is no time", name)};
  std::int32_t nanos = 0;
  if (*rest == '.') {
    std::int32_t unit = 100'000'000;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, unit /= 10) nanos += (*rest - '0') * unit;
  }
  if (std::string_view(rest) != "Z") throw Malformed{fmt::format("'{}' is not in UTC", name)};
  return {.seconds = ::timegm(&parts), .nanos = nanos};
}

const json& ResultOf(const json& body) { return Field(body, "result"); }

absl::Status RpcError(const json& body) {
  if (!body.is_object() || !body.contains("error")) return absl::OkStatus();
  return absl::InternalError(
      fmt::format("RPC error {}", Redact(body["error"].dump().substr(0, 300))));
}

}  // namespace pawk8s::chain::internal
