#include "pawk8s/deployment/budget.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <map>
#include <optional>
#include <set>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

absl::StatusOr<kube::PodDisruptionBudget> ReadBudget(Deployment& paw, const Deadline& deadline) {
  const Profile& profile = paw.profile();
  ASSIGN_OR_RETURN(kube::Object object, paw.kube().Get({kube::kPodDisruptionBudgets, profile.ns,
                                                        profile.policies.disruption_budget},
                                                       deadline));
  return kube::PodDisruptionBudget(std::move(object));
}

absl::StatusOr<std::set<std::string>> SelectedBy(Deployment& paw,
                                                 const kube::PodDisruptionBudget& budget,
                                                 const Deadline& deadline) {
  ASSIGN_OR_RETURN(const auto list,
                   paw.kube().List({kube::kPods, paw.profile().ns, budget.selector()}, deadline));
  std::set<std::string> names;
  for (const kube::Object& pod : list.items) names.insert(pod.name());
  return names;
}

}  // namespace

std::optional<std::int64_t> CountOf(const std::string& text, std::int64_t pods) {
  const bool percent = text.ends_with('%');
  const std::string digits = percent ? text.substr(0, text.size() - 1) : text;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size() || value < 0) {
    return std::nullopt;
  }
  return percent ? (pods * value + 99) / 100 : value;
}

absl::StatusOr<BudgetCoverage> ReadBudgetCoverage(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const WorkloadState validators, paw.Read(paw.profile().validators, deadline));
  ASSIGN_OR_RETURN(const kube::PodDisruptionBudget budget, ReadBudget(paw, deadline));
  ASSIGN_OR_RETURN(std::set<std::string> selected, SelectedBy(paw, budget, deadline));
  BudgetCoverage coverage{.budget = budget.name(),
                          .replicas = validators.replicas,
                          .owned = validators.pods.size(),
                          .disruptions_allowed = budget.disruptions_allowed().value_or(0),
                          .current_healthy = budget.current_healthy().value_or(0),
                          .desired_healthy = budget.desired_healthy().value_or(0)};
  for (const kube::Pod& pod : validators.pods) {
    if (selected.erase(pod.name()) == 0) coverage.unprotected.push_back(pod.name());
  }
  coverage.strangers.assign(selected.begin(), selected.end());
  ASSIGN_OR_RETURN(const auto all,
                   paw.kube().List({kube::kPodDisruptionBudgets, paw.profile().ns}, deadline));
  for (const auto& other : kube::As<kube::PodDisruptionBudget>(all.items)) {
    if (other.name() == budget.name()) continue;
    ASSIGN_OR_RETURN(const std::set<std::string> theirs, SelectedBy(paw, other, deadline));
    if (std::ranges::any_of(validators.pods,
                            [&](const kube::Pod& pod) { return theirs.contains(pod.name()); })) {
      coverage.also_by.push_back(other.name());
    }
  }
  return coverage;
}

absl::StatusOr<std::int64_t> DisruptionsAllowed(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::PodDisruptionBudget budget, ReadBudget(paw, deadline));
  return budget.disruptions_allowed().value_or(0);
}

absl::StatusOr<BudgetedPower> ReadBudgetedPower(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::PodDisruptionBudget budget, ReadBudget(paw, deadline));
  ASSIGN_OR_RETURN(const std::vector<PodNode> nodes, paw.ValidatorNodes(deadline));
  if (nodes.empty()) return absl::FailedPreconditionError("there is no validator pod");
  ASSIGN_OR_RETURN(const kube::Pod asked, paw.OtherValidator(std::vector<kube::Pod>{}, deadline));
  ASSIGN_OR_RETURN(const chain::NodeStatus status, paw.RpcOf(asked).Status(deadline));
  ASSIGN_OR_RETURN(const auto set, paw.RpcOf(asked).ValidatorsAt(status.latest, deadline));
  std::map<std::string, std::int64_t> power_of;  // by consensus address
  BudgetedPower budgeted{.budget = budget.name()};
  for (const chain::Validator& v : set) {
    power_of[v.address.hex] = v.voting_power;
    budgeted.total += v.voting_power;
  }
  std::vector<std::int64_t> powers;  // a pod whose key is not in the set weighs nothing
  for (const PodNode& node : nodes) powers.push_back(power_of[node.status.validator.hex]);
  std::ranges::sort(powers);

  const auto pods = static_cast<std::int64_t>(nodes.size());
  std::optional<std::int64_t> left;
  if (const auto least = budget.min_available()) {
    left = CountOf(*least, pods);
    budgeted.rule = "minAvailable " + *least;
  } else if (const auto most = budget.max_unavailable()) {
    const auto away = CountOf(*most, pods);
    if (away) left = pods - *away;
    budgeted.rule = "maxUnavailable " + *most;
  }
  if (!left) {
    return absl::DataLossError(
        fmt::format("PodDisruptionBudget {} has no readable rule", budget.name()));
  }
  budgeted.left_up = static_cast<std::size_t>(std::clamp<std::int64_t>(*left, 0, pods));
  for (std::size_t i = 0; i < budgeted.left_up; ++i) budgeted.power += powers[i];
  return budgeted;
}

}  // namespace pawk8s
