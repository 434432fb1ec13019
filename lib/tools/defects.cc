#include "defects.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

struct BadDefect {
  int line;
  std::string what;
};

using Variables = std::map<std::string, std::string>;

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
    if (found == variables.end()) Refuse(node, "unknown variable ${" + name + "}");
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

// "StatefulSet paw/paw-validator"
kube::ObjectRef ParseObject(const YAML::Node& node, const std::string& text) {
  static const std::array kinds = {
      kube::kStatefulSets, kube::kDeployments,          kube::kServices,
      kube::kConfigMaps,   kube::kPodDisruptionBudgets, kube::kPods};
  const auto space = text.find(' ');
  const auto slash = text.find('/');
  if (space == std::string::npos || slash == std::string::npos || slash < space) {
    Refuse(node, "an object is written 'Kind namespace/name', not '" + text + "'");
  }
  for (const auto& kind : kinds) {
    if (kind.kind == text.substr(0, space)) {
      return {kind, text.substr(space + 1, slash - space - 1), text.substr(slash + 1)};
    }
  }
  Refuse(node, "unknown kind in '" + text + "'");
}

PlantStep ReadPatch(const YAML::Node& node, const Variables& variables) {
  CheckKeys(node, {"object", "type", "body"});
  PlantStep step{.kind = PlantStep::Kind::kPatch};
  step.object = Substitute(Get(node, "object"), variables);
  step.ref = ParseObject(node["object"], step.object);
  const auto type = Get(node, "type").as<std::string>();
  if (type == "json") {
    step.patch_type = kube::PatchType::kJson;
  } else if (type == "merge") {
    step.patch_type = kube::PatchType::kMerge;
  } else if (type != "strategic") {
    Refuse(node["type"], "a patch is of type json, merge or strategic");
  }
  step.body = ToJson(Get(node, "body"), variables);
  return step;
}

PlantStep ReadWait(const YAML::Node& node, const Variables& variables) {
  CheckKeys(node, {"for", "object", "within"});
  PlantStep step;
  step.object = Substitute(Get(node, "object"), variables);
  step.ref = ParseObject(node["object"], step.object);
  const auto what = Get(node, "for").as<std::string>();
  if (what == "observed") {
    step.kind = PlantStep::Kind::kWaitObserved;
  } else if (what == "rollout") {
    step.kind = PlantStep::Kind::kWaitRollout;
  } else {
    Refuse(node["for"], "a wait is for: observed or rollout");
  }
  if (node["within"]) {
    const auto within = ParseDuration(node["within"].as<std::string>());
    if (!within.ok()) Refuse(node["within"], std::string(MessageOf(within.status())));
    step.within = *within;
  }
  return step;
}

Defect ReadDefect(const YAML::Node& node, const Variables& variables) {
  CheckKeys(node, {"id", "defect", "plant", "lift", "names"});
  Defect defect{.id = Get(node, "id").as<std::string>(),
                .defect = Get(node, "defect").as<std::string>()};
  defect.names = Substitute(Get(node, "names"), variables);
  if (defect.names.empty()) Refuse(node["names"], "names must not be empty");
  if (Get(node, "lift").as<std::string>() != "auto") Refuse(node["lift"], "lift is auto");
  const YAML::Node plant = Get(node, "plant");
  if (!plant.IsSequence() || plant.size() == 0) Refuse(plant, "plant is a list of steps");
  for (const auto& step : plant) {
    CheckKeys(step, {"patch", "wait"});
    defect.plant.push_back(step["patch"] ? ReadPatch(step["patch"], variables)
                                         : ReadWait(Get(step, "wait"), variables));
  }
  return defect;
}

}  // namespace

absl::StatusOr<std::vector<Defect>> LoadDefects(const std::filesystem::path& file,
                                                const Profile& profile) {
  const Variables variables = {{"namespace", profile.ns},
                               {"validators", profile.validators.name},
                               {"validator_container", profile.validators.container},
                               {"nodes", profile.nodes.name},
                               {"node_container", profile.nodes.container},
                               {"api", profile.api.name},
                               {"api_container", profile.api.container}};
  try {
    std::vector<Defect> defects;
    for (const auto& node : YAML::LoadFile(file.string())) {
      defects.push_back(ReadDefect(node, variables));
    }
    return defects;
  } catch (const BadDefect& bad) {
    return absl::InvalidArgumentError(fmt::format("{}:{}: {}", file.string(), bad.line, bad.what));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(fmt::format("{}: {}", file.string(), error.what()));
  }
}

}  // namespace pawk8s
