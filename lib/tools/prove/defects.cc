#include "prove/defects.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <functional>
#include <set>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/profile.h"

namespace pawk8s::prove {
namespace {

struct BadDefect {
  int line;
  std::string what;
};

[[noreturn]] void Refuse(const YAML::Node& node, const std::string& what) {
  throw BadDefect{node.Mark().line + 1, what};
}

std::string Substitute(const YAML::Node& node, const Variables& variables) {
  std::string text = node.as<std::string>();
  for (std::size_t at = 0; (at = text.find("${", at)) != std::string::npos;) {
    const auto end = text.find('}', at);
    if (end == std::string::npos) Refuse(node, "a variable has no end: " + text);
    const std::string name = text.substr(at + 2, end - at - 2);
    const auto found = variables.find(name);
    if (found == variables.end()) {
      Refuse(node, fmt::format("unknown variable ${{{}}}: the profile has no such key", name));
    }
    text.replace(at, end + 1 - at, found->second);
    at += found->second.size();
  }
  return text;
}

// YAML 1.2's core schema for plain scalars; a quoted one is text.
nlohmann::json Scalar(const YAML::Node& node, const Variables& variables) {
  const std::string text = Substitute(node, variables);
  if (node.Tag() == "!") return text;
  if (text == "true" || text == "false") return text == "true";
  if (text == "null" || text == "~" || text.empty()) return nullptr;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return text;
}

nlohmann::json ToJson(const YAML::Node& node, const Variables& variables) {
  if (node.IsMap()) {
    nlohmann::json object = nlohmann::json::object();
    for (const auto& entry : node) {
      object[Substitute(entry.first, variables)] = ToJson(entry.second, variables);
    }
    return object;
  }
  if (node.IsSequence()) {
    nlohmann::json array = nlohmann::json::array();
    for (const auto& entry : node) array.push_back(ToJson(entry, variables));
    return array;
  }
  if (node.IsNull()) return nullptr;
  return Scalar(node, variables);
}

void CheckKeys(const YAML::Node& map, const std::set<std::string>& allowed) {
  if (!map.IsMap()) Refuse(map, "must be a map");
  for (const auto& entry : map) {
    const auto key = entry.first.as<std::string>();
    if (!allowed.contains(key)) Refuse(entry.first, "unknown key '" + key + "'");
  }
}

YAML::Node Get(const YAML::Node& map, const std::string& key) {
  if (!map[key]) Refuse(map, "'" + key + "' is missing");
  return map[key];
}

std::string GetText(const YAML::Node& map, const std::string& key, const Variables& variables) {
  const YAML::Node node = Get(map, key);
  if (!node.IsScalar() || node.as<std::string>().empty()) Refuse(node, key + " must be text");
  return Substitute(node, variables);
}

Step CheckedStep(const std::string& kind, const YAML::Node& node, const Variables& variables) {
  Step step{.kind = kind, .args = ToJson(node, variables), .line = node.Mark().line + 1};
  if (const auto problem = CheckStep(kind, step.args)) {
    Refuse(problem->key.empty() || !node.IsMap() ? node : node[problem->key], problem->what);
  }
  return step;
}

std::vector<Step> ReadSteps(const YAML::Node& list, const Variables& variables,
                            const std::string& what) {
  if (!list.IsSequence() || list.size() == 0) Refuse(list, what + " is a list of steps");
  std::vector<Step> steps;
  for (const auto& node : list) {
    if (!node.IsMap() || node.size() != 1) Refuse(node, "a step is one 'kind: {arguments}'");
    const auto entry = node.begin();
    const auto kind = entry->first.as<std::string>();
    // The key says where an unknown step stands, also when its value is empty.
    if (CheckStep(kind, nlohmann::json::object())
            .value_or(StepProblem{})
            .what.starts_with("unknown step")) {
      Refuse(entry->first, CheckStep(kind, nullptr)->what);
    }
    steps.push_back(CheckedStep(kind, entry->second, variables));
  }
  return steps;
}

Defect ReadDefect(const YAML::Node& node, const Variables& variables, const std::string& file) {
  CheckKeys(node, {"id", "defect", "plant", "lift", "names", "settle"});
  Defect defect{.id = GetText(node, "id", {}),
                .defect = GetText(node, "defect", variables),
                .names = GetText(node, "names", variables),
                .where = fmt::format("{}:{}", file, node.Mark().line + 1)};
  defect.plant = ReadSteps(Get(node, "plant"), variables, "plant");
  const YAML::Node lift = Get(node, "lift");
  if (!lift.IsScalar()) {
    defect.lift = ReadSteps(lift, variables, "lift");
  } else if (lift.as<std::string>() != "auto") {
    Refuse(lift, "lift is auto or a list of steps");
  }
  for (const Step& step : defect.plant) {
    if (defect.lift.empty() && !LiftsByItself(step)) {
      Refuse(lift, fmt::format("what {} does cannot be lifted by itself: write lift steps",
                               step.ToString()));
    }
  }
  if (const YAML::Node settle = node["settle"]) {
    if (settle.IsMap()) {
      defect.settle = CheckedStep("wait", settle, variables);
    } else {
      defect.settle = Step{.kind = "pause",
                           .args = {{"for", ToJson(settle, variables)}},
                           .line = settle.Mark().line + 1};
      if (CheckStep("pause", defect.settle->args)) {
        Refuse(settle, "settle is a duration such as 10s, or what a wait takes");
      }
    }
  }
  return defect;
}

}  // namespace

std::string Defect::Digest() const {
  nlohmann::json all = {id, defect, names, where.substr(0, where.rfind(':'))};
  for (const auto* steps : {&plant, &lift}) {
    for (const Step& step : *steps) all.push_back({step.kind, step.args});
    all.push_back(nullptr);
  }
  if (settle) all.push_back(settle->args);
  return fmt::format("{:016x}", std::hash<std::string>{}(all.dump()));
}

absl::StatusOr<std::vector<Defect>> LoadDefects(const std::filesystem::path& file,
                                                const Variables& variables) {
  try {
    const YAML::Node list = YAML::LoadFile(file.string());
    if (!list.IsSequence()) Refuse(list, "a list of defects is expected");
    std::vector<Defect> defects;
    std::set<std::pair<std::string, std::string>> seen;
    for (const auto& node : list) {
      defects.push_back(ReadDefect(node, variables, file.string()));
      if (!seen.emplace(defects.back().id, defects.back().defect).second) {
        Refuse(node, fmt::format("{} has this defect already", defects.back().id));
      }
    }
    return defects;
  } catch (const BadDefect& bad) {
    return absl::InvalidArgumentError(fmt::format("{}:{}: {}", file.string(), bad.line, bad.what));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        fmt::format("{}:{}: {}", file.string(), error.mark.line + 1, error.msg));
  }
}

}  // namespace pawk8s::prove
