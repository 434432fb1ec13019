// pawk8s plan: what running cases would touch, need and take, before anything is done.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>

#include "exit_code.h"
#include "pawk8s/base/status.h"
#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/deployment/identity.h"
#include "pawk8s/deployment/needs.h"
#include "pawk8s/deployment/rights.h"
#include "pawk8s/verdict/run.h"
#include "plan_text.h"
#include "profile_commands.h"

namespace pawk8s {
namespace {

constexpr std::chrono::seconds kBudget{60};

absl::StatusOr<std::vector<CatalogueCase>> Select(const std::vector<std::string>& ids) {
  std::vector<CatalogueCase> selected;
  std::set<std::string> matched;
  for (const Phase& phase : Phases()) {
    ASSIGN_OR_RETURN(const Catalogue catalogue, Catalogue::OfPhase(phase.name));
    for (const CatalogueCase& entry : catalogue.cases()) {
      bool wanted = false;
      for (const std::string& id : ids) {
        if (id != entry.id && id != entry.suite && id != phase.name) continue;
        matched.insert(id);
        wanted = true;
      }
      if (wanted) selected.push_back(entry);
    }
  }
  for (const std::string& id : ids) {
    if (!matched.contains(id)) {
      return absl::InvalidArgumentError("there is no case, suite or phase " + id);
    }
  }
  return selected;
}

// Every need that some case of the catalogue has.
absl::StatusOr<std::set<std::string>> KnownNeeds() {
  std::set<std::string> needs;
  for (const Phase& phase : Phases()) {
    ASSIGN_OR_RETURN(const Catalogue catalogue, Catalogue::OfPhase(phase.name));
    for (const CatalogueCase& entry : catalogue.cases()) {
      needs.insert(entry.needs.begin(), entry.needs.end());
    }
  }
  return needs;
}

bool Needs(const CatalogueCase& entry, const char* need) {
  return std::ranges::find(entry.needs, need) != entry.needs.end();
}

std::string WhatStandsInTheWay(const CatalogueCase& entry, const WholePlan& plan) {
  if (!plan.profile) return "";
  const Profile& profile = *plan.profile;
  const bool disturbs =
      entry.impact == "disrupt" || entry.impact == "node" || entry.impact == "load";
  if (disturbs && !profile.allow.disruption) return "refused: allow.disruption is false";
  if (Needs(entry, "agent") && !profile.allow.agent) return "refused: allow.agent is false";
  for (const std::string& need : entry.needs) {
    if (std::ranges::find(profile.not_provided, need) != profile.not_provided.end()) {
      return fmt::format("{} is declared as not provided", need);
    }
    const auto found = plan.needs.find(need);
    if (found != plan.needs.end() && found->second != kPresent) return "absent: " + need;
  }
  const std::string unnamed = profile.WhatIsUnnamedFor(entry.id);
  return unnamed.empty() ? "" : "blocked: the profile" + unnamed.substr(profile.file.size());
}

// Adds what only the cluster knows; the status says why it could not be asked.
absl::Status AskCluster(WholePlan& plan) {
  const Deadline deadline = Deadline::After(kBudget);
  ASSIGN_OR_RETURN(const auto paw, Deployment::Connect(*plan.profile));
  RETURN_IF_ERROR(CheckIdentity(*paw, deadline));
  plan.needs = ProbeNeeds(*paw, deadline);
  ASSIGN_OR_RETURN(const kube::UserInfo account, paw->kube().WhoAmI(deadline));
  plan.account = account.username;
  for (PlannedPurpose& purpose : plan.purposes) {
    ASSIGN_OR_RETURN(purpose.lacks,
                     MissingRights(paw->kube(), *plan.profile, purpose.purpose, deadline));
  }
  return absl::OkStatus();
}

std::vector<PlannedPurpose> PurposesOf(const std::vector<CatalogueCase>& cases) {
  std::vector<PlannedPurpose> purposes = {{.purpose = Purpose::kObserve}};
  if (std::ranges::any_of(cases, [](const CatalogueCase& c) {
        return c.impact == "disrupt" || c.impact == "node" || c.impact == "load";
      })) {
    purposes.push_back({.purpose = Purpose::kDisrupt});
  }
  if (std::ranges::any_of(cases, [](const CatalogueCase& c) { return Needs(c, "agent"); })) {
    purposes.push_back({.purpose = Purpose::kAgent});
  }
  return purposes;
}

absl::Status CheckNotProvided(const Profile& profile) {
  ASSIGN_OR_RETURN(const std::set<std::string> known, KnownNeeds());
  for (const std::string& need : profile.not_provided) {
    if (!known.contains(need)) {
      return absl::InvalidArgumentError(
          fmt::format("{}: not_provided names '{}', which no case needs; cases need {}",
                      profile.file, need, fmt::join(known, ", ")));
    }
  }
  return absl::OkStatus();
}

}  // namespace

int Plan(const PlanOptions& options) {
  const auto cases = Select(options.ids);
  if (!cases.ok()) return Complain(cases.status());
  WholePlan plan{.purposes = PurposesOf(*cases)};
  auto profile = Profile::FromEnvironment();
  if (profile.ok()) {
    if (const absl::Status s = CheckNotProvided(*profile); !s.ok()) return Complain(s);
    plan.profile = *std::move(profile);
    if (options.offline) {
      plan.not_asked = "--offline was given";
    } else if (const absl::Status asked = AskCluster(plan); !asked.ok()) {
      plan.not_asked = MessageOf(asked);
    }
  } else if (absl::IsFailedPrecondition(profile.status())) {
    plan.not_asked = MessageOf(profile.status());  // none was named
  } else {
    return Complain(profile.status());
  }
  for (const CatalogueCase& entry : *cases) {
    plan.cases.push_back({.entry = entry, .obstacle = WhatStandsInTheWay(entry, plan)});
  }
  fmt::print("{}", options.json ? PlanJson(plan) : PlanText(plan));
  return kPass;
}

}  // namespace pawk8s
