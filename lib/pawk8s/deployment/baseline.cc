#include "pawk8s/deployment/baseline.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/wait/until.h"

namespace pawk8s {
namespace {

constexpr std::chrono::seconds kOneBlock{
    8};  // with one proposer away and a propose time-out of 3 s
constexpr std::chrono::seconds kRpcTimeout{3};

// The validator pods that answer, and the power of each member of the set.
void ReadChain(Deployment& paw, const std::vector<kube::Pod>& pods, const Deadline& deadline,
               Baseline& baseline) {
  const kube::Pod* asked = nullptr;
  chain::Height latest;
  for (const kube::Pod& pod : pods) {
    const auto status = paw.RpcOf(pod).Status(deadline.AtMost(kRpcTimeout));
    if (!status.ok()) {
      baseline.silence = fmt::format("{}: {}", pod.name(), MessageOf(status.status()));
      continue;
    }
    baseline.heights[pod.name()] = status->latest.value;
    if (status->catching_up) baseline.catching_up.insert(pod.name());
    if (asked == nullptr || status->latest > latest) {
      asked = &pod;
      latest = status->latest;
    }
  }
  if (asked == nullptr) return;
  chain::Rpc& rpc = paw.RpcOf(*asked);
  const auto validators = rpc.ValidatorsAt(latest, deadline.AtMost(kRpcTimeout));
  if (validators.ok()) {
    for (const chain::Validator& v : *validators) baseline.powers[v.address.hex] = v.voting_power;
  }
  baseline.advancing = Until(
                           deadline.AtMost(kOneBlock), Every(Millis{200}),
                           [&](const Deadline& d) { return rpc.Status(d.AtMost(kRpcTimeout)); },
                           [&](const chain::NodeStatus& status) { return status.latest > latest; })
                           .status.ok();
}

}  // namespace

absl::StatusOr<Baseline> Baseline::Read(Deployment& paw, const Deadline& deadline) {
  Baseline baseline;
  const Profile& profile = paw.profile();
  ASSIGN_OR_RETURN(baseline.inventory, Inventory::Read(paw, deadline));
  for (const WorkloadRef& ref : {profile.validators, profile.nodes, profile.api}) {
    const auto state = paw.Read(ref, deadline);
    if (!state.ok()) {
      if (!absl::IsNotFound(state.status()) && !absl::IsUnavailable(state.status())) {
        return state.status();
      }
      baseline.workloads[ref.ToString()] = {.text = std::string(MessageOf(state.status()))};
      continue;
    }
    baseline.workloads[ref.ToString()] = {.revision = state->revision,
                                          .replicas = state->replicas,
                                          .settled = state->IsSettled(),
                                          .text = state->ToString()};
    if (ref.name == profile.validators.name) ReadChain(paw, state->pods, deadline, baseline);
  }
  return baseline;
}

std::vector<std::string> Baseline::Problems() const {
  std::vector<std::string> problems;
  for (const auto& [name, workload] : workloads) {
    if (!workload.settled) problems.push_back(workload.text);
  }
  if (!advancing) problems.emplace_back("the chain makes no blocks");
  for (const std::string& pod : catching_up) problems.push_back(pod + " is catching up");
  if (heights.empty()) {
    problems.push_back("no validator answers: " + silence);
  } else {
    const auto [low, high] =
        std::ranges::minmax_element(heights, {}, [](const auto& entry) { return entry.second; });
    if (high->second - low->second > kMaxHeightSpread) {
      problems.push_back(fmt::format("{} is at height {}, {} at {}", low->first, low->second,
                                     high->first, high->second));
    }
  }
  return problems;
}

std::vector<std::string> Baseline::LostSince(const Baseline& now) const {
  std::vector<std::string> lost;
  for (const auto& [name, before] : workloads) {
    const auto found = now.workloads.find(name);
    if (!before.settled) continue;
    if (found == now.workloads.end()) {
      lost.push_back(name + " is gone");
    } else if (!found->second.settled) {
      lost.push_back(found->second.text);
    } else if (found->second.revision != before.revision ||
               found->second.replicas != before.replicas) {
      lost.push_back(fmt::format("{} is at revision {} with {} replicas, was at {} with {}", name,
                                 found->second.revision, found->second.replicas, before.revision,
                                 before.replicas));
    }
  }
  for (std::string& difference : inventory.DifferencesTo(now.inventory)) {
    lost.push_back(std::move(difference));
  }
  for (const auto& [address, power] : powers) {
    const auto found = now.powers.find(address);
    if (found == now.powers.end()) {
      lost.push_back(fmt::format("validator {} is no longer in the set", address));
    } else if (found->second != power) {
      lost.push_back(
          fmt::format("validator {} has power {}, had {}", address, found->second, power));
    }
  }
  if (advancing) {
    if (!now.advancing) lost.emplace_back("the chain makes no blocks");
    for (const auto& [pod, height] : heights) {
      const auto found = now.heights.find(pod);
      if (found == now.heights.end()) {
        lost.push_back(pod + " does not answer");
      } else if (now.catching_up.contains(pod) && !catching_up.contains(pod)) {
        // It learns of new blocks only every few seconds: near the others now, it may yet fall
        // back.
        lost.push_back(pod + " is catching up");
      } else if (const auto highest = std::ranges::max_element(
                     now.heights, {}, [](const auto& entry) { return entry.second; });
                 highest->second - found->second > kMaxHeightSpread) {
        lost.push_back(fmt::format("{} is at height {}, {} at {}", pod, found->second,
                                   highest->first, highest->second));
      }
    }
  }
  return lost;
}

}  // namespace pawk8s
