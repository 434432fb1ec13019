// What each type of value looks like in a profile, both ways.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "pawk8s/deployment/profile_keys.h"

namespace pawk8s {
namespace {

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};
template <class... F>
Overloaded(F...) -> Overloaded<F...>;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// A DNS-1123 subdomain, as nearly every name in Kubernetes is.
bool IsName(const std::string& text) {
  return !text.empty() && text.size() <= 253 && (IsLower(text.front()) || IsDigit(text.front())) &&
         text.back() != '-' && text.back() != '.' && std::ranges::all_of(text, [](char c) {
           return IsLower(c) || IsDigit(c) || c == '-' || c == '.';
         });
}

bool IsPath(const std::string& text) {
  return !text.empty() && text.size() <= 4096 && text.find("..") == std::string::npos &&
         std::ranges::all_of(text, [](char c) { return c > ' ' && c < 0x7f; });
}

bool ToInt(const std::string& text, int low, int high, int& to) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return false;
  if (value < low || value > high) return false;
  to = value;
  return true;
}

template <class T>
bool Take(absl::StatusOr<T> parsed, T& to) {
  if (parsed.ok()) to = *parsed;
  return parsed.ok();
}

bool SetText(const TextValue& value, const std::string& text) {
  const bool fits = value.form == TextValue::Form::kAny ||
                    (value.form == TextValue::Form::kName ? IsName(text) : IsPath(text));
  if (fits) *value.to = text;
  return fits;
}

}  // namespace

bool ProfileKey::IsList() const {
  return std::holds_alternative<std::vector<std::string>*>(at) ||
         std::holds_alternative<std::vector<int>*>(at);
}

bool ProfileKey::Serves(std::string_view id) const {
  for (std::size_t from = cases.find(id); from != std::string::npos;
       from = cases.find(id, from + 1)) {
    const std::size_t end = from + id.size();
    if ((from == 0 || cases[from - 1] == ' ') && (end == cases.size() || cases[end] == ' ')) {
      return true;
    }
  }
  return false;
}

std::string_view ProfileKey::Name() const {
  return std::string_view(path).substr(path.rfind('.') + 1);
}

std::string ProfileKey::Wanted() const {
  return std::visit(
      Overloaded{
          [](std::monostate) -> std::string { return "a map"; },
          [](const TextValue& value) -> std::string {
            if (value.form == TextValue::Form::kAny) return "text";
            return value.form == TextValue::Form::kName
                       ? "a Kubernetes name (lower-case letters, digits, '-' and '.')"
                       : "a path such as /data";
          },
          [](bool*) -> std::string { return "true or false"; },
          [&](int*) { return fmt::format("a whole number from {} to {}", low, high); },
          [](std::uint16_t*) -> std::string { return "a port, a whole number from 1 to 65535"; },
          [](Millis*) -> std::string { return "a duration such as 250ms, 30s or 4m"; },
          [](Bytes*) -> std::string { return "a size such as 512Mi, 1Gi or 20G"; },
          [&](Percent*) { return fmt::format("a share from {}% to {}%, such as 90%", low, high); },
          [](WorkloadKind*) -> std::string { return "StatefulSet or Deployment"; },
          [](std::vector<std::string>*) -> std::string { return "a list of names"; },
          [&](std::vector<int>*) {
            return fmt::format("a list of whole numbers from {} to {}", low, high);
          }},
      at);
}

bool ProfileKey::Set(const std::vector<std::string>& items) const {
  if (!IsList() && items.size() != 1) return false;
  const auto number = [&](int& to) { return ToInt(items[0], low, high, to); };
  return std::visit(Overloaded{[](std::monostate) { return false; },
                               [&](const TextValue& value) { return SetText(value, items[0]); },
                               [&](bool* to) {
                                 *to = items[0] == "true";
                                 return *to || items[0] == "false";
                               },
                               [&](int* to) { return number(*to); },
                               [&](std::uint16_t* to) {
                                 int port = 0;
                                 if (!ToInt(items[0], 1, 65535, port)) return false;
                                 *to = static_cast<std::uint16_t>(port);
                                 return true;
                               },
                               [&](Millis* to) { return Take(ParseDuration(items[0]), *to); },
                               [&](Bytes* to) { return Take(ParseBytes(items[0]), *to); },
                               [&](Percent* to) {
                                 Percent value;
                                 if (!Take(ParsePercent(items[0]), value)) return false;
                                 if (value.of_hundred < low || value.of_hundred > high)
                                   return false;
                                 *to = value;
                                 return true;
                               },
                               [&](WorkloadKind* to) {
                                 *to = items[0] == "StatefulSet" ? WorkloadKind::kStatefulSet
                                                                 : WorkloadKind::kDeployment;
                                 return items[0] == "StatefulSet" || items[0] == "Deployment";
                               },
                               [&](std::vector<std::string>* to) {
                                 *to = items;
                                 return std::ranges::all_of(items, IsName);
                               },
                               [&](std::vector<int>* to) {
                                 to->assign(items.size(), 0);
                                 for (std::size_t i = 0; i < items.size(); ++i) {
                                   if (!ToInt(items[i], low, high, (*to)[i])) return false;
                                 }
                                 return true;
                               }},
                    at);
}

std::string ProfileKey::Text() const {
  return std::visit(
      Overloaded{[](std::monostate) -> std::string { return ""; },
                 [](const TextValue& value) { return *value.to; },
                 [](const bool* value) -> std::string { return *value ? "true" : "false"; },
                 [](const int* value) { return std::to_string(*value); },
                 [](const std::uint16_t* value) { return std::to_string(*value); },
                 [](const Millis* value) { return ToText(*value); },
                 [](const Bytes* value) { return ToText(*value); },
                 [](const Percent* value) { return ToText(*value); },
                 [](const WorkloadKind* value) -> std::string {
                   return *value == WorkloadKind::kStatefulSet ? "StatefulSet" : "Deployment";
                 },
                 [](const std::vector<std::string>* value) {
                   return fmt::format("[{}]", fmt::join(*value, ", "));
                 },
                 [](const std::vector<int>* value) {
                   return fmt::format("[{}]", fmt::join(*value, ", "));
                 }},
      at);
}

bool ProfileKey::IsEmpty() const {
  const auto* text = std::get_if<TextValue>(&at);
  return text != nullptr && text->to->empty();
}

}  // namespace pawk8s
