// What one case left behind: the only thing that a verdict is made from.
//
// A record is written as "started" before the case does anything and replaced when it ends, each
// time as a whole (temporary file, rename), so that a crash or a kill leaves "started" and counts
// against the phase.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pawk8s {

enum class Outcome {
  kStarted,  // no end was recorded: crashed, killed or timed out
  kPassed,
  kViolated,        // the deployment does not do what the case claims
  kStimulusFailed,  // what the case wanted to do to the deployment did not take effect
  kUnobservable,    // the facts to judge could not be read
  kBlocked,         // the deployment was unhealthy, or a need missing, before the case began
  kNotImplemented,  // the catalogue has the case, the suite does not yet
};

[[nodiscard]] std::string_view NameOf(Outcome outcome);
[[nodiscard]] std::optional<Outcome> OutcomeNamed(std::string_view name);

// One measured value beside what it is judged by.
struct Measure {
  std::string name;
  double value = 0;
  std::string unit;
  std::string relation;  // "<=", ">=", "<", ">", "==" or empty if nothing judges it
  double threshold = 0;
};

struct Failure {
  std::string summary;  // first line: the claim and the object that breaks it
  std::string message;  // all of it
  std::string file;
  int line = 0;
};

struct Record {
  std::string id;
  std::string test;  // Suite.Case
  std::string run;
  Outcome outcome = Outcome::kStarted;
  std::string started;   // RFC 3339
  std::string finished;  // empty while running
  double seconds = 0;
  int observations = 0;  // facts read from the deployment; a pass without any is a failure
  std::vector<Measure> measures;
  std::vector<Failure> failures;
  bool restored = true;  // the deployment was left as it was found
};

// Writes <run folder>/<id>/record.json.
[[nodiscard]] absl::Status WriteRecord(const std::filesystem::path& run_folder,
                                       const Record& record);
// NotFound if the case left none, DataLoss if it is not a record.
[[nodiscard]] absl::StatusOr<Record> ReadRecord(const std::filesystem::path& run_folder,
                                                std::string_view id);

// Writes a file as a whole: readers see the old or the new content, never a part.
[[nodiscard]] absl::Status WriteFileAtomically(const std::filesystem::path& file,
                                               std::string_view content);
[[nodiscard]] absl::StatusOr<std::string> ReadFile(const std::filesystem::path& file);

}  // namespace pawk8s
