// The validators' disruption budget: whom it protects, and how much voting power it leaves up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/deployment.h"

namespace pawk8s {

struct BudgetCoverage {
  std::string budget;                    // "paw-validator-pdb"
  int replicas = 0;                      // that the validators' StatefulSet wants
  std::vector<std::string> unprotected;  // validator pods that it does not select
  std::vector<std::string> strangers;    // pods that it selects besides them
  std::vector<std::string> also_by;      // other budgets that select a validator pod
  std::size_t owned = 0;                 // validator pods there are
  std::int64_t disruptions_allowed = 0;  // status
  std::int64_t current_healthy = 0;
  std::int64_t desired_healthy = 0;
};
[[nodiscard]] absl::StatusOr<BudgetCoverage> ReadBudgetCoverage(Deployment& paw,
                                                                const Deadline& deadline);

// How many of the pods it selects the budget lets go now.
[[nodiscard]] absl::StatusOr<std::int64_t> DisruptionsAllowed(Deployment& paw,
                                                              const Deadline& deadline);

// The fewest pods that the budget can leave up, and their voting power at the worst.
struct BudgetedPower {
  std::string budget;
  std::string rule;         // "minAvailable 3"
  std::size_t left_up = 0;  // so many pods
  std::int64_t power = 0;   // of the weakest so many
  std::int64_t total = 0;   // of the whole set
};
[[nodiscard]] absl::StatusOr<BudgetedPower> ReadBudgetedPower(Deployment& paw,
                                                              const Deadline& deadline);

// A count or a percentage ("50%") of `pods`, rounded up as Kubernetes does; empty if it is neither.
[[nodiscard]] std::optional<std::int64_t> CountOf(const std::string& text, std::int64_t pods);

}  // namespace pawk8s
