// The local store: what every run under the results folder said of a case. The run folders are the
// store; there is no index beside them.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "pawk8s/verdict/run.h"

namespace pawk8s {

// The runs of `phase` in `store` and in the folders of single invocations below it
// (<store>/<phase>/<run>, <store>/<invocation>/<phase>/<run>), the oldest first. Runs whose session
// cannot be read, and those of `pawk8s prove`, are left out.
[[nodiscard]] std::vector<Run> RunsIn(const std::filesystem::path& store, std::string_view phase);

// What one run said of one case.
struct PastResult {
  std::string run;
  std::string started;  // RFC 3339
  std::string commit;
  std::string profile_sha256;
  std::filesystem::path folder;  // of the run
  std::string state;             // an outcome's name, "crashed" or "damaged"
  double seconds = 0;
  std::string summary;  // of its first failure

  [[nodiscard]] bool Passed() const { return state == "passed"; }
  // A case that the suite lacks, or that was blocked, says nothing about how steady it is.
  [[nodiscard]] bool Counts() const { return state != "not-implemented" && state != "blocked"; }
};

using CaseHistory = std::vector<PastResult>;  // the oldest first

// Of one case in all of `runs`.
[[nodiscard]] CaseHistory HistoryOf(const std::vector<Run>& runs, std::string_view id);
// Of every case that left a record in the last `limit` of `runs`.
[[nodiscard]] std::map<std::string, CaseHistory> RecentHistory(const std::vector<Run>& runs,
                                                               std::size_t limit);

// How often a case fails.
struct FailureRate {
  int runs = 0;
  int failed = 0;
  double upper95 = 1;  // with 95 % confidence the true rate is not above this (Clopper-Pearson)
  bool flaky = false;  // it both passed and failed at one commit with one profile

  [[nodiscard]] double Rate() const { return runs == 0 ? 0 : static_cast<double>(failed) / runs; }
};
[[nodiscard]] FailureRate FailureRateOf(const CaseHistory& history);
// 1 for no trials.
[[nodiscard]] double UpperBound95(int failed, int trials);

// The last result before `run` that passed, if there is one.
[[nodiscard]] std::optional<PastResult> LastPassBefore(const CaseHistory& history,
                                                       std::string_view run);

// What is kept of old runs. A run is removed only if it is none of the newest `keep`, not in
// progress, not the current one of its folder, and all of its cases passed or it is older than
// `keep_failures_days`.
struct Retention {
  int keep = 50;
  int keep_failures_days = 14;
};
// Removes what may go of the runs of `phase`; returns their ids. `now` is RFC 3339.
std::vector<std::string> PruneRuns(const std::filesystem::path& store, std::string_view phase,
                                   const Retention& retention, std::string_view now);

}  // namespace pawk8s
