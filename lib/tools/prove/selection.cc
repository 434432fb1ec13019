#include "prove/selection.h"

#include <fmt/format.h>

#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/verdict/record.h"

namespace pawk8s::prove {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

std::vector<fs::path> ListsOf(const fs::path& given) {
  if (!given.empty()) return {given};
  std::vector<fs::path> files;
  for (const Phase& phase : Phases()) {
    const auto file = fs::path(PAWK8S_DEFECTS_DIR) / fmt::format("{}.yaml", phase.name);
    if (fs::exists(file)) files.push_back(file);
  }
  return files;
}

// The proofs' order is the catalogue's, of several defects of a case the list's.
absl::StatusOr<std::vector<Selected>> All(const fs::path& given, const Variables& variables) {
  std::multimap<std::string, Defect> defects;
  for (const fs::path& file : ListsOf(given)) {
    ASSIGN_OR_RETURN(const std::vector<Defect> list, LoadDefects(file, variables));
    for (const Defect& defect : list) defects.emplace(defect.id, defect);
  }
  std::vector<Selected> all;
  for (const Phase& phase : Phases()) {
    ASSIGN_OR_RETURN(const Catalogue catalogue, Catalogue::OfPhase(phase.name));
    for (const CatalogueCase& entry : catalogue.cases()) {
      for (auto [at, end] = defects.equal_range(entry.id); at != end; at = defects.erase(at)) {
        all.push_back({entry, std::string(phase.name), at->second});
      }
    }
  }
  if (defects.empty()) return all;
  const Defect& unknown = defects.begin()->second;
  return absl::InvalidArgumentError(
      fmt::format("{}: the catalogue has no case {}", unknown.where, unknown.id));
}

absl::Status CheckId(const std::string& id) {
  for (const Phase& phase : Phases()) {
    if (id == phase.name) return absl::OkStatus();
    ASSIGN_OR_RETURN(const Catalogue catalogue, Catalogue::OfPhase(phase.name));
    for (const CatalogueCase& entry : catalogue.cases()) {
      if (id == entry.suite) return absl::OkStatus();
      if (id == entry.id) return absl::FailedPreconditionError(id + " has no defect in the list");
    }
  }
  return absl::InvalidArgumentError("there is no case, suite or phase " + id);
}

}  // namespace

absl::StatusOr<std::vector<Selected>> Select(const ProveOptions& options,
                                             const Variables& variables) {
  ASSIGN_OR_RETURN(std::vector<Selected> all, All(options.defects, variables));
  std::set<std::string> matched;
  std::vector<Selected> wanted;
  for (Selected& one : all) {
    bool meant = options.ids.empty();
    for (const std::string& id : options.ids) {
      if (id != one.entry.id && id != one.entry.suite && id != one.phase) continue;
      matched.insert(id);
      meant = true;
    }
    if (meant) wanted.push_back(std::move(one));
  }
  for (const std::string& id : options.ids) {
    if (!matched.contains(id)) RETURN_IF_ERROR(CheckId(id));
  }
  if (wanted.empty()) return absl::InvalidArgumentError("none of these has a defect");
  std::vector<Selected> mine;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (static_cast<int>(i) % options.shard.count == options.shard.index - 1) {
      mine.push_back(std::move(wanted[i]));
    }
  }
  return mine;
}

absl::Status WriteProofs(const fs::path& folder, const std::string& cluster_uid,
                         const std::vector<Proof>& proofs) {
  json list = json::array();
  for (const Proof& p : proofs) {
    list.push_back({{"id", p.id},
                    {"defect", p.defect},
                    {"digest", p.digest},
                    {"result", p.result},
                    {"first_line", p.first_line},
                    {"margin", p.margin},
                    {"green_seconds", p.green_seconds},
                    {"red_seconds", p.red_seconds},
                    {"total_seconds", p.total_seconds}});
  }
  const json all = {{"cluster_uid", cluster_uid}, {"proofs", std::move(list)}};
  return WriteFileAtomically(folder / "prove.json",
                             all.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

absl::StatusOr<std::vector<Proof>> ReadProofs(const fs::path& folder,
                                              const std::string& cluster_uid) {
  const fs::path file = folder / "prove.json";
  const auto text = ReadFile(file);
  if (absl::IsNotFound(text.status())) return std::vector<Proof>();
  RETURN_IF_ERROR(text.status());
  try {
    const json all = json::parse(*text);
    if (all.at("cluster_uid") != cluster_uid) {
      return absl::FailedPreconditionError(fmt::format(
          "{} is of another cluster: remove it, or go without --resume", file.string()));
    }
    std::vector<Proof> proofs;
    for (const json& p : all.at("proofs")) {
      proofs.push_back({.id = p.at("id"),
                        .defect = p.at("defect"),
                        .digest = p.at("digest"),
                        .result = p.at("result"),
                        .first_line = p.at("first_line"),
                        .margin = p.at("margin"),
                        .green_seconds = p.at("green_seconds"),
                        .red_seconds = p.at("red_seconds"),
                        .total_seconds = p.at("total_seconds")});
    }
    return proofs;
  } catch (const json::exception& error) {
    return absl::DataLossError(fmt::format("{}: {}", file.string(), error.what()));
  }
}

absl::StatusOr<std::string> CheckDefects(const fs::path& given) {
  const char* profile = std::getenv("PAWK8S_PROFILE");
  ASSIGN_OR_RETURN(const Variables variables,
                   VariablesIn(profile != nullptr ? profile : PAWK8S_REFERENCE_PROFILE));
  std::string text;
  for (const fs::path& file : ListsOf(given)) {
    ASSIGN_OR_RETURN(const std::vector<Selected> all, All(file, variables));
    std::set<std::string> cases;
    for (const Selected& one : all) cases.insert(one.entry.id);
    text += fmt::format("{}: {} defects of {} cases\n", file.string(), all.size(), cases.size());
  }
  return text;
}

}  // namespace pawk8s::prove
