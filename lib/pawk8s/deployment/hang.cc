#include "pawk8s/deployment/hang.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <memory>
#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/deployment/probes.h"
#include "pawk8s/kube/informer.h"

namespace pawk8s {
namespace {

using kube::Json;

constexpr std::int64_t kConnectEveryMs = 50;
constexpr std::int64_t kConnectTimeoutMs = 2000;
constexpr int kPiece = 600;  // connections asked for at once: half a minute
constexpr Millis kMargin{60'000};

// Waits until `holds` is true of what `watch` has: when that was seen. Empty: not by `until`.
absl::StatusOr<std::optional<SteadyTime>> Await(
    const kube::Informer& watch, const std::function<bool(const kube::Informer::Snapshot&)>& holds,
    const Deadline& until) {
  while (true) {
    const kube::Informer::Snapshot seen = watch.Get();
    if (holds(seen)) return Clock::Real().Now();
    const absl::Status changed = watch.AwaitChange(seen.version, until);
    if (absl::IsDeadlineExceeded(changed)) {
      RETURN_IF_ERROR(watch.Confirm(until));
      return std::nullopt;
    }
    RETURN_IF_ERROR(changed);
  }
}

// What is seen of the victim.
struct Watches {
  std::unique_ptr<kube::Informer> pod;
  std::unique_ptr<kube::Informer> slices;
  std::string name, uid;

  [[nodiscard]] bool IsReady() const { return IsReadyIn(pod->Get()); }
  [[nodiscard]] bool IsReadyIn(const kube::Informer::Snapshot& seen) const {
    const kube::Object* found = seen.Find(name);
    return found != nullptr && found->uid() == uid && found->ConditionIsTrue("Ready");
  }
  [[nodiscard]] bool IsListedIn(const kube::Informer::Snapshot& seen) const {
    return std::ranges::any_of(kube::As<kube::EndpointSlice>(seen.objects), [&](const auto& slice) {
      return std::ranges::any_of(slice.endpoints(), [&](const auto& endpoint) {
        return endpoint.pod_uid == uid && endpoint.ready;
      });
    });
  }
  // Of a pod that is gone, so many that nobody takes it for the same one.
  [[nodiscard]] std::int64_t Restarts() const {
    const kube::Informer::Snapshot seen = pod->Get();
    const kube::Object* found = seen.Find(name);
    if (found == nullptr || found->uid() != uid) return 1'000'000;
    return kube::Pod(*found).restart_count().value_or(0);
  }
};

absl::StatusOr<Watches> Watch(Deployment& paw, const kube::Pod& victim, const Deadline& deadline) {
  const Profile& profile = paw.profile();
  Watches watches{.name = victim.name(), .uid = victim.uid()};
  ASSIGN_OR_RETURN(
      watches.pod,
      kube::Informer::Start(
          paw.kube(), {kube::kPods, victim.ns(), "", "metadata.name=" + victim.name()}, deadline));
  ASSIGN_OR_RETURN(watches.slices,
                   kube::Informer::Start(paw.kube(),
                                         {kube::kEndpointSlices, profile.ns,
                                          "kubernetes.io/service-name=" + profile.services.rpc},
                                         deadline));
  if (!watches.IsReady() || !watches.IsListedIn(watches.slices->Get())) {
    return absl::FailedPreconditionError(fmt::format("{} was not ready in Service {} beforehand",
                                                     victim.name(), profile.services.rpc));
  }
  return watches;
}

// A fresh connection each to the RPC Service, from where the policies allow it.
class Client {
 public:
  static absl::StatusOr<Client> Prepare(Deployment& paw, agent::Agent& agents,
                                        const Deadline& deadline) {
    const Profile& profile = paw.profile();
    ASSIGN_OR_RETURN(const WorkloadState nodes, paw.Read(profile.nodes, deadline));
    const std::vector<kube::Pod> ready = nodes.ReadyPods();
    if (ready.empty()) return absl::FailedPreconditionError(nodes.ToString());
    ASSIGN_OR_RETURN(const kube::Object service,
                     paw.kube().Get({kube::kServices, profile.ns, profile.services.rpc}, deadline));
    const auto address = kube::FindString(service.json(), {"spec", "clusterIP"});
    if (!address || *address == "None") {
      return absl::FailedPreconditionError(
          fmt::format("Service {}/{} has no address", profile.ns, profile.services.rpc));
    }
    ASSIGN_OR_RETURN(agent::NodeAgent node, agents.For(ready.front(), deadline));
    return Client(ready.front(), std::move(node),
                  {.place = agent::PlaceOf(ready.front()),
                   .address = *address,
                   .port = profile.ports.rpc,
                   .path = "/health",
                   .timeout_ms = kConnectTimeoutMs,
                   .max_body = 0,
                   .interval_ms = kConnectEveryMs});
  }

  [[nodiscard]] std::string name() const { return pod_.name(); }

  absl::StatusOr<std::vector<bool>> Connect(int times, const Deadline& deadline) {
    std::vector<bool> answered;
    while (std::cmp_less(answered.size(), times)) {
      request_.count = std::min(kPiece, times - static_cast<int>(answered.size()));
      ASSIGN_OR_RETURN(const agent::HttpSeries series, node_.Call(request_, deadline));
      if (series.replies.empty()) return absl::DataLossError("no connection was tried");
      for (const agent::HttpReply& reply : series.replies) answered.push_back(reply.status == 200);
    }
    return answered;
  }

 private:
  Client(kube::Pod pod, agent::NodeAgent node, agent::HttpRequest request)
      : pod_(std::move(pod)), node_(std::move(node)), request_(std::move(request)) {}

  kube::Pod pod_;
  agent::NodeAgent node_;
  agent::HttpRequest request_;
};

Millis Between(SteadyTime from, SteadyTime to) {
  return std::max(std::chrono::duration_cast<Millis>(to - from), Millis{0});
}
// A fault's trace has the wall clock's times.
SteadyTime SteadyOf(kube::SystemTime wall) {
  return Clock::Real().Now() - (std::chrono::system_clock::now() - wall);
}

}  // namespace

std::int64_t Hang::Answered() const { return std::ranges::count(answered, true); }

absl::StatusOr<Hang> HangAndThaw(Deployment& paw, fault::Faults& faults, agent::Agent& agents,
                                 const kube::Pod& victim, const Deadline& deadline) {
  const Profile& profile = paw.profile();
  const auto& limits = profile.thresholds.health_probes;
  ASSIGN_OR_RETURN(const kube::ContainerSpec spec, SpecOf(victim, profile.validators.container));
  ASSIGN_OR_RETURN(Client client, Client::Prepare(paw, agents, deadline));
  // The control: what cannot connect beforehand says nothing afterwards.
  ASSIGN_OR_RETURN(const std::vector<bool> control, client.Connect(3, deadline));
  if (std::ranges::count(control, true) != 3) {
    return absl::FailedPreconditionError(fmt::format("{} got no answer of Service {} beforehand",
                                                     client.name(), profile.services.rpc));
  }
  ASSIGN_OR_RETURN(const Watches watches, Watch(paw, victim, deadline));
  const std::int64_t restarts = watches.Restarts();
  Hang hang{.pod = victim.name(), .service = profile.services.rpc, .client = client.name()};
  if (spec.readiness) hang.readiness_budget = spec.readiness->Budget();
  const Millis unready_by = std::min(hang.readiness_budget + limits.unready_slack, limits.unready);

  ASSIGN_OR_RETURN(fault::Fault frozen,
                   faults.Freeze(victim, profile.validators.container, deadline,
                                 {.hold = unready_by + limits.endpoint_gone +
                                          Millis{kConnectEveryMs * limits.connections} + kMargin}));
  const SteadyTime frozen_at = SteadyOf(*frozen.trace().applied);
  ASSIGN_OR_RETURN(
      const auto unready_at,
      Await(
          *watches.pod, [&](const auto& seen) { return !watches.IsReadyIn(seen); },
          Deadline::At(std::min(frozen_at + unready_by, deadline.when()), deadline.stop())));
  hang.restarts_until_unready = watches.Restarts() - restarts;
  if (unready_at) {
    hang.unready = Between(frozen_at, *unready_at);
    const Deadline gone_by = Deadline::At(
        std::min(*unready_at + limits.endpoint_gone, deadline.when()), deadline.stop());
    ASSIGN_OR_RETURN(
        const auto unlisted_at,
        Await(
            *watches.slices, [&](const auto& seen) { return !watches.IsListedIn(seen); }, gone_by));
    if (unlisted_at) hang.unlisted = Between(*unready_at, *unlisted_at);
    // Every node's proxy has until then to follow.
    Clock::Real().Sleep(gone_by.Remaining(), deadline);
    ASSIGN_OR_RETURN(hang.answered, client.Connect(limits.connections, deadline));
  }
  RETURN_IF_ERROR(frozen.Revert());
  const SteadyTime thawed_at = SteadyOf(*frozen.trace().reverted);
  ASSIGN_OR_RETURN(const auto ready_at,
                   Await(
                       *watches.pod, [&](const auto& seen) { return watches.IsReadyIn(seen); },
                       deadline.AtMost(limits.thawed_ready)));
  if (ready_at) hang.ready = Between(thawed_at, *ready_at);
  ASSIGN_OR_RETURN(const auto listed_at,
                   Await(
                       *watches.slices, [&](const auto& seen) { return watches.IsListedIn(seen); },
                       deadline.AtMost(limits.endpoint_gone)));
  if (listed_at) hang.listed = Between(thawed_at, *listed_at);
  hang.restarts = watches.Restarts() - restarts;
  return hang;
}

std::optional<Millis> RestartBudget(const kube::Pod& pod, const std::string& container) {
  const auto spec = SpecOf(pod, container);
  if (!spec.ok() || !spec->liveness) return std::nullopt;
  constexpr std::int64_t kDefaultGrace = 30;
  const std::chrono::seconds grace(
      kube::FindInt(pod.json(), {"spec", "terminationGracePeriodSeconds"}).value_or(kDefaultGrace));
  return spec->liveness->Budget() + grace;
}

Json Hang::ToJson() const {
  Json json = {{"pod", pod},
               {"service", service},
               {"client", client},
               {"readiness_budget", readiness_budget.count()},
               {"restarts_until_unready", restarts_until_unready},
               {"answered", answered},
               {"restarts", restarts}};
  const auto add = [&](const char* key, const std::optional<Millis>& after) {
    if (after) json[key] = after->count();
  };
  add("unready", unready);
  add("unlisted", unlisted);
  add("ready", ready);
  add("listed", listed);
  return json;
}

Hang Hang::FromJson(const Json& json) {
  const auto millis = [&](const char* key) {
    return json.contains(key) ? std::optional(Millis{json.at(key).get<std::int64_t>()})
                              : std::nullopt;
  };
  return {.pod = json.at("pod"),
          .service = json.at("service"),
          .client = json.at("client"),
          .readiness_budget = Millis{json.at("readiness_budget").get<std::int64_t>()},
          .unready = millis("unready"),
          .unlisted = millis("unlisted"),
          .restarts_until_unready = json.at("restarts_until_unready"),
          .answered = json.at("answered").get<std::vector<bool>>(),
          .ready = millis("ready"),
          .listed = millis("listed"),
          .restarts = json.at("restarts")};
}

}  // namespace pawk8s
