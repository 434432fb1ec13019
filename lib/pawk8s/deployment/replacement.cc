#include "pawk8s/deployment/replacement.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

using kube::Json;

constexpr std::int64_t kEveryMs = 100;
constexpr std::int64_t kPiece = 10;  // requests

std::int64_t MillisOf(kube::SystemTime when) {
  return std::chrono::duration_cast<Millis>(when.time_since_epoch()).count();
}
kube::SystemTime TimeOf(std::int64_t millis) { return kube::SystemTime(Millis{millis}); }

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

// That there is no event of a failed hook says something only where the kubelet's events of the
// same end are to be seen.
absl::StatusOr<std::vector<std::string>> ReadFailedHooks(Deployment& paw, const kube::Pod& pod,
                                                         const Deadline& deadline) {
  ASSIGN_OR_RETURN(
      const auto events,
      paw.kube().List({kube::kEvents, pod.ns(), "", "involvedObject.uid=" + pod.uid()}, deadline));
  bool sees_the_end = false;
  std::vector<std::string> messages;
  for (const kube::Object& event : events.items) {
    const std::string reason = kube::FindString(event.json(), {"reason"}).value_or("");
    sees_the_end |= reason == "Killing";
    if (reason != "FailedPreStopHook") continue;
    messages.push_back(kube::FindString(event.json(), {"message"}).value_or("(no message)"));
  }
  if (!sees_the_end && messages.empty()) {
    return absl::FailedPreconditionError("no event tells of the end of pod " + pod.name());
  }
  return messages;
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
  ASSIGN_OR_RETURN(MountedClaim claim, ReadMountedClaim(paw, victim, deadline));
  std::optional<VolumeMark> mark;
  std::unique_ptr<HealthSeries> health;
  if (agents != nullptr) {
    ASSIGN_OR_RETURN(VolumeMark written, WriteMark(paw, faults, victim, deadline));
    mark.emplace(std::move(written));
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

  ObservedReplacement seen{.pod = std::move(replaced), .claim_before = claim};
  if (mark) seen.mark = mark->content;
  seen.left_endpoints = WhenNotReady(listed.objects, slices->Changes().changes, victim.uid());
  if (health != nullptr) seen.health = health->Stop();
  ASSIGN_OR_RETURN(seen.blocks,
                   paw.Blocks(witness, before.status.latest + 1, after.status.latest, deadline));
  ASSIGN_OR_RETURN(seen.failed_hooks, ReadFailedHooks(paw, victim, deadline));
  if (!seen.pod.HasSuccessor()) return seen;
  ASSIGN_OR_RETURN(seen.claim_after, ReadMountedClaim(paw, seen.pod.new_pod, deadline));
  if (mark && seen.pod.running_at) {
    ASSIGN_OR_RETURN(seen.mark_in_next, TakeMark(paw, *agents, seen.pod.new_pod, deadline));
    RETURN_IF_ERROR(mark->written.Revert());
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
