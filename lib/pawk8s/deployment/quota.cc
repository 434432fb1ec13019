#include "pawk8s/deployment/quota.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/own_pod.h"
#include "pawk8s/kube/error.h"
#include "pawk8s/kube/pod_spec.h"

namespace pawk8s {
namespace {

using kube::Json;
using kube::Quantity;

constexpr std::string_view kCpu = "cpu";
constexpr std::string_view kMemory = "memory";
// The least that the API takes where no limit range says more.
constexpr Quantity kLeastCpu{1};
constexpr Quantity kLeastMemory{1LL * 1024 * 1024 * 1000};

Amounts AmountsAt(const Json& json, kube::FieldPath path) {
  Amounts amounts;
  for (const auto& [key, text] : kube::FindMap(json, path)) {
    if (const auto amount = kube::ParseQuantity(text)) amounts[key] = *amount;
  }
  return amounts;
}

// "requests.cpu" and "cpu" mean the same.
const Quantity* FindAmount(const Amounts& amounts, std::string_view resource) {
  auto found = amounts.find(fmt::format("requests.{}", resource));
  if (found == amounts.end()) found = amounts.find(std::string(resource));
  return found == amounts.end() ? nullptr : &found->second;
}

Quantity Count(std::size_t objects) { return {static_cast<std::int64_t>(objects) * 1000}; }

// Under every name that a quota may have for it.
void AddRequests(const Amounts& requests, Amounts& to) {
  for (const auto& [resource, amount] : requests) {
    to["requests." + resource] += amount;
    if (resource == kCpu || resource == kMemory) to[resource] += amount;
  }
}

void AddObjects(const std::string& resource, std::size_t objects, Amounts& to) {
  to[resource] += Count(objects);
  to["count/" + resource] += Count(objects);
}

void AddClaim(const Json& claim, Amounts& to) {
  AddObjects("persistentvolumeclaims", 1, to);
  const auto storage = kube::ParseQuantity(
      kube::FindString(claim, {"spec", "resources", "requests", "storage"}).value_or(""));
  if (storage) to["requests.storage"] += *storage;
}

absl::StatusOr<std::vector<kube::Object>> LimitRanges(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(auto ranges, paw.kube().List({kube::kLimitRanges, paw.profile().ns}, deadline));
  return std::move(ranges.items);
}

std::string TextOf(std::string_view resource, Quantity amount) {
  return resource == kMemory ? std::to_string(amount.Whole()) : amount.ToString();
}

// Requests and, to satisfy every ratio, equal limits.
Json Resources(const Amounts& amounts) {
  Json resources;
  for (const auto& [resource, amount] : amounts) {
    resources["requests"][resource] = TextOf(resource, amount);
    resources["limits"][resource] = TextOf(resource, amount);
  }
  return resources;
}

Amounts LeastOf(const std::vector<kube::Object>& ranges) {
  Amounts least = LeastRequests(ranges);
  least[std::string(kCpu)] = std::max(least[std::string(kCpu)], kLeastCpu);
  least[std::string(kMemory)] = std::max(least[std::string(kMemory)], kLeastMemory);
  return least;
}

}  // namespace

std::optional<Quantity> Quota::Left(std::string_view resource) const {
  const Quantity* granted = FindAmount(hard, resource);
  const Quantity* taken = FindAmount(used, resource);
  if (granted == nullptr || taken == nullptr) return std::nullopt;
  return *granted - *taken;
}

Quota QuotaOf(const kube::Object& object) {
  Quota quota{.name = object.name(),
              .hard = AmountsAt(object.json(), {"spec", "hard"}),
              .used = AmountsAt(object.json(), {"status", "used"})};
  if (quota.hard != AmountsAt(object.json(), {"status", "hard"})) {
    quota.lags = "its status has other amounts than its spec";
  } else if (!std::ranges::all_of(
                 quota.hard, [&](const auto& entry) { return quota.used.contains(entry.first); })) {
    quota.lags = "not all of its keys are counted";
  }
  return quota;
}

absl::StatusOr<Quota> ReadQuota(Deployment& paw, const Deadline& deadline) {
  const Profile& profile = paw.profile();
  ASSIGN_OR_RETURN(
      const kube::Object quota,
      paw.kube().Get({kube::kResourceQuotas, profile.ns, profile.policies.quota}, deadline));
  return QuotaOf(quota);
}

absl::StatusOr<Admission> AskForPod(Deployment& paw, const std::string& what, const Json& manifest,
                                    const Deadline& deadline) {
  Admission admission{.pod = what};
  const absl::Status answer =
      paw.kube()
          .Create({kube::kPods, paw.profile().ns}, manifest, deadline, {.dry_run = true})
          .status();
  admission.admitted = answer.ok();
  if (answer.ok()) return admission;
  const auto why = kube::ApiErrorOf(answer);
  if (!why || (why->http_status != 403 && why->http_status != 422)) return answer;
  admission.refusal = fmt::format("{}: {}", why->http_status, why->message);
  admission.over_quota =
      why->http_status == 403 && why->message.find("exceeded quota") != std::string::npos;
  return admission;
}

absl::StatusOr<Admission> AskForLeastPod(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(OwnPod pod, OwnPod::Prepare(paw, "least", deadline));
  ASSIGN_OR_RETURN(const auto ranges, LimitRanges(paw, deadline));
  const Amounts least = LeastOf(ranges);
  pod.container()["resources"] = Resources(least);
  return AskForPod(
      paw, fmt::format("a pod that asks for {} CPU", least.at(std::string(kCpu)).ToString()),
      pod.manifest(), deadline);
}

absl::StatusOr<Admission> AskForExcessPod(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const Quota quota, ReadQuota(paw, deadline));
  const auto left = quota.Left(kCpu);
  if (!left) {
    return absl::FailedPreconditionError(
        fmt::format("ResourceQuota {} counts no CPU requests", quota.name));
  }
  ASSIGN_OR_RETURN(const auto ranges, LimitRanges(paw, deadline));
  Amounts amounts = LeastOf(ranges);
  ASSIGN_OR_RETURN(OwnPod pod, OwnPod::Prepare(paw, "excess", deadline));
  const Json container = pod.container();
  Json containers = Json::array();
  Quantity& cpu = amounts[std::string(kCpu)];
  const Quantity least = cpu;
  for (const Quantity share : SharesOf(*left + Quantity{1}, MostAllowed(ranges, kCpu))) {
    cpu = std::max(share, least);
    Json one = container;
    one["name"] = fmt::format("own-{}", containers.size());
    one["resources"] = Resources(amounts);
    containers.push_back(std::move(one));
  }
  pod.spec()["containers"] = std::move(containers);
  return AskForPod(paw,
                   fmt::format("a pod that asks for 1m CPU more than the {} that ResourceQuota {} "
                               "has left",
                               left->ToString(), quota.name),
                   pod.manifest(), deadline);
}

absl::StatusOr<Admission> AskForNextPod(Deployment& paw, const WorkloadRef& workload,
                                        const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::Object object, paw.kube().Get(RefOf(workload), deadline));
  const int index =
      static_cast<int>(kube::FindInt(object.json(), {"spec", "replicas"}).value_or(1));
  return AskForPod(paw, "the next pod of " + workload.ToString(), NextPodManifest(object, index),
                   deadline);
}

std::vector<Quantity> SharesOf(Quantity total, std::optional<Quantity> most) {
  std::vector<Quantity> shares;
  const bool bounded = most && most->milli > 0;
  while (bounded && total > *most) {
    shares.push_back(*most);
    total = total - *most;
  }
  shares.push_back(total);
  return shares;
}

std::optional<Quantity> MostAllowed(const std::vector<kube::Object>& limit_ranges,
                                    std::string_view resource) {
  std::optional<Quantity> most;
  for (const kube::Object& range : limit_ranges) {
    for (const Json& limit : kube::FindList(range.json(), {"spec", "limits"})) {
      if (kube::FindString(limit, {"type"}) != "Container") continue;
      const Amounts max = AmountsAt(limit, {"max"});
      const auto found = max.find(std::string(resource));
      if (found != max.end()) most = std::min(most.value_or(found->second), found->second);
    }
  }
  return most;
}

Json NextPodManifest(const kube::Object& object, int index) {
  const Json* pod_template = kube::FindField(object.json(), {"spec", "template"});
  Json pod = pod_template == nullptr ? Json::object() : *pod_template;
  const bool is_set = kube::FindField(object.json(), {"spec", "serviceName"}) != nullptr;
  const std::string name =
      is_set ? fmt::format("{}-{}", object.name(), index) : object.name() + "-pawk8s-next";
  pod["apiVersion"] = "v1";
  pod["kind"] = "Pod";
  pod["metadata"]["name"] = name;
  pod["metadata"].erase("creationTimestamp");
  // What the controller adds: each claim template becomes a volume of its name.
  for (const Json& claim : kube::FindList(object.json(), {"spec", "volumeClaimTemplates"})) {
    const std::string volume = kube::FindString(claim, {"metadata", "name"}).value_or("");
    pod["spec"]["volumes"].push_back(
        {{"name", volume},
         {"persistentVolumeClaim", {{"claimName", fmt::format("{}-{}", volume, name)}}}});
  }
  return pod;
}

Amounts CountedUse(const std::vector<kube::Object>& pods, const std::vector<kube::Object>& claims,
                   std::size_t services, std::size_t config_maps) {
  Amounts counted;
  AddObjects("pods", 0, counted);
  AddObjects("persistentvolumeclaims", 0, counted);
  AddObjects("services", services, counted);
  AddObjects("configmaps", config_maps, counted);
  for (const kube::Pod& pod : kube::As<kube::Pod>(pods)) {
    const std::string phase = pod.phase().value_or("");
    if (phase == "Failed" || phase == "Succeeded") continue;
    AddObjects("pods", 1, counted);
    if (const Json* spec = kube::FindField(pod.json(), {"spec"})) {
      AddRequests(kube::RequestsOf(*spec), counted);
    }
  }
  for (const kube::Object& claim : claims) AddClaim(claim.json(), counted);
  return counted;
}

Amounts UseOfNextPod(const kube::Object& workload) {
  Amounts use;
  AddObjects("pods", 1, use);
  if (const Json* spec = kube::FindField(workload.json(), {"spec", "template", "spec"})) {
    AddRequests(kube::RequestsOf(*spec), use);
  }
  for (const Json& claim : kube::FindList(workload.json(), {"spec", "volumeClaimTemplates"})) {
    AddClaim(claim, use);
  }
  return use;
}

absl::StatusOr<QuotaUse> ReadQuotaUse(Deployment& paw, const Deadline& deadline) {
  const Profile& profile = paw.profile();
  kube::Client& client = paw.kube();
  QuotaUse use;
  ASSIGN_OR_RETURN(use.quota, ReadQuota(paw, deadline));
  ASSIGN_OR_RETURN(const auto pods, client.List({kube::kPods, profile.ns}, deadline));
  ASSIGN_OR_RETURN(const auto claims,
                   client.List({kube::kPersistentVolumeClaims, profile.ns}, deadline));
  ASSIGN_OR_RETURN(const auto services, client.List({kube::kServices, profile.ns}, deadline));
  ASSIGN_OR_RETURN(const auto maps, client.List({kube::kConfigMaps, profile.ns}, deadline));
  use.counted = CountedUse(pods.items, claims.items, services.items.size(), maps.items.size());
  for (const WorkloadRef& workload : {profile.validators, profile.nodes, profile.api}) {
    ASSIGN_OR_RETURN(const kube::Object object, client.Get(RefOf(workload), deadline));
    for (const auto& [key, amount] : UseOfNextPod(object)) use.next[key] += amount;
  }
  return use;
}

std::string WhyNotCounted(const QuotaUse& use) {
  if (!use.quota.lags.empty()) return use.quota.lags;
  for (const std::string_view resource : {kCpu, kMemory}) {
    if (FindAmount(use.quota.hard, resource) == nullptr) {
      return fmt::format("it has no key requests.{}", resource);
    }
  }
  for (const auto& [key, hard] : use.quota.hard) {
    const Quantity used = use.quota.used.at(key);
    const auto counted = use.counted.find(key);
    if (counted != use.counted.end() && counted->second != used) {
      return fmt::format("{} used is {}, and {} is there", key, used.ToString(),
                         counted->second.ToString());
    }
    if (used.milli <= 0) return fmt::format("nothing of {} is used", key);
  }
  return "";
}

std::string WhyNoRoom(const QuotaUse& use) {
  for (const auto& [key, hard] : use.quota.hard) {
    const auto used = use.quota.used.find(key);
    const auto next = use.next.find(key);
    if (used == use.quota.used.end()) return key + " is not counted";
    const Quantity more = next == use.next.end() ? Quantity{} : next->second;
    if (used->second + more <= hard) continue;
    return fmt::format("of {} {} is used, {} more is needed, and {} is all", key,
                       used->second.ToString(), more.ToString(), hard.ToString());
  }
  return use.quota.hard.empty() ? "it grants nothing" : "";
}

}  // namespace pawk8s
