// A Kubernetes object as the API server sent it: immutable, shared, cheap to copy.
//
// Accessors never throw: what is absent or of another type is an empty optional (or an empty
// string where the API server always sets a value).
#pragma once

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nlohmann/json.hpp"

namespace pawk8s::kube {

using Json = nlohmann::json;
using SystemTime = std::chrono::system_clock::time_point;
using FieldPath = std::initializer_list<std::string_view>;

// The field at `path` of nested objects, nullptr when it is not there or null.
[[nodiscard]] const Json* FindField(const Json& json, FieldPath path);
[[nodiscard]] std::optional<std::string> FindString(const Json& json, FieldPath path);
[[nodiscard]] std::optional<std::int64_t> FindInt(const Json& json, FieldPath path);
[[nodiscard]] std::optional<bool> FindBool(const Json& json, FieldPath path);
// RFC 3339 in UTC, with or without fraction.
[[nodiscard]] std::optional<SystemTime> FindTime(const Json& json, FieldPath path);
// A list's elements; empty when it is absent or no list.
[[nodiscard]] const std::vector<Json>& FindList(const Json& json, FieldPath path);
// String values of an object; others are left out.
[[nodiscard]] std::map<std::string, std::string> FindMap(const Json& json, FieldPath path);
// A counter that the API leaves out when it is 0: 0 when absent, nothing when it is no number.
[[nodiscard]] std::optional<std::int64_t> FindCount(const Json& json, FieldPath path);

[[nodiscard]] std::optional<SystemTime> ParseTime(std::string_view rfc3339);

class Object {
 public:
  Object();
  explicit Object(Json json);

  [[nodiscard]] const Json& json() const { return *json_; }

  // Empty when absent.
  [[nodiscard]] std::string kind() const;
  [[nodiscard]] std::string api_version() const;
  [[nodiscard]] std::string name() const;
  [[nodiscard]] std::string ns() const;
  [[nodiscard]] std::string uid() const;
  [[nodiscard]] std::string resource_version() const;

  [[nodiscard]] std::optional<std::int64_t> generation() const;
  [[nodiscard]] std::optional<std::int64_t> observed_generation() const;  // status'
  [[nodiscard]] std::optional<SystemTime> creation_time() const;
  [[nodiscard]] std::optional<SystemTime> deletion_time() const;  // set: it is being deleted
  [[nodiscard]] std::map<std::string, std::string> labels() const;
  [[nodiscard]] std::map<std::string, std::string> annotations() const;
  [[nodiscard]] std::optional<std::string> label(std::string_view key) const;
  [[nodiscard]] std::optional<std::string> annotation(std::string_view key) const;

  struct Owner {
    std::string kind;
    std::string name;
    std::string uid;
  };
  // The owner reference that has `controller: true`.
  [[nodiscard]] std::optional<Owner> controller() const;

  struct Condition {
    std::string type;
    std::string status;  // "True", "False", "Unknown"
    std::string reason;
    std::string message;
    std::optional<SystemTime> last_transition;
  };
  // status.conditions
  [[nodiscard]] std::vector<Condition> conditions() const;
  [[nodiscard]] std::optional<Condition> condition(std::string_view type) const;
  [[nodiscard]] bool ConditionIsTrue(std::string_view type) const;

  // "paw/paw-validator-0" or "node-1"
  [[nodiscard]] std::string ToString() const;

 private:
  std::shared_ptr<const Json> json_;
};

struct ObjectList {
  std::vector<Object> items;
  std::string resource_version;
};

// The same objects as typed views: As<Pod>(list.items).
template <class T>
[[nodiscard]] std::vector<T> As(const std::vector<Object>& objects) {
  std::vector<T> typed;
  typed.reserve(objects.size());
  for (const Object& object : objects) typed.emplace_back(object);
  return typed;
}

}  // namespace pawk8s::kube
