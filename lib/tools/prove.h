// Proves cases: green on the healthy deployment, red under their own defect, and the deployment
// back as it was.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace pawk8s {

struct Proof {
  std::string id;
  std::string defect;
  // killed | survived | wrong outcome | not green | not planted | not restored
  std::string result;
  std::string first_line;  // of the red run's failure
  double green_seconds = 0;
  double red_seconds = 0;
  double total_seconds = 0;
  [[nodiscard]] bool Killed() const { return result == "killed"; }
};

struct ProveOptions {
  std::vector<std::string> ids;   // INF-POD-01, a suite (PodLifecycle) or a phase (infrastructure)
  std::filesystem::path defects;  // empty: the project's own lists
  std::filesystem::path executables;  // folder of the phase executables
};

// Proves each selected case in turn and writes prove.json below the results root. Stops with
// FailedPrecondition if the deployment is unhealthy before, the profile does not allow defects, or
// a case has no defect; a defect that cannot be lifted ends the run as "not restored".
[[nodiscard]] absl::StatusOr<std::vector<Proof>> Prove(const ProveOptions& options);

// A table for a person, the count of each result last.
[[nodiscard]] std::string ProofTable(const std::vector<Proof>& proofs);

}  // namespace pawk8s
