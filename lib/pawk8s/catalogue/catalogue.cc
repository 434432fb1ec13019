#include "pawk8s/catalogue/catalogue.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <set>
#include <utility>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

constexpr std::array<std::string_view, 5> kImpacts = {"read", "write", "disrupt", "node", "load"};

absl::Status At(const std::filesystem::path& file, const YAML::Mark& mark, std::string_view what) {
  return absl::InvalidArgumentError(fmt::format("{}:{}: {}", file.string(), mark.line + 1, what));
}

absl::StatusOr<CatalogueCase> ReadCase(const std::filesystem::path& file, const YAML::Node& node) {
  static const std::set<std::string> keys = {"id",     "suite", "case",   "item",   "proves",
                                             "mutant", "needs", "impact", "seconds"};
  if (!node.IsMap()) return At(file, node.Mark(), "a case must be a map");
  for (const auto& entry : node) {
    const auto key = entry.first.as<std::string>();
    if (key == "must_pass") continue;  // the only one that may be left out
    if (!keys.contains(key)) return At(file, entry.first.Mark(), "unknown key '" + key + "'");
  }
  for (const auto& key : keys) {
    if (!node[key]) return At(file, node.Mark(), "a case lacks '" + key + "'");
  }
  CatalogueCase result{.id = node["id"].as<std::string>(),
                       .suite = node["suite"].as<std::string>(),
                       .name = node["case"].as<std::string>(),
                       .item = node["item"].as<std::string>(),
                       .proves = node["proves"].as<std::string>(),
                       .mutant = node["mutant"].as<std::string>(),
                       .needs = node["needs"].as<std::vector<std::string>>(),
                       .impact = node["impact"].as<std::string>(),
                       .seconds = node["seconds"].as<int>(),
                       .must_pass = node["must_pass"].as<bool>(false)};
  if (std::ranges::find(kImpacts, result.impact) == kImpacts.end()) {
    return At(file, node["impact"].Mark(), "unknown impact '" + result.impact + "'");
  }
  return result;
}

}  // namespace

const std::vector<Phase>& Phases() {
  static const std::vector<Phase> phases = {{"infrastructure", 45, 100}, {"security", 55, 100},
                                            {"chaos", 65, 95},           {"performance", 70, 90},
                                            {"monitoring", 80, 100},     {"integration", 15, 100}};
  return phases;
}

const Phase* FindPhase(std::string_view name) {
  const auto found = std::ranges::find(Phases(), name, &Phase::name);
  return found == Phases().end() ? nullptr : &*found;
}

absl::StatusOr<Catalogue> Catalogue::Load(const std::filesystem::path& file) {
  Catalogue catalogue;
  catalogue.phase_ = FindPhase(file.stem().string());
  if (catalogue.phase_ == nullptr) {
    return absl::InvalidArgumentError(
        fmt::format("{}: the file name is not the name of a phase", file.string()));
  }
  try {
    const YAML::Node root = YAML::LoadFile(file.string());
    if (!root.IsSequence()) return At(file, root.Mark(), "a catalogue is a list of cases");
    std::set<std::string> seen;
    for (const auto& node : root) {
      ASSIGN_OR_RETURN(CatalogueCase entry, ReadCase(file, node));
      if (!seen.insert(entry.id).second) return At(file, node.Mark(), "second " + entry.id);
      if (!seen.insert(entry.TestName()).second) {
        return At(file, node.Mark(), "second " + entry.TestName());
      }
      if (PhaseOfId(entry.id) != catalogue.phase_->name) {
        return At(file, node.Mark(), entry.id + " is not an id of this phase");
      }
      catalogue.cases_.push_back(std::move(entry));
    }
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(fmt::format("{}: {}", file.string(), error.what()));
  }
  if (std::cmp_not_equal(catalogue.cases_.size(), catalogue.phase_->size)) {
    return absl::InvalidArgumentError(fmt::format("{}: has {} cases, the phase has {}",
                                                  file.string(), catalogue.cases_.size(),
                                                  catalogue.phase_->size));
  }
  return catalogue;
}

absl::StatusOr<Catalogue> Catalogue::OfPhase(std::string_view phase) {
  const char* folder = std::getenv("PAWK8S_CATALOGUE");
  const std::filesystem::path root = folder != nullptr ? folder : PAWK8S_CATALOGUE_DIR;
  return Load(root / fmt::format("{}.yaml", phase));
}

const CatalogueCase* Catalogue::Find(std::string_view suite, std::string_view name) const {
  const auto found = std::ranges::find_if(
      cases_, [&](const CatalogueCase& c) { return c.suite == suite && c.name == name; });
  return found == cases_.end() ? nullptr : &*found;
}

const CatalogueCase* Catalogue::FindId(std::string_view id) const {
  const auto found = std::ranges::find(cases_, id, &CatalogueCase::id);
  return found == cases_.end() ? nullptr : &*found;
}

std::filesystem::path PageOfCase(std::string_view id) {
  return std::filesystem::path(PAWK8S_CASE_PAGES_DIR) / fmt::format("{}.md", id);
}

std::string_view PhaseOfId(std::string_view id) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> prefixes = {
      {{"INF", "infrastructure"},
       {"SEC", "security"},
       {"CHA", "chaos"},
       {"PRF", "performance"},
       {"MON", "monitoring"},
       {"ITG", "integration"}}};
  for (const auto& [prefix, phase] : prefixes) {
    if (id.starts_with(prefix) && id.substr(prefix.size()).starts_with('-')) return phase;
  }
  return {};
}

}  // namespace pawk8s
