// What one case left behind: the only thing that a verdict is made from.
//
// A record is written as "started" before the case does anything, again at every step of a
// stimulus, and once more when it ends, each time as a whole (temporary file, rename): a crash or a
// kill leaves "started" with what was done until then, and counts against the phase.
//
// Times are seconds since the case began.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pawk8s {

// Of record.json. A reader refuses every other one.
inline constexpr int kRecordSchema = 2;

enum class Outcome {
  kStarted,  // no end was recorded: crashed or killed
  kPassed,
  kViolated,        // the deployment does not do what the case claims
  kStimulusFailed,  // what the case wanted to do to the deployment did not take effect
  kUnobservable,    // the facts to judge could not be read
  kBlocked,         // the deployment was unhealthy, or a need missing, before the case began
  kTimedOut,        // the case used up its budget before it could judge
  kNotImplemented,  // the catalogue has the case, the suite does not yet
};

[[nodiscard]] std::string_view NameOf(Outcome outcome);
[[nodiscard]] std::optional<Outcome> OutcomeNamed(std::string_view name);

// What many samples of one quantity come to. Percentiles are nearest-rank.
struct Series {
  std::size_t n = 0;
  double p50 = 0;
  double p95 = 0;
  double p99 = 0;
  double max = 0;
  std::vector<double> points;  // in their order, at most kMaxPoints: the largest of each stretch

  static constexpr std::size_t kMaxPoints = 80;
  static Series Of(const std::vector<double>& samples);
};

// One measured value beside what it is judged by.
struct Measure {
  std::string name;
  double value = 0;
  std::string unit;
  std::string relation;  // "<=", ">=", "<", ">", "==" or empty if nothing judges it
  double threshold = 0;
  bool never = false;  // what was to be timed did not happen; `value` means nothing
  std::optional<Series> series;

  // True if the threshold is kept, or there is none.
  [[nodiscard]] bool Holds() const;
  // How far the value is on the good side of the threshold, as a share of the threshold; negative
  // on the bad side. Empty without a value, a threshold, or an order between them.
  [[nodiscard]] std::optional<double> Margin() const;
};

// One change that the case made to the deployment, step by step; an empty time: not (yet) done.
struct StimulusStep {
  std::string what;  // "delete pod"
  std::string kind;  // of the target: "Pod"
  std::string name;
  std::string uid;
  std::string new_uid;  // of what took its place
  std::optional<double> planned;
  std::optional<double> applied;   // the system took it
  std::optional<double> seen;      // its effect was measured
  std::optional<double> reverted;  // taken back, or made good by a controller
  std::optional<double> checked;   // and that was measured too
  std::string error;
};

// A value that was seen to differ from the one before it.
struct ObservedChange {
  std::string name;  // what was looked at
  double at = 0;
  std::string text;
};

struct Failure {
  std::string summary;   // one line: the claim and the object that breaks it
  std::string expected;  // the claim; empty if the message does not tell
  std::string actual;    // what was found instead
  std::string message;   // all of it
  std::string file;
  int line = 0;
};

struct Record {
  std::string id;
  std::string test;  // Suite.Case
  std::string run;
  std::string item;   // the roadmap's words
  std::string claim;  // what the catalogue says that the case proves
  Outcome outcome = Outcome::kStarted;
  std::string started;   // RFC 3339
  std::string finished;  // empty while running
  double seconds = 0;
  double cpu_seconds = 0;     // that the case's own process computed: the rest it waited
  int observations = 0;       // facts read from the deployment; a pass without any is a failure
  int attempts = 1;           // how often this run has run the case
  std::string failed_before;  // the summary of an earlier attempt that failed; never forgotten
  std::vector<Measure> measures;
  std::vector<StimulusStep> stimulus;
  std::vector<ObservedChange> changes;
  std::string last_error;  // of a read that failed, whether or not a later one succeeded
  std::string before;      // the deployment before the case and at its first failure
  std::string now;
  std::map<std::string, std::uint64_t> seeds;
  std::vector<std::string> evidence;  // files beside the record
  std::vector<Failure> failures;
  bool restored = true;  // the deployment was left as it was found
  std::string planted;   // the case whose defect was planted meanwhile, if one was
};

// How to run the case again.
[[nodiscard]] std::string RerunCommand(const Record& record);

[[nodiscard]] std::string RecordToJson(const Record& record);
// InvalidArgument, in one sentence, for what is no record, a record of another schema, or one with
// an unknown outcome.
[[nodiscard]] absl::StatusOr<Record> RecordFromJson(std::string_view text);

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
