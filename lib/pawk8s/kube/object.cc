#include "pawk8s/kube/object.h"

#include <fmt/format.h>

#include <cctype>
#include <ctime>
#include <utility>

namespace pawk8s::kube {

const Json* FindField(const Json& json, FieldPath path) {
  const Json* at = &json;
  for (const std::string_view key : path) {
    if (!at->is_object()) return nullptr;
    const auto found = at->find(std::string(key));
    if (found == at->end()) return nullptr;
    at = &*found;
  }
  return at->is_null() ? nullptr : at;
}

std::optional<std::string> FindString(const Json& json, FieldPath path) {
  const Json* field = FindField(json, path);
  if (field == nullptr || !field->is_string()) return std::nullopt;
  return field->get_ref<const std::string&>();
}

std::optional<std::int64_t> FindInt(const Json& json, FieldPath path) {
  const Json* field = FindField(json, path);
  if (field == nullptr || !field->is_number_integer()) return std::nullopt;
  if (field->is_number_unsigned() && field->get<std::uint64_t>() > INT64_MAX) return std::nullopt;
  return field->get<std::int64_t>();
}

std::optional<bool> FindBool(const Json& json, FieldPath path) {
  const Json* field = FindField(json, path);
  if (field == nullptr || !field->is_boolean()) return std::nullopt;
  return field->get<bool>();
}

std::optional<SystemTime> FindTime(const Json& json, FieldPath path) {
  const auto text = FindString(json, path);
  return text ? ParseTime(*text) : std::nullopt;
}

const std::vector<Json>& FindList(const Json& json, FieldPath path) {
  static const std::vector<Json> none;
  const Json* field = FindField(json, path);
  if (field == nullptr || !field->is_array()) return none;
  return field->get_ref<const std::vector<Json>&>();
}

std::map<std::string, std::string> FindMap(const Json& json, FieldPath path) {
  std::map<std::string, std::string> map;
  const Json* field = FindField(json, path);
  if (field == nullptr || !field->is_object()) return map;
  for (const auto& [key, value] : field->items()) {
    if (value.is_string()) map.emplace(key, value.get_ref<const std::string&>());
  }
  return map;
}

std::optional<std::int64_t> FindCount(const Json& json, FieldPath path) {
  if (FindField(json, path) == nullptr) return 0;
  return FindInt(json, path);
}

std::optional<SystemTime> ParseTime(std::string_view rfc3339) {
  const std::string text(rfc3339);
  std::tm tm{};
  const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &tm);
  if (rest == nullptr) return std::nullopt;
  std::chrono::nanoseconds fraction{0};
  if (*rest == '.') {
    ++rest;
    std::int64_t unit = 100'000'000;
    const char* const digits = rest;
    for (; std::isdigit(static_cast<unsigned char>(*rest)); ++rest, unit /= 10) {
      fraction += std::chrono::nanoseconds((*rest - '0') * unit);
    }
    if (rest == digits) return std::nullopt;
  }
  // system_clock counts nanoseconds: it begins in 1677 and ends in 2262.
  constexpr int kFirstYear = 1700 - 1900;
  constexpr int kLastYear = 2200 - 1900;
  if (std::string_view(rest) != "Z" || tm.tm_year < kFirstYear || tm.tm_year > kLastYear) {
    return std::nullopt;
  }
  return std::chrono::system_clock::from_time_t(timegm(&tm)) +
         std::chrono::duration_cast<std::chrono::system_clock::duration>(fraction);
}

Object::Object() : json_(std::make_shared<const Json>(Json::object())) {}
Object::Object(Json json) : json_(std::make_shared<const Json>(std::move(json))) {}

std::string Object::kind() const { return FindString(json(), {"kind"}).value_or(""); }
std::string Object::api_version() const { return FindString(json(), {"apiVersion"}).value_or(""); }
std::string Object::name() const { return FindString(json(), {"metadata", "name"}).value_or(""); }
std::string Object::ns() const {
  return FindString(json(), {"metadata", "namespace"}).value_or("");
}
std::string Object::uid() const { return FindString(json(), {"metadata", "uid"}).value_or(""); }
std::string Object::resource_version() const {
  return FindString(json(), {"metadata", "resourceVersion"}).value_or("");
}

std::optional<std::int64_t> Object::generation() const {
  return FindInt(json(), {"metadata", "generation"});
}
std::optional<std::int64_t> Object::observed_generation() const {
  return FindInt(json(), {"status", "observedGeneration"});
}
std::optional<SystemTime> Object::creation_time() const {
  return FindTime(json(), {"metadata", "creationTimestamp"});
}
std::optional<SystemTime> Object::deletion_time() const {
  return FindTime(json(), {"metadata", "deletionTimestamp"});
}
std::map<std::string, std::string> Object::labels() const {
  return FindMap(json(), {"metadata", "labels"});
}
std::map<std::string, std::string> Object::annotations() const {
  return FindMap(json(), {"metadata", "annotations"});
}
std::optional<std::string> Object::label(std::string_view key) const {
  return FindString(json(), {"metadata", "labels", key});
}
std::optional<std::string> Object::annotation(std::string_view key) const {
  return FindString(json(), {"metadata", "annotations", key});
}

std::optional<Object::Owner> Object::controller() const {
  for (const Json& owner : FindList(json(), {"metadata", "ownerReferences"})) {
    if (FindBool(owner, {"controller"}) != true) continue;
    return Owner{FindString(owner, {"kind"}).value_or(""), FindString(owner, {"name"}).value_or(""),
                 FindString(owner, {"uid"}).value_or("")};
  }
  return std::nullopt;
}

std::vector<Object::Condition> Object::conditions() const {
  std::vector<Condition> all;
  for (const Json& condition : FindList(json(), {"status", "conditions"})) {
    all.push_back({FindString(condition, {"type"}).value_or(""),
                   FindString(condition, {"status"}).value_or(""),
                   FindString(condition, {"reason"}).value_or(""),
                   FindString(condition, {"message"}).value_or(""),
                   FindTime(condition, {"lastTransitionTime"})});
  }
  return all;
}

std::optional<Object::Condition> Object::condition(std::string_view type) const {
  for (Condition& condition : conditions()) {
    if (condition.type == type) return std::move(condition);
  }
  return std::nullopt;
}

bool Object::ConditionIsTrue(std::string_view type) const {
  const auto found = condition(type);
  return found && found->status == "True";
}

std::string Object::ToString() const {
  return ns().empty() ? name() : fmt::format("{}/{}", ns(), name());
}

}  // namespace pawk8s::kube
