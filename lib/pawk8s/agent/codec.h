// Plain structs <-> JSON, strictly: each struct names its fields once, and both directions, for
// requests and for answers, follow from that.
//
//   struct Place {
//     std::string pod_uid;
//     template <class Self, class Visitor>
//     static void Fields(Self& self, Visitor& field) {
//       field("pod_uid", self.pod_uid, Text{.max = 64});
//     }
//   };
//   Json json = Encode(place);
//   absl::StatusOr<Place> back = Decode<Place>(json);
//
// Decoding refuses an unknown key, a missing one (unless its member is a std::optional), a value of
// another type and one outside its bounds, and names the key.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nlohmann/json.hpp"

namespace pawk8s::agent {

using Json = nlohmann::json;

// Bytes that need not be text; base64 in JSON.
struct Bytes {
  std::string data;
  bool operator==(const Bytes&) const = default;
};

// Bounds of a field.
struct Number {
  std::int64_t min = std::numeric_limits<std::int64_t>::min();
  std::int64_t max = std::numeric_limits<std::int64_t>::max();
};
struct Text {
  std::size_t min = 0;
  std::size_t max = 4096;
};
struct Count {
  std::size_t max = 64;
  Text text = {};      // of each element, if it is text
  Number number = {};  // of each element, if it is a number
};
struct Unbounded {};

// An enum's names in JSON: specialise with `static constexpr std::pair<E, std::string_view>
// kAll[]`.
template <class E>
struct EnumNames;

namespace codec_internal {

template <class T>
struct IsOptional : std::false_type {};
template <class T>
struct IsOptional<std::optional<T>> : std::true_type {};
template <class T>
struct IsVector : std::false_type {};
template <class T>
struct IsVector<std::vector<T>> : std::true_type {};

[[nodiscard]] absl::Status DecodeText(const Json& from, std::string& to, const Text& bounds);
[[nodiscard]] absl::Status DecodeNumber(const Json& from, std::int64_t& to, const Number& bounds);
[[nodiscard]] absl::Status DecodeBytes(const Json& from, Bytes& to, const Text& bounds);
[[nodiscard]] absl::Status DecodeFlag(const Json& from, bool& to);
[[nodiscard]] Json EncodeBytes(const Bytes& bytes);
// "<key>: <message>", with the code of `status`.
[[nodiscard]] absl::Status AtKey(std::string_view key, const absl::Status& status);
[[nodiscard]] absl::Status UnknownKey(std::string_view key);
[[nodiscard]] absl::Status MissingKey(std::string_view key);
[[nodiscard]] absl::Status NotA(std::string_view what);

template <class T>
Json EncodeValue(const T& value);
template <class T, class Bounds>
absl::Status DecodeValue(const Json& from, T& to, const Bounds& bounds);

struct Encoder {
  Json json = Json::object();

  template <class T, class Bounds = Unbounded>
  void operator()(const char* key, const T& value, const Bounds& /*bounds*/ = {}) {
    if constexpr (IsOptional<T>::value) {
      if (value) json[key] = EncodeValue(*value);
    } else {
      json[key] = EncodeValue(value);
    }
  }
};

struct Decoder {
  const Json& json;
  std::vector<std::string_view> known = {};
  absl::Status status = {};

  template <class T, class Bounds = Unbounded>
  void operator()(const char* key, T& value, const Bounds& bounds = {}) {
    known.emplace_back(key);
    if (!status.ok()) return;
    const auto found = json.find(key);
    if constexpr (IsOptional<T>::value) {
      if (found == json.end()) return;
      typename T::value_type held{};
      status = AtKey(key, DecodeValue(*found, held, bounds));
      if (status.ok()) value = std::move(held);
    } else {
      status =
          found == json.end() ? MissingKey(key) : AtKey(key, DecodeValue(*found, value, bounds));
    }
  }

  [[nodiscard]] absl::Status Finish() const {
    if (!status.ok()) return status;
    for (const auto& entry : json.items()) {
      bool is_known = false;
      for (const std::string_view key : known) is_known = is_known || key == entry.key();
      if (!is_known) return UnknownKey(entry.key());
    }
    return absl::OkStatus();
  }
};

template <class T>
Json EncodeValue(const T& value) {
  if constexpr (std::is_same_v<T, Bytes>) {
    return EncodeBytes(value);
  } else if constexpr (IsVector<T>::value) {
    Json list = Json::array();
    for (const auto& element : value) list.push_back(EncodeValue(element));
    return list;
  } else if constexpr (std::is_enum_v<T>) {
    for (const auto& [known, name] : EnumNames<T>::kAll) {
      if (known == value) return std::string(name);
    }
    return nullptr;
  } else if constexpr (requires(Encoder & encoder) { T::Fields(value, encoder); }) {
    Encoder encoder;
    T::Fields(value, encoder);
    return std::move(encoder.json);
  } else {
    return value;
  }
}

template <class T, class Bounds>
absl::Status DecodeList(const Json& from, std::vector<T>& to, const Bounds& bounds) {
  Count count{.max = 100'000};
  if constexpr (std::is_same_v<Bounds, Count>) count = bounds;
  if (!from.is_array()) return NotA("a list");
  if (from.size() > count.max) {
    return NotA("a list of at most " + std::to_string(count.max) + " elements");
  }
  to.clear();
  for (const Json& element : from) {
    T value{};
    absl::Status status;
    if constexpr (std::is_same_v<T, std::string>) {
      status = DecodeText(element, value, count.text);
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
      status = DecodeNumber(element, value, count.number);
    } else {
      status = DecodeValue(element, value, Unbounded{});
    }
    if (!status.ok()) return AtKey("[" + std::to_string(to.size()) + "]", status);
    to.push_back(std::move(value));
  }
  return absl::OkStatus();
}

template <class T, class Bounds>
absl::Status DecodeValue(const Json& from, T& to, const Bounds& bounds) {
  Text text{.max = 1 << 20};
  Number number;
  if constexpr (std::is_same_v<Bounds, Text>) text = bounds;
  if constexpr (std::is_same_v<Bounds, Number>) number = bounds;
  if constexpr (std::is_same_v<T, Bytes>) {
    return DecodeBytes(from, to, text);
  } else if constexpr (std::is_same_v<T, std::string>) {
    return DecodeText(from, to, text);
  } else if constexpr (std::is_same_v<T, bool>) {
    return DecodeFlag(from, to);
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return DecodeNumber(from, to, number);
  } else if constexpr (IsVector<T>::value) {
    return DecodeList(from, to, bounds);
  } else if constexpr (std::is_enum_v<T>) {
    std::string all;
    for (const auto& [value, name] : EnumNames<T>::kAll) {
      if (from.is_string() && from.template get_ref<const std::string&>() == name) {
        to = value;
        return absl::OkStatus();
      }
      all += (all.empty() ? "" : ", ") + std::string(name);
    }
    return NotA("one of " + all);
  } else {
    if (!from.is_object()) return NotA("an object");
    Decoder decoder{from};
    T::Fields(to, decoder);
    return decoder.Finish();
  }
}

}  // namespace codec_internal

template <class T>
[[nodiscard]] Json Encode(const T& value) {
  return codec_internal::EncodeValue(value);
}

// InvalidArgument that names the key.
template <class T>
[[nodiscard]] absl::StatusOr<T> Decode(const Json& json) {
  T value{};
  if (absl::Status status = codec_internal::DecodeValue(json, value, Unbounded{}); !status.ok()) {
    return status;
  }
  return value;
}

}  // namespace pawk8s::agent
