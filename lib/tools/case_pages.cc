#include "case_pages.h"

#include <fmt/format.h>

#include <fstream>
#include <map>
#include <sstream>
#include <system_error>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/profile.h"
#include "pawk8s/deployment/profile_keys.h"

namespace pawk8s {
namespace {

constexpr std::size_t kColumns = 100;

std::string Wrapped(const std::string& text) {
  std::istringstream words(text);
  std::string all;
  std::string line;
  for (std::string word; words >> word;) {
    if (!line.empty() && line.size() + 1 + word.size() > kColumns) {
      all += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return all + line + "\n";
}

std::string WhatItDoes(const std::string& impact) {
  if (impact == "read") return "changes nothing";
  if (impact == "write") return "makes objects of its own and removes them";
  if (impact == "disrupt") return "disturbs the deployment and waits until it is as before";
  if (impact == "node") return "takes a worker out of service for a while";
  if (impact == "load") return "puts load on the deployment";
  return impact;
}

// Every key that serves this case, with its default.
std::string Keys(const std::string& id) {
  Profile profile;
  std::string rows;
  for (const ProfileKey& key : KeysOf(profile)) {
    if (key.IsGroup() || key.cases.empty() || !key.Serves(id)) continue;
    rows += fmt::format("| `{}` | {} | {} |\n", key.path,
                        key.otherwise.empty() ? "" : "`" + key.otherwise + "`", key.about);
  }
  if (rows.empty()) return "";
  return "\n## Keys of the profile\n\n| key | default | what it is |\n| --- | --- | --- |\n" + rows;
}

// The text of each entry of a list of defects, by id, as it stands in the file.
std::map<std::string, std::string> DefectTexts(const std::filesystem::path& file) {
  std::map<std::string, std::string> texts;
  std::ifstream in(file);
  std::string id;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("- id: ")) id = line.substr(6);
    if (!id.empty() && !line.starts_with("#")) texts[id] += line + "\n";
  }
  for (auto& [name, text] : texts) {
    while (text.ends_with("\n\n")) text.pop_back();
  }
  return texts;
}

}  // namespace

std::string CasePage(const CatalogueCase& entry, std::string_view phase,
                     const std::string& defect) {
  std::string page = fmt::format("# {}: {}\n\n{}, {}. About {} s; it {}. Needs: {}.\n", entry.id,
                                 entry.name, entry.suite, entry.item, entry.seconds,
                                 WhatItDoes(entry.impact), fmt::join(entry.needs, ", "));
  page += "\n## What it proves\n\n" + Wrapped(entry.proves);
  page += Keys(entry.id);
  page += "\n## The defect that it must catch\n\n" + Wrapped(entry.mutant);
  if (!defect.empty()) page += "\n```yaml\n" + defect + "```\n";
  page += fmt::format("\n## Running it\n\n```\nctest --preset {0} -R '^{0}\\.{1}\\.{2}$'\n", phase,
                      entry.suite, entry.name);
  if (!defect.empty()) page += fmt::format("build/dev/bin/pawk8s prove {}\n", entry.id);
  return page + "```\n";
}

absl::Status WriteCasePages(std::string_view phase, const std::filesystem::path& defects,
                            const std::filesystem::path& folder) {
  ASSIGN_OR_RETURN(const Catalogue catalogue, Catalogue::OfPhase(phase));
  const std::map<std::string, std::string> texts = DefectTexts(defects);
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  for (const CatalogueCase& entry : catalogue.cases()) {
    const auto defect = texts.find(entry.id);
    std::ofstream out(folder / (entry.id + ".md"));
    out << CasePage(entry, phase, defect == texts.end() ? "" : defect->second);
    if (!out.flush()) {
      return absl::UnavailableError(
          fmt::format("cannot write {}/{}.md", folder.string(), entry.id));
    }
  }
  return absl::OkStatus();
}

}  // namespace pawk8s
