// The suite as the self-tests see it: programs beside this one, and whatever cases they have.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/verdict/record.h"

namespace pawk8s::selftest {

struct SuiteCase {
  std::string phase;
  CatalogueCase entry;
};

// The cases that the executables have, in the catalogue's order; those that match
// $PAWK8S_SELFTEST_CASES (a glob of Suite.Case) if that is set.
[[nodiscard]] absl::StatusOr<std::vector<SuiteCase>> ImplementedCases();

// What differs from the profile that a test starts from; empty: nothing.
struct ProfileChanges {
  std::string kubeconfig;
  std::string ca_sha256;
  std::string ns;
  std::string case_budget;
};

class Suite {
 public:
  // `folder` holds profile and results, and is made.
  Suite(std::filesystem::path folder, std::string base_profile);

  // Writes the profile that everything below uses.
  [[nodiscard]] absl::Status WriteProfile(const ProfileChanges& changes) const;

  // In between the phase's runs are those of this process.
  [[nodiscard]] absl::Status Preflight(const std::string& phase) const;
  [[nodiscard]] absl::Status Sweep(const std::string& phase) const;
  // What the phase's run has left, after a lie under which a case could not take it back.
  [[nodiscard]] absl::Status Restore(const std::string& phase) const;
  // Within a preflight. What it recorded, or nothing if it left no record. A case that does not
  // restore takes back what it did, but does not look whether all is as it was.
  [[nodiscard]] absl::StatusOr<std::optional<Record>> Run(const SuiteCase& one,
                                                          bool restores) const;
  // All cases of a phase in one process, alone: what it printed.
  [[nodiscard]] absl::StatusOr<std::string> RunAlone(const std::string& phase,
                                                     const std::string& filter) const;

 private:
  absl::StatusOr<std::string> Start(std::vector<std::string> argv, bool must_succeed,
                                    const std::string& planted = "") const;

  std::filesystem::path folder_;
  std::string base_profile_;
};

// Until the deployment is healthy: what one lie has disturbed must not excuse the next case.
[[nodiscard]] absl::Status AwaitHealthy(Deployment& paw);

}  // namespace pawk8s::selftest
