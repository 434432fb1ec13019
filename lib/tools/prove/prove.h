// Proves cases: green on the healthy deployment, red under their own defect, and the deployment
// back as it was.
#pragma once

#include <filesystem>
#include <stop_token>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace pawk8s::prove {

struct Proof {
  std::string id;
  std::string defect;
  std::string digest;      // of the defect's text
  std::string result;      // judge.h
  std::string first_line;  // of the red run's failure, or why there is none
  std::string margin;      // of the red run's first measure: "ready 67.9 s (<= 60)"
  double green_seconds = 0;
  double red_seconds = 0;
  double total_seconds = 0;
};

struct Shard {
  int index = 1;  // 1..count
  int count = 1;
};

struct ProveOptions {
  std::vector<std::string> ids;   // INF-POD-01, a suite (PodLifecycle) or a phase (infrastructure)
  std::filesystem::path defects;  // empty: the project's own lists
  std::filesystem::path executables;  // folder of the phase executables
  Shard shard;
  bool resume = false;  // keep what prove.json says already
  std::stop_token stop = {};
};

// Proves each selected defect in turn and writes prove.json below the results root after each.
// What an earlier prove left planted is lifted first. Without `ids`: all that `defects` has. Stops
// with FailedPrecondition if the deployment is unhealthy before, the profile does not allow
// defects, or a case has no defect; a defect that cannot be lifted ends the run as "not restored".
[[nodiscard]] absl::StatusOr<std::vector<Proof>> Prove(const ProveOptions& options);

// Lifts what an interrupted prove left planted: true if there was something.
[[nodiscard]] absl::StatusOr<bool> LiftLeftovers();

// Reads every list (or that one) and compares its ids with the catalogue, without any cluster.
// Variables are those of $PAWK8S_PROFILE, else of the reference profile. Returns a line a list.
[[nodiscard]] absl::StatusOr<std::string> CheckDefects(const std::filesystem::path& defects);

// A table for a person, the count of each result last.
[[nodiscard]] std::string ProofTable(const std::vector<Proof>& proofs);

// 0 all killed; 5 one was not restored; 4 all were refused; else 1.
[[nodiscard]] int ExitCodeOf(const std::vector<Proof>& proofs);

}  // namespace pawk8s::prove
