// Reads the JSON of CometBFT's RPC field by field; private to this layer.
#pragma once

#include <fmt/format.h>

#include <charconv>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <type_traits>

#include "absl/status/statusor.h"
#include "pawk8s/chain/timestamp.h"

namespace pawk8s::chain::internal {

using nlohmann::json;

// Thrown while one answer is read, caught in ReadResult(): a node that answers nonsense is data
// loss.
struct Malformed {
  std::string what;
};

const json& Field(const json& object, std::string_view name);
std::string Text(const json& object, std::string_view name);
bool Flag(const json& object, std::string_view name);
// A list; null is an empty one, as Go writes it.
const json& List(const json& object, std::string_view name);
std::string Base64(const json& object, std::string_view name);
std::string Hex(const json& object, std::string_view name);
// RFC 3339 in UTC with up to nine fraction digits.
Timestamp Time(const json& object, std::string_view name);

template <class Number>
Number ParseNumber(std::string_view text, std::string_view name) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Malformed{fmt::format("'{}' is no number in range", name)};
  }
  return value;
}

// CometBFT sends 64-bit integers as strings.
template <class Number = std::int64_t>
Number Integer(const json& object, std::string_view name) {
  return ParseNumber<Number>(Text(object, name), name);
}

// ... and smaller ones as numbers.
template <class Number>
Number SmallInteger(const json& object, std::string_view name) {
  const json& field = Field(object, name);
  if (!field.is_number_integer()) throw Malformed{fmt::format("'{}' is no integer", name)};
  return ParseNumber<Number>(field.dump(), name);
}

// The `result` of an answer. Throws Malformed.
const json& ResultOf(const json& body);
// Internal with the node's own words if the answer is an RPC error.
absl::Status RpcError(const json& body);

// Parses an answer and reads its result.
template <class Parse>
auto ReadResult(std::string_view text, Parse&& parse)
    -> absl::StatusOr<decltype(parse(std::declval<const json&>()))> {
  const json body = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (absl::Status error = RpcError(body); !error.ok()) return error;
  try {
    return parse(ResultOf(body));
  } catch (const Malformed& bad) {
    return absl::DataLossError(bad.what);
  }
}

}  // namespace pawk8s::chain::internal
