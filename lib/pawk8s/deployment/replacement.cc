#include "pawk8s/deployment/replacement.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

using kube::Json;

// Named so that the agent removes it, and always the same, so that a run that died leaves one at
// most.
constexpr const char* kMarkFile = "pawk8s-mark";
constexpr std::int64_t kEveryMs = 100;
constexpr std::int64_t kPiece = 10;  // requests

std::int64_t MillisOf(kube::SystemTime when) {
  return std::chrono::duration_cast<Millis>(when.time_since_epoch()).count();
}
kube::SystemTime TimeOf(std::int64_t millis) { return kube::SystemTime(Millis{millis}); }

std::string RandomMark() {
  std::random_device random;
  std::string mark;
  for (int i = 0; i < 8; ++i) mark += fmt::format("{:08x}", random());
  return mark;
}

// Asks a pod's RPC from its node, a second's worth of requests at a time, until it is destroyed.
class HealthSeries {
 public:
  HealthSeries(agent::NodeAgent node, const kube::Pod& pod, std::uint16_t port,
               const Deadline& deadline)
      : node_(std::move(node)),
        request_{.place = {},
                 .address = pod.ip().value_or(""),
                 .port = port,
                 .path = "/health",
                 .timeout_ms = 1000,
                 .max_body = 0,
                 .count = kPiece,
                 .interval_ms = kEveryMs},
        deadline_(deadline),
        thread_([this](const std::stop_token& stop) { Run(stop); }) {}

  // Once it has begun: replies, or why there are none.
  absl::Status AwaitFirst() {
    std::unique_lock lock(mutex_);
    const bool came = changed_.wait_until(lock, deadline_.when(),
                                          [&] { return !replies_.empty() || !status_.ok(); });
    if (!status_.ok()) return Annotate(status_, "asking for /health");
    return came ? absl::OkStatus() : absl::DeadlineExceededError("/health was never asked");
  }

  std::vector<ObservedReplacement::Reply> Stop() {
    thread_.request_stop();
    thread_.join();
    return std::move(replies_);
  }

 private:
  void Run(const std::stop_token& stop) {
    while (!stop.stop_requested() && !deadline_.Over()) {
      const auto series = node_.Call(request_, deadline_);
      const std::lock_guard lock(mutex_);
      status_ = series.status();
      changed_.notify_all();
      if (!series.ok()) return;
      for (const agent::HttpReply& reply : series->replies) {
        replies_.push_back({.at = node_.ToLocal(reply.at_ms), .ok = reply.status == 200});
      }
    }
  }

  const agent::NodeAgent node_;
  const agent::HttpRequest request_;
  const Deadline deadline_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<ObservedReplacement::Reply> replies_;  // with mutex_ held
  absl::Status status_;                              // likewise
  std::jthread thread_;                              // last: it uses the others
};

absl::StatusOr<MountedClaim> ReadClaim(Deployment& paw, const kube::Pod& pod,
                                       const Deadline& deadline) {
  const Profile& profile = paw.profile();
  MountedClaim mounted{.claim = ClaimAt(pod, profile.validators.container, profile.storage.path)};
  if (mounted.claim.empty()) return mounted;
  ASSIGN_OR_RETURN(
      const kube::Object claim,
      paw.kube().Get({kube::kPersistentVolumeClaims, pod.ns(), mounted.claim}, deadline));
  mounted.uid = claim.uid();
  mounted.volume = kube::FindString(claim.json(), {"spec", "volumeName"}).value_or("");
  return mounted;
}

absl::StatusOr<std::vector<std::string>> ReadFailedHooks(Deployment& paw, const kube::Pod& pod,
                                                         const Deadline& deadline) {
  ASSIGN_OR_RETURN(
      const auto events,
      paw.kube().List({kube::kEvents, pod.ns(), "",
                       fmt::format("involvedObject.uid={},reason=FailedPreStopHook", pod.uid())},
                      deadline));
  std::vector<std::string> messages;
  for (const kube::Object& event : events.items) {
    messages.push_back(kube::FindString(event.json(), {"message"}).value_or("(no message)"));
  }
  return messages;
}

// What the successor has where the mark was written; the file is removed.
absl::StatusOr<std::optional<std::string>> TakeMark(Deployment& paw, agent::Agent& agents,
                                                    const kube::Pod& pod, const std::string& path,
                                                    const Deadline& deadline) {
  ASSIGN_OR_RETURN(const agent::NodeAgent node, agents.For(pod, deadline));
  ASSIGN_OR_RETURN(const agent::Target target,
                   agent::TargetOf(pod, paw.profile().validators.container));
  const auto read = node.Call(agent::FileReadRequest{.target = target, .path = path}, deadline);
  if (absl::IsNotFound(read.status()) && !agent::IsTargetGone(read.status())) return std::nullopt;
  RETURN_IF_ERROR(read.status());
  RETURN_IF_ERROR(
      node.Call(agent::FileRemoveRequest{.target = target, .path = path}, deadline).status());
  return read->content.data;
}

Json ToJson(const MountedClaim& claim) {
  return {{"claim", claim.claim}, {"uid", claim.uid}, {"volume", claim.volume}};
}
MountedClaim ClaimFromJson(const Json& json) {
  return {.claim = json.at("claim"), .uid = json.at("uid"), .volume = json.at("volume")};
}

bool ListsReady(const kube::EndpointSlice& slice, const std::string& pod_uid) {
  return std::ranges::any_of(slice.endpoints(), [&](const kube::EndpointSlice::Endpoint& e) {
    return e.pod_uid == pod_uid && e.ready;
  });
}

}  // namespace

absl::StatusOr<ObservedReplacement> ObserveReplacement(Deployment& paw, fault::Faults& faults,
                                                       agent::Agent* agents,
                                                       const kube::Pod& victim,
                                                       const kube::Pod& witness,
                                                       const Deadline& deadline) {
  const Profile& profile = paw.profile();
  const std::string path = profile.storage.path + "/" + kMarkFile;
  ASSIGN_OR_RETURN(MountedClaim claim, ReadClaim(paw, victim, deadline));
  std::string mark;
  std::optional<fault::Fault> marked;
  std::unique_ptr<HealthSeries> health;
  if (agents != nullptr) {
    mark = RandomMark();
    ASSIGN_OR_RETURN(fault::Fault written,
                     faults.WriteFile(victim, profile.validators.container, path, mark, deadline,
                                      {.hold = profile.budgets.per_case}));
    marked.emplace(std::move(written));
    ASSIGN_OR_RETURN(const agent::NodeAgent node, agents->For(victim, deadline));
    health = std::make_unique<HealthSeries>(node, victim, profile.ports.rpc, deadline);
    RETURN_IF_ERROR(health->AwaitFirst());
  }
  ASSIGN_OR_RETURN(const auto slices,
                   kube::Informer::Start(paw.kube(),
                                         {kube::kEndpointSlices, profile.ns,
                                          "kubernetes.io/service-name=" + profile.services.rpc},
                                         deadline));
  const auto listed = slices->Get();
  ASSIGN_OR_RETURN(const PodNode before, paw.NodeOf(witness, deadline));
  ASSIGN_OR_RETURN(fault::PodReplacement replaced,
                   faults.Replace(victim, profile.thresholds.pod_ready, deadline));
  ASSIGN_OR_RETURN(const PodNode after, paw.NodeOf(witness, deadline));

  ObservedReplacement seen{.pod = std::move(replaced), .claim_before = claim, .mark = mark};
  seen.left_endpoints = WhenNotReady(listed.objects, slices->Changes().changes, victim.uid());
  if (health != nullptr) seen.health = health->Stop();
  ASSIGN_OR_RETURN(seen.blocks,
                   paw.Blocks(witness, before.status.latest + 1, after.status.latest, deadline));
  ASSIGN_OR_RETURN(seen.failed_hooks, ReadFailedHooks(paw, victim, deadline));
  if (!seen.pod.HasSuccessor()) return seen;
  ASSIGN_OR_RETURN(seen.claim_after, ReadClaim(paw, seen.pod.new_pod, deadline));
  if (agents != nullptr && seen.pod.running_at) {
    ASSIGN_OR_RETURN(seen.mark_in_next, TakeMark(paw, *agents, seen.pod.new_pod, path, deadline));
    RETURN_IF_ERROR(marked->Revert());
  }
  return seen;
}

std::optional<kube::SystemTime> WhenNotReady(const std::vector<kube::Object>& listed,
                                             const std::vector<kube::Change>& changes,
                                             const std::string& pod_uid) {
  std::map<std::string, bool> ready;  // by slice
  const auto is_ready = [&] {
    return std::ranges::any_of(ready, [](const auto& entry) { return entry.second; });
  };
  for (const kube::Object& slice : listed) {
    ready[slice.name()] = ListsReady(kube::EndpointSlice(slice), pod_uid);
  }
  if (!is_ready()) return std::nullopt;
  std::optional<kube::SystemTime> since;
  for (const kube::Change& change : changes) {
    ready[change.object.name()] = change.type != kube::Change::Type::kDeleted &&
                                  ListsReady(kube::EndpointSlice(change.object), pod_uid);
    if (is_ready()) {
      since.reset();
    } else if (!since) {
      since = change.wall;
    }
  }
  return since;
}

std::string ClaimAt(const kube::Pod& pod, const std::string& container, const std::string& path) {
  std::string volume;
  for (const Json& c : kube::FindList(pod.json(), {"spec", "containers"})) {
    if (kube::FindString(c, {"name"}) != container) continue;
    for (const Json& mount : kube::FindList(c, {"volumeMounts"})) {
      if (kube::FindString(mount, {"mountPath"}) != path) continue;
      volume = kube::FindString(mount, {"name"}).value_or("");
    }
  }
  for (const Json& v : kube::FindList(pod.json(), {"spec", "volumes"})) {
    if (kube::FindString(v, {"name"}) == volume) {
      return kube::FindString(v, {"persistentVolumeClaim", "claimName"}).value_or("");
    }
  }
  return "";
}

bool HasPreStop(const kube::Pod& pod, const std::string& container) {
  return std::ranges::any_of(kube::FindList(pod.json(), {"spec", "containers"}),
                             [&](const Json& c) {
                               return kube::FindString(c, {"name"}) == container &&
                                      kube::FindField(c, {"lifecycle", "preStop"}) != nullptr;
                             });
}

std::optional<kube::ContainerStatus> ObservedReplacement::Ending(
    const std::string& container) const {
  const auto status = pod.last_of_old.container_status(container);
  return status && status->state == "terminated" ? status : std::nullopt;
}

std::optional<Millis> ObservedReplacement::StopMargin(const std::string& container) const {
  const auto ended = Ending(container);
  if (!ended || !ended->finished_at || !pod.grace_ends) return std::nullopt;
  return std::chrono::duration_cast<Millis>(*pod.grace_ends - *ended->finished_at);
}

std::optional<Millis> ObservedReplacement::ServedAfterRemoval() const {
  if (!left_endpoints) return std::nullopt;
  std::optional<kube::SystemTime> last;
  for (const Reply& reply : health) {
    if (reply.ok) last = std::max(last.value_or(reply.at), reply.at);
  }
  if (!last) return std::nullopt;
  return std::chrono::duration_cast<Millis>(*last - *left_endpoints);
}

int ObservedReplacement::AnsweredBefore() const {
  if (!left_endpoints) return 0;
  return static_cast<int>(std::ranges::count_if(
      health, [&](const Reply& reply) { return reply.ok && reply.at < *left_endpoints; }));
}

Json ObservedReplacement::ToJson() const {
  Json json = {{"pod", pod.ToJson()},
               {"told_by", blocks.told_by},
               {"blocks", Json::array()},
               {"failed_hooks", failed_hooks},
               {"claim_before", pawk8s::ToJson(claim_before)},
               {"claim_after", pawk8s::ToJson(claim_after)},
               {"health", Json::array()},
               {"mark", mark}};
  for (const chain::Block& block : blocks.blocks) {
    json["blocks"].push_back({block.height.value, MillisOf(block.time)});
  }
  for (const Reply& reply : health) json["health"].push_back({MillisOf(reply.at), reply.ok});
  if (left_endpoints) json["left_endpoints"] = MillisOf(*left_endpoints);
  if (mark_in_next) json["mark_in_next"] = *mark_in_next;
  return json;
}

ObservedReplacement ObservedReplacement::FromJson(const Json& json) {
  ObservedReplacement seen{.pod = fault::PodReplacement::FromJson(json.at("pod")),
                           .blocks = {.told_by = json.at("told_by")},
                           .failed_hooks = json.at("failed_hooks"),
                           .claim_before = ClaimFromJson(json.at("claim_before")),
                           .claim_after = ClaimFromJson(json.at("claim_after")),
                           .mark = json.at("mark")};
  for (const Json& block : json.at("blocks")) {
    seen.blocks.blocks.push_back(
        {.height = {block.at(0).get<std::int64_t>()}, .time = TimeOf(block.at(1))});
  }
  for (const Json& reply : json.at("health")) {
    seen.health.push_back({.at = TimeOf(reply.at(0)), .ok = reply.at(1)});
  }
  if (json.contains("left_endpoints")) seen.left_endpoints = TimeOf(json.at("left_endpoints"));
  if (json.contains("mark_in_next")) seen.mark_in_next = json.at("mark_in_next").get<std::string>();
  return seen;
}

}  // namespace pawk8s
