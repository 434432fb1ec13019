#include "pawk8s/deployment/steady_state.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

using nlohmann::json;

std::vector<std::string> ProbedContainers(const kube::Pod& pod) {
  std::vector<std::string> names;
  const kube::Json* spec = kube::FindField(pod.json(), {"spec"});
  if (spec == nullptr) return names;
  for (const kube::ContainerSpec& container : kube::ContainersOf(*spec)) {
    if (container.readiness || container.liveness) names.push_back(container.name);
  }
  return names;
}

std::string ReadySince(const kube::Pod& pod) {
  const auto ready = pod.condition("Ready");
  if (!ready) return "absent";
  return fmt::format("{} since {}", ready->status,
                     ready->last_transition ? FormatUtc(*ready->last_transition) : "unknown");
}

// The cgroup of the program of each of `pods` that is a validator, by the pod's name.
absl::StatusOr<std::map<std::string, agent::CgroupFacts>> ReadValidators(
    Deployment& paw, agent::Agent* agents, const std::vector<kube::Pod>& pods,
    const std::set<std::string>& validators, const Deadline& deadline) {
  std::map<std::string, agent::CgroupFacts> facts;
  if (agents == nullptr) return facts;
  for (const kube::Pod& pod : pods) {
    if (!validators.contains(pod.name())) continue;
    ASSIGN_OR_RETURN(facts[pod.name()],
                     ReadCgroup(*agents, pod, paw.profile().validators.container, deadline));
  }
  return facts;
}

SignedBlocks Counted(const SigningHistory& history) {
  return {.told_by = history.told_by,
          .blocks = std::ssize(history.commits),
          .by_pod = history.SignedByPod()};
}

json PodToJson(const SteadyPod& pod) {
  json probed = json::array();
  for (const SteadyPod::Probed& one : pod.probed) {
    probed.push_back({{"container", one.container},
                      {"succeeded", one.grown.succeeded},
                      {"failed", one.grown.failed}});
  }
  return {{"pod", pod.pod}, {"change", pod.change}, {"probed", probed}};
}

SteadyPod PodFromJson(const json& from) {
  SteadyPod pod{.pod = from.at("pod"), .change = from.at("change")};
  for (const json& one : from.at("probed")) {
    pod.probed.push_back({.container = one.at("container"),
                          .grown = {.succeeded = one.at("succeeded"), .failed = one.at("failed")}});
  }
  return pod;
}

json UseToJson(const CpuUse& use) {
  json to = {{"pod", use.pod},           {"container", use.container},
             {"over", use.over.count()}, {"used", use.used.count()},
             {"periods", use.periods},   {"throttled", use.throttled}};
  if (use.limit) to["limit"] = use.limit->milli;
  return to;
}

CpuUse UseFromJson(const json& from) {
  return {.pod = from.at("pod"),
          .container = from.at("container"),
          .limit = from.contains("limit")
                       ? std::optional(kube::Quantity{from.at("limit").get<std::int64_t>()})
                       : std::nullopt,
          .over = Millis{from.at("over").get<std::int64_t>()},
          .used = Millis{from.at("used").get<std::int64_t>()},
          .periods = from.at("periods"),
          .throttled = from.at("throttled")};
}

}  // namespace

absl::StatusOr<SteadyState> WatchSteadyState(Deployment& paw, agent::Agent* agents,
                                             const std::vector<kube::Pod>& pods, Millis over,
                                             const Deadline& deadline) {
  std::set<std::string> nodes;
  for (const kube::Pod& pod : pods) nodes.insert(pod.node().value_or(""));
  ASSIGN_OR_RETURN(const WorkloadState state, paw.Read(paw.profile().validators, deadline));
  std::set<std::string> validators;
  for (const kube::Pod& pod : state.pods) validators.insert(pod.name());
  ASSIGN_OR_RETURN(const kube::Pod teller, paw.OtherValidator(std::vector<kube::Pod>{}, deadline));
  ASSIGN_OR_RETURN(const PodNode first, paw.NodeOf(teller, deadline));
  ASSIGN_OR_RETURN(ProbeCounts probes_before, ReadProbeCounts(paw, nodes, deadline));
  ASSIGN_OR_RETURN(const auto use_before, ReadValidators(paw, agents, pods, validators, deadline));
  Clock::Real().Sleep(over, deadline);
  ASSIGN_OR_RETURN(const auto use_after, ReadValidators(paw, agents, pods, validators, deadline));
  ASSIGN_OR_RETURN(ProbeCounts probes_after, ReadProbeCounts(paw, nodes, deadline));
  ASSIGN_OR_RETURN(const auto listed, paw.kube().List({kube::kPods, paw.profile().ns}, deadline));

  SteadyState steady;
  ASSIGN_OR_RETURN(steady.progress, ReadProgress(paw, teller, first.status.latest, deadline));
  ASSIGN_OR_RETURN(const SigningHistory history, ReadSigning(paw, first.status.latest, deadline));
  steady.signing = Counted(history);
  for (const kube::Pod& pod : pods) {
    const auto now = std::ranges::find(listed.items, pod.name(), &kube::Object::name);
    SteadyPod one{
        .pod = pod.name(),
        .change = now == listed.items.end() ? "it was deleted" : WhatChanged(pod, kube::Pod(*now))};
    for (const std::string& container : ProbedContainers(pod)) {
      const ProbeCount& before = probes_before[{pod.uid(), container}];
      const ProbeCount& after = probes_after[{pod.uid(), container}];
      one.probed.push_back({.container = container,
                            .grown = {.succeeded = after.succeeded - before.succeeded,
                                      .failed = after.failed - before.failed}});
    }
    steady.pods.push_back(std::move(one));
    if (const auto use = use_before.find(pod.name()); use != use_before.end()) {
      steady.validators.push_back(UseBetween(pod, paw.profile().validators.container, use->second,
                                             use_after.at(pod.name())));
    }
  }
  return steady;
}

std::string WhatChanged(const kube::Pod& before, const kube::Pod& now) {
  if (now.uid() != before.uid()) return "it was replaced";
  if (ReadySince(now) != ReadySince(before)) {
    return fmt::format("its Ready condition went from {} to {}", ReadySince(before),
                       ReadySince(now));
  }
  for (const kube::ContainerStatus& then : before.container_statuses()) {
    const auto status = now.container_status(then.name);
    if (!status || status->restart_count != then.restart_count) {
      return fmt::format("{} was restarted", then.name);
    }
  }
  return "";
}

std::string WhyNotSteady(const SteadyPod& pod) {
  if (!pod.change.empty()) return pod.change;
  if (pod.probed.empty()) return "no container of it is probed";
  for (const SteadyPod::Probed& probed : pod.probed) {
    if (probed.grown.failed != 0) {
      return fmt::format("{} of the probes of {} failed, {} succeeded", probed.grown.failed,
                         probed.container, probed.grown.succeeded);
    }
    if (probed.grown.succeeded <= 0) return "no probe of " + probed.container + " succeeded";
  }
  return "";
}

json SteadyState::ToJson() const {
  json to = {
      {"pods", json::array()},
      {"validators", json::array()},
      {"told_by", progress.told_by},
      {"blocks", progress.blocks},
      {"signing",
       {{"told_by", signing.told_by}, {"blocks", signing.blocks}, {"by_pod", signing.by_pod}}}};
  for (const SteadyPod& pod : pods) to["pods"].push_back(PodToJson(pod));
  for (const CpuUse& use : validators) to["validators"].push_back(UseToJson(use));
  return to;
}

SteadyState SteadyState::FromJson(const json& from) {
  const json& signing = from.at("signing");
  SteadyState steady{.progress = {.told_by = from.at("told_by"), .blocks = from.at("blocks")},
                     .signing = {.told_by = signing.at("told_by"),
                                 .blocks = signing.at("blocks"),
                                 .by_pod = signing.at("by_pod")}};
  for (const json& pod : from.at("pods")) steady.pods.push_back(PodFromJson(pod));
  for (const json& use : from.at("validators")) steady.validators.push_back(UseFromJson(use));
  return steady;
}

}  // namespace pawk8s
