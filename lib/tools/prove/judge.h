// Was the planted defect caught, and by its name?
#pragma once

#include <set>
#include <string>

#include "absl/status/statusor.h"
#include "pawk8s/verdict/record.h"
#include "prove/defects.h"
#include "prove/site.h"

namespace pawk8s::prove {

// How a proof ends.
inline constexpr const char* kKilled = "killed";
inline constexpr const char* kSurvived = "survived";           // the case stayed green
inline constexpr const char* kWrongOutcome = "wrong outcome";  // red, but not as violated
inline constexpr const char* kWrongName = "wrong name";        // violated, but of something else
inline constexpr const char* kVague = "vague";                 // names too many objects
inline constexpr const char* kNotPlanted = "not planted";      // or healed meanwhile
inline constexpr const char* kNotRestored = "not restored";    // ends the run
inline constexpr const char* kGreenFailed = "green failed";    // red without any defect
inline constexpr const char* kRefused = "refused";             // cannot be planted here
inline constexpr const char* kInterrupted = "interrupted";

// Other objects that a first line may name beside the one at fault.
inline constexpr int kMaxOthers = 2;

// The names of what the deployment consists of: what a message could speak of.
[[nodiscard]] absl::StatusOr<std::set<std::string>> NamesIn(Site& site);

// Those of `names` that stand in `line` as whole words.
[[nodiscard]] std::set<std::string> NamedIn(const std::string& line,
                                            const std::set<std::string>& names);

// One of kKilled, kSurvived, kWrongOutcome, kWrongName, kVague; `first_line` is the red run's, with
// what is wrong with it in front.
struct Judgement {
  std::string result;
  std::string first_line;
};
[[nodiscard]] Judgement JudgeRed(const Record& red, const Defect& defect,
                                 const std::set<std::string>& names);

}  // namespace pawk8s::prove
