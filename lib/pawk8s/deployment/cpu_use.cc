#include "pawk8s/deployment/cpu_use.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

constexpr Millis kMargin{60'000};
constexpr std::int64_t kLargestPage = 65536;  // of arm64 and ppc64
constexpr std::int64_t kLeastQuotaUs = 1000;

std::vector<kube::ContainerSpec> ContainersOf(const kube::Pod& pod) {
  const kube::Json* spec = kube::FindField(pod.json(), {"spec"});
  return spec == nullptr ? std::vector<kube::ContainerSpec>() : kube::ContainersOf(*spec);
}

std::optional<kube::Quantity> AmountOf(const std::map<std::string, kube::Quantity>& amounts,
                                       const std::string& resource) {
  const auto found = amounts.find(resource);
  return found == amounts.end() ? std::nullopt : std::optional(found->second);
}

std::string WhyCpuIsNotEnforced(const ContainerLimits& limits) {
  const kube::Quantity declared = limits.declared.limits.at("cpu");
  const auto& [quota, period] =
      std::pair(limits.enforced.cpu_quota_us, limits.enforced.cpu_period_us.value_or(0));
  if (!quota || period <= 0) return "its cgroup has no CPU limit";
  const std::int64_t exact = std::max(declared.milli * period / 1000, kLeastQuotaUs);
  if (*quota >= exact - 1 && *quota <= exact + period / 100) return "";
  return fmt::format("its cgroup has {} of {} us for a CPU limit of {}", *quota, period,
                     declared.ToString());
}

}  // namespace

absl::StatusOr<agent::CgroupFacts> ReadCgroup(agent::Agent& agents, const kube::Pod& pod,
                                              const std::string& container,
                                              const Deadline& deadline) {
  ASSIGN_OR_RETURN(const agent::NodeAgent node, agents.For(pod, deadline));
  ASSIGN_OR_RETURN(const agent::Target target, agent::TargetOf(pod, container));
  auto facts = node.Call(agent::CgroupFactsRequest{.target = target}, deadline);
  if (!facts.ok()) {
    return Annotate(facts.status(), fmt::format("cgroup of {} in {}", container, pod.name()));
  }
  return facts;
}

absl::StatusOr<ContainerLimits> ReadLimitsOf(agent::Agent& agents, const kube::Pod& pod,
                                             const std::string& container,
                                             const Deadline& deadline) {
  const auto containers = ContainersOf(pod);
  const kube::ContainerSpec* spec = kube::FindContainer(containers, container);
  if (spec == nullptr) {
    return absl::NotFoundError(fmt::format("pod {} has no container {}", pod.name(), container));
  }
  ASSIGN_OR_RETURN(const agent::CgroupFacts facts, ReadCgroup(agents, pod, container, deadline));
  return ContainerLimits{.pod = pod.name(), .declared = *spec, .enforced = facts};
}

absl::StatusOr<std::vector<ContainerLimits>> ReadLimits(agent::Agent& agents, const kube::Pod& pod,
                                                        const Deadline& deadline) {
  std::vector<ContainerLimits> all;
  for (const kube::ContainerSpec& spec : ContainersOf(pod)) {
    ASSIGN_OR_RETURN(all.emplace_back(), ReadLimitsOf(agents, pod, spec.name, deadline));
  }
  if (all.empty()) return absl::DataLossError("pod " + pod.name() + " has no containers");
  return all;
}

std::string WhyMemoryIsNotEnforced(const ContainerLimits& limits) {
  const auto declared = AmountOf(limits.declared.limits, "memory");
  if (!declared) return "it declares no limit of memory";
  const auto enforced = limits.enforced.memory_limit;
  if (!enforced) return "its cgroup has no memory limit";
  const std::int64_t rounded_off = declared->Whole() - *enforced;
  if (rounded_off >= 0 && rounded_off < kLargestPage) return "";
  return fmt::format("its cgroup has {} bytes for a memory limit of {}", *enforced,
                     declared->Whole());
}

std::string WhyNotEnforced(const ContainerLimits& limits) {
  for (const std::string resource : {"cpu", "memory"}) {
    if (!AmountOf(limits.declared.requests, resource))
      return "it declares no request of " + resource;
    if (!AmountOf(limits.declared.limits, resource)) return "it declares no limit of " + resource;
  }
  if (std::string why = WhyCpuIsNotEnforced(limits); !why.empty()) return why;
  return WhyMemoryIsNotEnforced(limits);
}

double CpuUse::Processors() const {
  return over.count() <= 0 ? 0
                           : static_cast<double>(used.count()) / static_cast<double>(over.count());
}

double CpuUse::ThrottledPercent() const {
  return periods <= 0 ? 0 : 100 * static_cast<double>(throttled) / static_cast<double>(periods);
}

bool WasAskedForAll(const CpuUse& use) {
  const double taken = use.Processors();
  if (!use.limit) return taken >= 0.5;
  const double limit = static_cast<double>(use.limit->milli) / 1000;
  return taken >= 0.9 * limit || (use.throttled > 0 && taken >= 0.5 * std::min(limit, 1.0));
}

CpuUse UseBetween(const kube::Pod& pod, const std::string& container,
                  const agent::CgroupFacts& before, const agent::CgroupFacts& after) {
  const auto containers = ContainersOf(pod);
  const kube::ContainerSpec* spec = kube::FindContainer(containers, container);
  return {.pod = pod.name(),
          .container = container,
          .limit = spec == nullptr ? std::nullopt : AmountOf(spec->limits, "cpu"),
          .over = Millis{after.taken_ms - before.taken_ms},
          .used = Millis{(after.cpu_usage_us - before.cpu_usage_us) / 1000},
          .periods = after.periods - before.periods,
          .throttled = after.throttled_periods - before.throttled_periods};
}

absl::StatusOr<HoggedCpu> HogCpu(Deployment& paw, fault::Faults& faults, agent::Agent& agents,
                                 const kube::Pod& victim, const kube::Pod& witness, Millis hold,
                                 const Deadline& deadline) {
  const std::string& container = paw.profile().validators.container;
  const auto containers = ContainersOf(victim);
  const kube::ContainerSpec* spec = kube::FindContainer(containers, container);
  const auto limit = spec == nullptr ? std::nullopt : AmountOf(spec->limits, "cpu");
  HoggedCpu hogged{.threads = limit ? static_cast<int>(limit->Whole()) + 1 : 2};

  ASSIGN_OR_RETURN(const PodNode first, paw.NodeOf(witness, deadline));
  ASSIGN_OR_RETURN(fault::Fault load, faults.LoadCpu(victim, container, hogged.threads, deadline,
                                                     {.hold = hold + kMargin}));
  ASSIGN_OR_RETURN(const auto before, ReadCgroup(agents, victim, container, deadline));
  Clock::Real().Sleep(hold, deadline);
  const auto after = ReadCgroup(agents, victim, container, deadline);
  // A restart takes the cgroup away, and is one of the things to be told.
  if (!agent::IsTargetGone(after.status())) RETURN_IF_ERROR(after.status());
  RETURN_IF_ERROR(load.Revert());
  ASSIGN_OR_RETURN(const PodNode last, paw.NodeOf(witness, deadline));
  hogged.use = UseBetween(victim, container, before, after.ok() ? *after : before);
  if (after.ok() && !WasAskedForAll(hogged.use)) {
    return absl::FailedPreconditionError(fmt::format(
        "{} busy threads in {} took {:.2f} processors: nothing holds them back, and they "
        "did not take what they may",
        hogged.threads, victim.name(), hogged.use.Processors()));
  }
  ASSIGN_OR_RETURN(hogged.blocks,
                   paw.Blocks(witness, first.status.latest + 1, last.status.latest, deadline));
  ASSIGN_OR_RETURN(const kube::Object now,
                   paw.kube().Get({kube::kPods, victim.ns(), victim.name()}, deadline));
  hogged.restarts = kube::Pod(now).restart_count().value_or(0) - victim.restart_count().value_or(0);
  return hogged;
}

}  // namespace pawk8s
