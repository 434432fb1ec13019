// Compares a draft of `pawk8s init` with the profile that is known to be right:
//
//   pawk8s init --kubeconfig K > draft.yaml
//   compare_profiles "$(fixtures/testbed/testbed profile --name N)" draft.yaml
//
// Says of each key whether the draft has it right, and whether it was guessed. Ends with 0 if at
// least 90 % of the keys without default are right, and no wrong one passes for verified.
#include <fmt/format.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/profile_keys.h"
#include "pawk8s/deployment/profile_text.h"

namespace {

using namespace pawk8s;

constexpr int kWantedPercent = 90;

absl::StatusOr<std::string> ReadText(const char* file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return absl::NotFoundError(fmt::format("cannot read {}", file));
  return text.str();
}

// True if the line of the draft that gives the key this value says that it is a guess.
bool IsGuess(const std::string& draft, const ProfileKey& key, const std::string& value) {
  const std::string begin = fmt::format("{}: ", key.Name());
  std::istringstream lines(draft);
  for (std::string line; std::getline(lines, line);) {
    const auto at = line.find_first_not_of(' ');
    if (at == std::string::npos || line.compare(at, begin.size(), begin) != 0) continue;
    if (line.find(value, at + begin.size()) == at + begin.size() &&
        line.find("# guessed: ") != std::string::npos) {
      return true;
    }
  }
  return false;
}

struct Score {
  int right = 0, wrong = 0, missing = 0, guessed = 0, wrong_and_sure = 0;
  [[nodiscard]] int all() const { return right + wrong + missing; }
  void Print(const char* what) const {
    fmt::print(
        "{}: {} of {} right ({:.1f} %), {} wrong, {} not found; {} of all are marked as "
        "guessed; wrong without a mark: {}\n",
        what, right, all(), all() == 0 ? 0.0 : 100.0 * right / all(), wrong, missing, guessed,
        wrong_and_sure);
  }
};

absl::StatusOr<bool> Compare(const char* truth_file, const char* draft_file) {
  ASSIGN_OR_RETURN(const std::string draft_text, ReadText(draft_file));
  ASSIGN_OR_RETURN(const std::string truth_text, ReadText(truth_file));
  ASSIGN_OR_RETURN(const ProfileLines truth, ReadLines(truth_text));
  ASSIGN_OR_RETURN(const ProfileLines draft, ReadLines(draft_text));
  Profile profile;
  Score named;
  Score others;
  for (const ProfileKey& key : KeysOf(profile)) {
    const auto is = truth.find(key.path);
    if (key.IsGroup() || is == truth.end() || !is->second.value || is->second.value->empty()) {
      continue;
    }
    // What the operator decides, and how the caller reached the cluster, cannot be found out.
    if (key.path.starts_with("allow.") || key.path.starts_with("cluster.")) continue;
    const bool discovered = !key.HasDefault() || key.path.starts_with("identity.");
    const auto found = draft.find(key.path);
    if (!discovered && found == draft.end()) continue;
    Score& score = discovered ? named : others;
    const bool present = found != draft.end() && found->second.value;
    const bool right = present && *found->second.value == *is->second.value;
    const bool guess = present && IsGuess(draft_text, key, *found->second.value);
    ++(right ? score.right : present ? score.wrong : score.missing);
    if (guess) ++score.guessed;
    if (present && !right && !guess) ++score.wrong_and_sure;
    fmt::print("{:<9} {:<8} {:<42} {}{}\n",
               right     ? "right"
               : present ? "WRONG"
                         : "not found",
               guess ? "guessed" : "", key.path, present ? *found->second.value : "",
               right ? "" : " (is " + *is->second.value + ")");
  }
  named.Print("keys without default");
  others.Print("keys with a default that were found");
  return named.right * 100 >= kWantedPercent * named.all() && named.wrong_and_sure == 0 &&
         others.wrong_and_sure == 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: compare_profiles TRUTH DRAFT\n");
    return 2;
  }
  const auto reached = Compare(argv[1], argv[2]);
  if (!reached.ok()) {
    fmt::print(stderr, "compare_profiles: {}\n", MessageOf(reached.status()));
    return 3;
  }
  return *reached ? 0 : 1;
}
