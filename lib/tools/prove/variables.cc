#include "prove/variables.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <utility>

#include "pawk8s/base/status.h"

namespace pawk8s::prove {
namespace {

constexpr std::pair<const char*, const char*> kShortNames[] = {
    {"namespace", "deployment.namespace"},
    {"validators", "deployment.validators.name"},
    {"validator_container", "deployment.validators.container"},
    {"nodes", "deployment.nodes.name"},
    {"node_container", "deployment.nodes.container"},
    {"api", "deployment.api.name"},
    {"api_container", "deployment.api.container"}};

void Flatten(const YAML::Node& node, const std::string& path, Variables& variables) {
  const auto below = [&](const std::string& key) { return path.empty() ? key : path + "." + key; };
  if (node.IsScalar()) {
    variables[path] = node.as<std::string>();
  } else if (node.IsMap()) {
    for (const auto& entry : node) {
      Flatten(entry.second, below(entry.first.as<std::string>()), variables);
    }
  } else if (node.IsSequence()) {
    std::size_t index = 0;
    for (const auto& entry : node) Flatten(entry, below(std::to_string(index++)), variables);
  }
}

}  // namespace

absl::StatusOr<Variables> VariablesIn(const std::filesystem::path& file) {
  Variables variables;
  try {
    Flatten(YAML::LoadFile(file.string()), "", variables);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(fmt::format("{}: {}", file.string(), error.what()));
  }
  for (const auto& [name, path] : kShortNames) {
    if (const auto value = variables.find(path); value != variables.end()) {
      variables[name] = value->second;
    }
  }
  return variables;
}

absl::StatusOr<Variables> VariablesOf(const Profile& profile) {
  Variables variables;
  if (!profile.file.empty()) {
    ASSIGN_OR_RETURN(variables, VariablesIn(profile.file));
  }
  variables["namespace"] = profile.ns;
  variables["validators"] = profile.validators.name;
  variables["validator_container"] = profile.validators.container;
  variables["nodes"] = profile.nodes.name;
  variables["node_container"] = profile.nodes.container;
  variables["api"] = profile.api.name;
  variables["api_container"] = profile.api.container;
  return variables;
}

}  // namespace pawk8s::prove
