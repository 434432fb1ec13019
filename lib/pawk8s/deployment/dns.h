// The names that the headless Service gives the validators, as the cluster's DNS servers tell them.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/fault/faults.h"

namespace pawk8s {

// "paw-validator-headless.paw.svc.cluster.local"
[[nodiscard]] std::string HeadlessName(const Profile& profile);
// "paw-validator-3.paw-validator-headless.paw.svc.cluster.local"
[[nodiscard]] std::string DnsNameOf(const Profile& profile, const std::string& pod);

// The SRV record by which peers are found: that of the headless Service's peer port.
[[nodiscard]] absl::StatusOr<std::string> PeerRecord(Deployment& paw, const Deadline& deadline);

// The addresses of the DNS Service's ready endpoints: each keeps a cache of its own.
[[nodiscard]] absl::StatusOr<std::vector<std::string>> DnsServers(Deployment& paw,
                                                                  const Deadline& deadline);
// The address under which pods ask: that of the DNS Service.
[[nodiscard]] absl::StatusOr<std::string> DnsService(Deployment& paw, const Deadline& deadline);

struct DnsReply {
  std::string name;
  std::string server;
  std::string rcode;                                              // "NOERROR", "NXDOMAIN", ...
  std::set<std::string> values;                                   // addresses; of SRV the targets
  std::int64_t ttl = 0;                                           // the longest of them, in seconds
  friend bool operator==(const DnsReply& a, const DnsReply& b) {  // a TTL counts down
    return a.name == b.name && a.server == b.server && a.rcode == b.rcode && a.values == b.values;
  }
};
// Asks one server once, from the network of `client`. Unavailable if there is no reply.
[[nodiscard]] absl::StatusOr<DnsReply> AskDns(agent::Agent& agents, const kube::Pod& client,
                                              const std::string& server, const std::string& name,
                                              agent::DnsType type, const Deadline& deadline);

// One replacement of a validator's pod, and how its new address got about.
struct ObservedMove {
  fault::PodReplacement pod;
  std::string witness;  // a peer: the pod that was asked for its peers
  chain::NodeId id_before, id_after;
  std::optional<Millis> peer_found;  // Ready -> the witness lists the id at the new address

  struct Server {
    std::string address;
    std::optional<Millis> followed;  // new address given -> it says that one and no other
    DnsReply last;
  };
  std::vector<Server> servers;

  [[nodiscard]] kube::Json ToJson() const;
  // Throws nlohmann::json::exception when a member is missing or of another type.
  [[nodiscard]] static ObservedMove FromJson(const kube::Json& json);
};

// Deletes `victim` once every DNS server has resolved its name, and asks all of them and `witness`
// until they have followed, or their time (thresholds) is over. `agents` may be null: then no
// server is asked. An error means that the pod did not move: a server does not know its name
// beforehand, or it was not replaced or kept its address.
[[nodiscard]] absl::StatusOr<ObservedMove> ObserveMove(Deployment& paw, fault::Faults& faults,
                                                       agent::Agent* agents,
                                                       const kube::Pod& victim,
                                                       const kube::Pod& witness,
                                                       const Deadline& deadline);

// How a Service lists a pod.
struct ListedPod {
  std::string pod;
  std::string service;
  bool listed = false;
  bool ready = false;
  friend bool operator==(const ListedPod&, const ListedPod&) = default;
};
[[nodiscard]] absl::StatusOr<ListedPod> ReadListing(Deployment& paw, const std::string& service,
                                                    const kube::Pod& pod, const Deadline& deadline);

}  // namespace pawk8s
