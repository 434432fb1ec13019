#include "prove/steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/profile.h"

namespace pawk8s::prove {
namespace {

using nlohmann::json;

enum class Type { kText, kObject, kPod, kAny, kMap, kTexts, kDuration, kCount, kManifest, kEdits };

struct Argument {
  std::string_view key;
  Type type;
  bool required = true;
  std::vector<std::string_view> choices = {};
};

struct Kind {
  std::string_view name;
  std::vector<Argument> arguments;
};

constexpr bool kOptional = false;

const std::vector<Kind>& Kinds() {
  static const std::vector<std::string_view> propagation = {"foreground", "background", "orphan"};
  static const std::vector<Kind> kinds = {
      {"patch",
       {{"object", Type::kObject},
        {"type", Type::kText, true, {"json", "merge", "strategic"}},
        {"body", Type::kAny}}},
      {"apply", {{"manifest", Type::kManifest}}},
      {"create", {{"manifest", Type::kManifest}}},
      {"delete",
       {{"object", Type::kObject},
        {"propagation", Type::kText, kOptional, propagation},
        {"grace", Type::kCount, kOptional}}},
      {"replace",
       {{"object", Type::kObject},
        {"body", Type::kAny},
        {"type", Type::kText, kOptional, {"merge", "json"}},
        {"propagation", Type::kText, kOptional, propagation}}},
      {"scale", {{"object", Type::kObject}, {"replicas", Type::kCount}}},
      {"keep", {{"object", Type::kObject}}},
      {"label", {{"object", Type::kObject}, {"labels", Type::kMap}}},
      {"annotate", {{"object", Type::kObject}, {"annotations", Type::kMap}}},
      {"exec",
       {{"pod", Type::kPod},
        {"container", Type::kText},
        {"argv", Type::kTexts},
        {"check", Type::kTexts, kOptional},
        {"within", Type::kDuration, kOptional}}},
      {"chain",
       {{"pod", Type::kPod},
        {"container", Type::kText},
        {"file", Type::kText, true, {"config.toml", "app.toml", "genesis.json"}},
        {"set", Type::kMap},
        {"home", Type::kText, kOptional},
        {"within", Type::kDuration, kOptional}}},
      {"component", {{"file", Type::kText}, {"component", Type::kText}, {"edits", Type::kEdits}}},
      {"registry", {{"image", Type::kText}, {"tag", Type::kText}, {"from", Type::kText}}},
      {"gov",
       {{"module", Type::kText},
        {"changes", Type::kMap},
        {"may_miss", Type::kCount, kOptional},
        {"message", Type::kText, kOptional},
        {"pod", Type::kPod, kOptional},
        {"container", Type::kText, kOptional},
        {"secret", Type::kText, kOptional},
        {"within", Type::kDuration, kOptional}}},
      {"vault", {{"path", Type::kText}, {"data", Type::kMap, kOptional}}},
      {"agent",
       {{"pod", Type::kPod},
        {"container", Type::kText},
        {"verb", Type::kText},
        {"arguments", Type::kMap, kOptional},
        {"hold", Type::kDuration, kOptional}}},
      {"wait",
       {{"for", Type::kText, true, {"rollout", "observed", "ready", "gone", "condition", "blocks"}},
        {"object", Type::kObject, kOptional},
        {"path", Type::kText, kOptional},
        {"equals", Type::kAny, kOptional},
        {"count", Type::kCount, kOptional},
        {"within", Type::kDuration, kOptional}}},
      {"pause", {{"for", Type::kDuration}}},
  };
  return kinds;
}

bool IsTexts(const json& value) {
  return value.is_array() && !value.empty() &&
         std::ranges::all_of(value, [](const json& one) { return one.is_string(); });
}

bool IsManifest(const json& value) {
  const auto text = [](const json& in, const char* key) {
    return in.contains(key) && in.at(key).is_string();
  };
  return value.is_object() && text(value, "apiVersion") && text(value, "kind") &&
         value.contains("metadata") && value.at("metadata").is_object() &&
         text(value.at("metadata"), "name");
}

bool IsEdits(const json& value) {
  return value.is_array() && !value.empty() && std::ranges::all_of(value, [](const json& edit) {
           return edit.is_object() && edit.size() == 2 && edit.contains("from") &&
                  edit.contains("to") && edit.at("from").is_string() && edit.at("to").is_string() &&
                  !edit.at("from").get<std::string>().empty();
         });
}

// Empty if `value` is of the type.
std::string WhatIsWrong(const Argument& argument, const json& value) {
  switch (argument.type) {
    case Type::kAny:
      return "";
    case Type::kText:
      if (!value.is_string() || value.get<std::string>().empty()) return "must be text";
      if (!argument.choices.empty() &&
          std::ranges::find(argument.choices, value.get<std::string>()) == argument.choices.end()) {
        return fmt::format("must be one of {}", fmt::join(argument.choices, ", "));
      }
      return "";
    case Type::kObject: {
      if (!value.is_string()) return "must be text";
      const auto parsed = ParseObjectName(value.get<std::string>());
      return parsed.ok() ? "" : std::string(MessageOf(parsed.status()));
    }
    case Type::kPod: {
      const auto parsed = value.is_string()
                              ? ParseObjectName("Pod " + value.get<std::string>())
                              : absl::StatusOr<ObjectName>(absl::InvalidArgumentError(""));
      return parsed.ok() && !parsed->ns.empty() ? "" : "must be a pod, 'namespace/name'";
    }
    case Type::kMap:
      return value.is_object() && !value.empty() ? "" : "must be a map";
    case Type::kTexts:
      return IsTexts(value) ? "" : "must be a list of texts";
    case Type::kDuration: {
      const auto parsed = ParseDuration(value.is_string() ? value.get<std::string>() : "");
      return parsed.ok() ? "" : "must be a duration such as 250ms, 30s or 4m";
    }
    case Type::kCount:
      return value.is_number_integer() && value.get<std::int64_t>() >= 0 ? ""
                                                                         : "must be a whole number";
    case Type::kManifest:
      return IsManifest(value) ? "" : "must have apiVersion, kind and metadata.name";
    case Type::kEdits:
      return IsEdits(value) ? "" : "must be a list of {from, to}";
  }
  return "";
}

// What a wait takes depends on what it waits for.
std::optional<StepProblem> CheckWait(const json& args) {
  const auto what = args.at("for").get<std::string>();
  const bool condition = what == "condition";
  for (const char* key : {"object", "path", "equals", "count"}) {
    const bool object = std::string_view(key) == "object";
    const bool wanted = object                             ? what != "blocks"
                        : std::string_view(key) == "count" ? what == "blocks"
                                                           : condition;
    if (args.contains(key) && !wanted) {
      return StepProblem{key, fmt::format("a wait for {} takes no '{}'", what, key)};
    }
    if (!args.contains(key) && wanted && (object || condition)) {
      return StepProblem{"", fmt::format("a wait for {} needs '{}'", what, key)};
    }
  }
  if (what == "rollout" || what == "observed") {
    const auto object = ParseObjectName(args.at("object").get<std::string>());
    if (object->kind != "StatefulSet" && object->kind != "Deployment") {
      return StepProblem{"object", "a rollout is of a StatefulSet or a Deployment"};
    }
  }
  return std::nullopt;
}

}  // namespace

std::string Step::Text(const char* key, const std::string& otherwise) const {
  const auto found = args.find(key);
  return found == args.end() || !found->is_string() ? otherwise : found->get<std::string>();
}

Millis Step::Duration(const char* key, Millis otherwise) const {
  const auto parsed = ParseDuration(Text(key));
  return parsed.ok() ? *parsed : otherwise;
}

std::string Step::ToString() const {
  std::string text = kind;
  for (const char* key : {"for", "object", "pod", "file", "image", "module", "path", "verb"}) {
    if (const std::string value = Text(key); !value.empty()) text += " " + value;
  }
  if (args.contains("manifest")) {
    const json& manifest = args.at("manifest");
    text += fmt::format(" {} {}", manifest.at("kind").get<std::string>(),
                        manifest.at("metadata").at("name").get<std::string>());
  }
  return text;
}

std::pair<std::string, std::string> SplitPodName(std::string_view text) {
  const auto slash = text.find('/');
  return {std::string(text.substr(0, slash)), std::string(text.substr(slash + 1))};
}

absl::StatusOr<ObjectName> ParseObjectName(std::string_view text) {
  const auto space = text.find(' ');
  const std::string_view kind = text.substr(0, space);
  const std::string_view rest = space == text.npos ? "" : text.substr(space + 1);
  const auto slash = rest.find('/');
  ObjectName object{
      .kind = std::string(kind.substr(0, kind.find('.'))),
      .group = std::string(kind.find('.') == kind.npos ? "" : kind.substr(kind.find('.') + 1)),
      .ns = std::string(slash == rest.npos ? "" : rest.substr(0, slash)),
      .name = std::string(slash == rest.npos ? rest : rest.substr(slash + 1))};
  if (object.kind.empty() || object.name.empty() || (slash != rest.npos && object.ns.empty()) ||
      object.name.find_first_of("/ ") != std::string::npos) {
    return absl::InvalidArgumentError(fmt::format(
        "an object is written 'Kind namespace/name' or 'Kind name', not '{}'", std::string(text)));
  }
  return object;
}

std::optional<StepProblem> CheckStep(const std::string& kind, const json& args) {
  const auto& kinds = Kinds();
  const auto known = std::ranges::find(kinds, kind, &Kind::name);
  if (known == kinds.end()) {
    std::vector<std::string_view> names;
    for (const Kind& k : kinds) names.push_back(k.name);
    return StepProblem{
        "", fmt::format("unknown step '{}': there are {}", kind, fmt::join(names, ", "))};
  }
  if (!args.is_object()) return StepProblem{"", fmt::format("{} takes a map", kind)};
  for (const auto& [key, value] : args.items()) {
    const auto argument = std::ranges::find(known->arguments, key, &Argument::key);
    if (argument == known->arguments.end()) {
      return StepProblem{key, fmt::format("unknown key '{}' of {}", key, kind)};
    }
    if (const std::string wrong = WhatIsWrong(*argument, value); !wrong.empty()) {
      return StepProblem{key, fmt::format("{} of {}: {}", key, kind, wrong)};
    }
  }
  for (const Argument& argument : known->arguments) {
    if (argument.required && !args.contains(argument.key)) {
      return StepProblem{"", fmt::format("'{}' of {} is missing", argument.key, kind)};
    }
  }
  return kind == "wait" ? CheckWait(args) : std::nullopt;
}

bool LiftsByItself(const Step& step) { return step.kind != "exec"; }

}  // namespace pawk8s::prove
