#include "pawk8s/deployment/dns.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/wait/until.h"

namespace pawk8s {
namespace {

using kube::Json;

constexpr Millis kEvery{250};
constexpr std::chrono::seconds kOneRound{5};  // of questions to all

absl::StatusOr<std::vector<kube::EndpointSlice>> SlicesOf(Deployment& paw, const std::string& ns,
                                                          const std::string& service,
                                                          const Deadline& deadline) {
  ASSIGN_OR_RETURN(const auto list, paw.kube().List({kube::kEndpointSlices, ns,
                                                     "kubernetes.io/service-name=" + service},
                                                    deadline));
  return kube::As<kube::EndpointSlice>(list.items);
}

// Until the server says exactly `address`, at most `within`.
absl::Status AwaitAnswer(agent::Agent& agents, const kube::Pod& client, const std::string& server,
                         const std::string& name, const std::string& address,
                         const Deadline& deadline) {
  const auto report = Until(
      deadline, Every(kEvery),
      [&](const Deadline& d) {
        return AskDns(agents, client, server, name, agent::DnsType::kA, d);
      },
      [&](const DnsReply& reply) { return reply.values == std::set{address}; });
  return Annotate(report.status,
                  fmt::format("DNS server {} does not say {} for {}", server, address, name));
}

Millis Since(SteadyTime when) {
  return std::chrono::duration_cast<Millis>(Clock::Real().Now() - when);
}

Json ToJson(const DnsReply& reply) {
  return {{"name", reply.name},
          {"server", reply.server},
          {"rcode", reply.rcode},
          {"values", reply.values},
          {"ttl", reply.ttl}};
}
DnsReply ReplyFromJson(const Json& json) {
  return {.name = json.at("name"),
          .server = json.at("server"),
          .rcode = json.at("rcode"),
          .values = json.at("values"),
          .ttl = json.at("ttl")};
}

// Asks whoever has not followed yet, once.
absl::Status AskAll(Deployment& paw, agent::Agent* agents, const kube::Pod& witness,
                    ObservedMove& move, const Deadline& deadline) {
  const std::string address = move.pod.new_pod.ip().value_or("");
  for (ObservedMove::Server& server : move.servers) {
    if (server.followed) continue;
    const auto reply =
        AskDns(*agents, witness, server.address, DnsNameOf(paw.profile(), move.pod.new_pod.name()),
               agent::DnsType::kA, deadline);
    if (absl::IsUnavailable(reply.status())) continue;  // a lost datagram: asked again
    RETURN_IF_ERROR(reply.status());
    server.last = *reply;
    if (reply->values == std::set{address}) server.followed = Since(*move.pod.addressed_at);
  }
  if (move.peer_found) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<chain::Peer> peers, paw.PeersOf(witness, deadline));
  if (std::ranges::any_of(peers, [&](const chain::Peer& peer) {
        return peer.id == move.id_after && peer.remote_ip == address;
      })) {
    move.peer_found = Since(*move.pod.ready_at);
  }
  return absl::OkStatus();
}

bool HasSettled(const ObservedMove& move) {
  return move.peer_found && std::ranges::all_of(move.servers, [](const ObservedMove::Server& s) {
           return s.followed.has_value();
         });
}

}  // namespace

std::string HeadlessName(const Profile& profile) {
  return fmt::format("{}.{}.svc.{}", profile.services.headless, profile.ns, profile.dns.domain);
}

std::string DnsNameOf(const Profile& profile, const std::string& pod) {
  return pod + "." + HeadlessName(profile);
}

absl::StatusOr<std::string> PeerRecord(Deployment& paw, const Deadline& deadline) {
  const Profile& profile = paw.profile();
  ASSIGN_OR_RETURN(
      const kube::Object service,
      paw.kube().Get({kube::kServices, profile.ns, profile.services.headless}, deadline));
  for (const Json& port : kube::FindList(service.json(), {"spec", "ports"})) {
    if (kube::FindInt(port, {"port"}) != profile.ports.p2p) continue;
    return fmt::format("_{}._tcp.{}", kube::FindString(port, {"name"}).value_or(""),
                       HeadlessName(profile));
  }
  return absl::NotFoundError(fmt::format("Service {}/{} has no port {}", profile.ns,
                                         profile.services.headless, profile.ports.p2p));
}

absl::StatusOr<std::vector<std::string>> DnsServers(Deployment& paw, const Deadline& deadline) {
  const auto& dns = paw.profile().dns;
  ASSIGN_OR_RETURN(const auto slices, SlicesOf(paw, dns.ns, dns.service, deadline));
  std::vector<std::string> servers;
  for (const kube::EndpointSlice& slice : slices) {
    for (const auto& endpoint : slice.endpoints()) {
      if (endpoint.ready && !endpoint.addresses.empty()) {
        servers.push_back(endpoint.addresses.front());
      }
    }
  }
  if (servers.empty()) {
    return absl::UnavailableError(
        fmt::format("Service {}/{} has no ready endpoint", dns.ns, dns.service));
  }
  return servers;
}

absl::StatusOr<std::string> DnsService(Deployment& paw, const Deadline& deadline) {
  const auto& dns = paw.profile().dns;
  ASSIGN_OR_RETURN(const kube::Object service,
                   paw.kube().Get({kube::kServices, dns.ns, dns.service}, deadline));
  const auto address = kube::FindString(service.json(), {"spec", "clusterIP"});
  if (!address || *address == "None") {
    return absl::FailedPreconditionError(
        fmt::format("Service {}/{} has no address", dns.ns, dns.service));
  }
  return *address;
}

absl::StatusOr<DnsReply> AskDns(agent::Agent& agents, const kube::Pod& client,
                                const std::string& server, const std::string& name,
                                agent::DnsType type, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const agent::NodeAgent node, agents.For(client, deadline));
  agent::DnsRequest request{
      .place = agent::PlaceOf(client), .server = server, .name = name, .type = type};
  ASSIGN_OR_RETURN(agent::DnsResult result, node.Call(request, deadline));
  // What does not fit into a datagram is asked for again, as every resolver does (RFC 7766).
  request.tcp = result.truncated;
  if (request.tcp) {
    ASSIGN_OR_RETURN(result, node.Call(request, deadline));
  }
  if (result.outcome != agent::Outcome::kOk) {
    return absl::UnavailableError(
        fmt::format("no reply of DNS server {} for {} from {}", server, name, client.name()));
  }
  DnsReply reply{.name = name, .server = server, .rcode = result.rcode};
  for (const agent::DnsAnswer& answer : result.answers) {
    if (answer.type == "CNAME") continue;
    reply.values.insert(answer.value);
    reply.ttl = std::max(reply.ttl, answer.ttl);
  }
  return reply;
}

absl::StatusOr<ObservedMove> ObserveMove(Deployment& paw, fault::Faults& faults,
                                         agent::Agent* agents, const kube::Pod& victim,
                                         const kube::Pod& witness, const Deadline& deadline) {
  const auto& limits = paw.profile().thresholds;
  ASSIGN_OR_RETURN(const PodNode before, paw.NodeOf(victim, deadline));
  std::vector<std::string> servers;
  if (agents != nullptr) {
    ASSIGN_OR_RETURN(servers, DnsServers(paw, deadline));
  }
  // An earlier replacement may still be in their caches.
  const Deadline known = deadline.AtMost(limits.stateful_set.dns_follows);
  for (const std::string& server : servers) {
    RETURN_IF_ERROR(AwaitAnswer(*agents, witness, server, DnsNameOf(paw.profile(), victim.name()),
                                before.ip, known));
  }
  ASSIGN_OR_RETURN(fault::PodReplacement replaced,
                   faults.Replace(victim, limits.pod_ready, deadline));
  if (!replaced.ready_at || !replaced.addressed_at) {
    return absl::UnavailableError(victim.name() + " was deleted, and its successor is not Ready");
  }
  if (replaced.new_pod.ip() == victim.ip()) {
    return absl::UnavailableError(victim.name() + " was deleted, and came back with its address");
  }
  ASSIGN_OR_RETURN(const PodNode after, paw.NodeOf(replaced.new_pod, deadline));
  ObservedMove move{.pod = std::move(replaced),
                    .witness = witness.name(),
                    .id_before = before.status.id,
                    .id_after = after.status.id};
  for (const std::string& server : servers) move.servers.push_back({.address = server});
  const Deadline followed =
      deadline.AtMost(std::max(limits.stateful_set.dns_follows - Since(*move.pod.addressed_at),
                               limits.peer_found - Since(*move.pod.ready_at)) +
                      kEvery);
  const auto asked = Until(
      followed, Every(kEvery),
      [&](const Deadline& d) -> absl::StatusOr<bool> {
        RETURN_IF_ERROR(AskAll(paw, agents, witness, move, d.AtMost(kOneRound)));
        return HasSettled(move);
      },
      [](bool settled) { return settled; });
  if (!asked.status.ok() && !absl::IsDeadlineExceeded(asked.status)) return asked.status;
  // A server that never answers is at fault; where none ever does, it is the asking.
  if (std::ranges::all_of(move.servers, [](const ObservedMove::Server& server) {
        return server.last.server.empty();
      })) {
    return absl::UnavailableError("no DNS server could be asked after the move");
  }
  return move;
}

absl::StatusOr<ListedPod> ReadListing(Deployment& paw, const std::string& service,
                                      const kube::Pod& pod, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const auto slices, SlicesOf(paw, paw.profile().ns, service, deadline));
  ListedPod listing{.pod = pod.name(), .service = service};
  for (const kube::EndpointSlice& slice : slices) {
    for (const auto& endpoint : slice.endpoints()) {
      if (endpoint.pod_uid != pod.uid()) continue;
      listing.listed = true;
      listing.ready = listing.ready || endpoint.ready;
    }
  }
  return listing;
}

Json ObservedMove::ToJson() const {
  Json json = {{"pod", pod.ToJson()},
               {"witness", witness},
               {"id_before", id_before.hex},
               {"id_after", id_after.hex},
               {"servers", Json::array()}};
  if (peer_found) json["peer_found"] = peer_found->count();
  for (const Server& server : servers) {
    Json one = {{"address", server.address}, {"last", pawk8s::ToJson(server.last)}};
    if (server.followed) one["followed"] = server.followed->count();
    json["servers"].push_back(std::move(one));
  }
  return json;
}

ObservedMove ObservedMove::FromJson(const Json& json) {
  const auto millis = [](const Json& in, const char* key) {
    return in.contains(key) ? std::optional(Millis{in.at(key).get<std::int64_t>()}) : std::nullopt;
  };
  ObservedMove move{.pod = fault::PodReplacement::FromJson(json.at("pod")),
                    .witness = json.at("witness"),
                    .id_before = {json.at("id_before")},
                    .id_after = {json.at("id_after")},
                    .peer_found = millis(json, "peer_found")};
  for (const Json& server : json.at("servers")) {
    move.servers.push_back({.address = server.at("address"),
                            .followed = millis(server, "followed"),
                            .last = ReplyFromJson(server.at("last"))});
  }
  return move;
}

}  // namespace pawk8s
