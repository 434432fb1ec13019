// A plan as a person or a program reads it.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/deployment/profile.h"
#include "pawk8s/deployment/rights.h"

namespace pawk8s {

struct PlannedCase {
  CatalogueCase entry;
  std::string obstacle;  // why it would not run; empty: it would
};

struct PlannedPurpose {
  Purpose purpose = Purpose::kObserve;
  std::vector<std::string> lacks;  // rights
};

struct WholePlan {
  std::optional<Profile> profile;
  std::vector<PlannedCase> cases;
  std::vector<PlannedPurpose> purposes;      // of the selected cases
  std::map<std::string, std::string> needs;  // as ProbeNeeds(); empty if the cluster was not asked
  std::string account;
  std::string not_asked;  // why the cluster was not asked; empty: it was
};

// At most 100 columns.
[[nodiscard]] std::string PlanText(const WholePlan& plan);
[[nodiscard]] std::string PlanJson(const WholePlan& plan);

}  // namespace pawk8s
