#include "pawk8s/discovery/findings.h"

#include <fmt/format.h>

namespace pawk8s {

void Findings::Sure(const std::string& path, const std::string& value) {
  lines_[path] = {.value = value};
}

void Findings::Guess(const std::string& path, const std::string& value, const std::string& why) {
  lines_[path] = {.value = value, .note = "guessed: " + why};
}

void Findings::Missing(const std::string& path, const std::string& look_for) {
  lines_[path] = {.note = look_for};
}

void Findings::OneOf(const std::string& path, std::vector<std::string> candidates,
                     const std::string& look_for) {
  const auto repeated = std::ranges::unique(candidates);
  candidates.erase(repeated.begin(), repeated.end());
  if (candidates.empty()) return Missing(path, look_for);
  if (candidates.size() == 1) return Sure(path, candidates.front());
  const std::string first = candidates.front();
  candidates.erase(candidates.begin());
  Guess(path, first, fmt::format("so does {}", fmt::join(candidates, ", ")));
}

}  // namespace pawk8s
