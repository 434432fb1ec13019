#include "prove/judge.h"

#include <fmt/format.h>

#include <cctype>
#include <cstddef>
#include <utility>

#include "pawk8s/base/status.h"

namespace pawk8s::prove {
namespace {

// A name is made of these; a dot or dash at its end belongs to the sentence.
bool IsOfAName(char c) {
  return std::islower(static_cast<unsigned char>(c)) != 0 ||
         std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '.';
}

}  // namespace

absl::StatusOr<std::set<std::string>> NamesIn(Site& site) {
  std::set<std::string> names;
  for (const auto& resource :
       {kube::kPods, kube::kStatefulSets, kube::kDeployments, kube::kReplicaSets, kube::kServices,
        kube::kConfigMaps, kube::kSecrets, kube::kServiceAccounts, kube::kPersistentVolumeClaims,
        kube::kPodDisruptionBudgets, kube::kNetworkPolicies, kube::kResourceQuotas,
        kube::kLimitRanges, kube::kNodes, kube::kPersistentVolumes, kube::kStorageClasses}) {
    const kube::Collection all{resource, resource.namespaced ? site.paw.profile().ns : ""};
    const auto list = Patiently([&](const Deadline& d) { return site.paw.kube().List(all, d); });
    // What may not be listed here can hardly be named by a case.
    if (absl::IsPermissionDenied(list.status()) || absl::IsNotFound(list.status())) continue;
    RETURN_IF_ERROR(list.status());
    for (const kube::Object& object : list->items) names.insert(object.name());
  }
  // A service account of every namespace, and an English word.
  names.erase("default");
  return names;
}

std::set<std::string> NamedIn(const std::string& line, const std::set<std::string>& names) {
  std::set<std::string> named;
  for (std::size_t at = 0; at < line.size();) {
    std::size_t end = at;
    while (end < line.size() && IsOfAName(line[end])) ++end;
    if (end == at) {
      ++at;
      continue;
    }
    std::string word = line.substr(at, end - at);
    while (!word.empty() && (word.back() == '.' || word.back() == '-')) word.pop_back();
    if (names.contains(word)) named.insert(std::move(word));
    at = end;
  }
  return named;
}

Judgement JudgeRed(const Record& red, const Defect& defect, const std::set<std::string>& names) {
  std::string line = red.failures.empty() ? "" : red.failures.front().summary;
  if (red.outcome == Outcome::kPassed) return {kSurvived, ""};
  if (red.outcome != Outcome::kViolated) {
    return {kWrongOutcome, fmt::format("{}: {}", NameOf(red.outcome), line)};
  }
  if (line.find(defect.names) == std::string::npos) {
    return {kWrongName, fmt::format("does not name {}: {}", defect.names, line)};
  }
  const auto named = NamedIn(line, names);
  if (named.size() > 1 + kMaxOthers) {
    return {kVague,
            fmt::format("names {} objects ({}): {}", named.size(), fmt::join(named, ", "), line)};
  }
  return {kKilled, std::move(line)};
}

}  // namespace pawk8s::prove
