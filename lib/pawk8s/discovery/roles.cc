#include "pawk8s/discovery/roles.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

// Ports that a workload's Services lead to, beside those that it declares itself.
std::vector<std::uint16_t> PortsOf(const WorkloadTemplate& workload,
                                   const std::vector<kube::Object>& services) {
  const std::vector<std::uint16_t> declared = workload.ports();
  std::set<std::uint16_t> ports(declared.begin(), declared.end());
  for (const kube::Object& service : services) {
    if (service.ns() != workload.ns()) continue;
    if (!Selects(kube::FindMap(service.json(), {"spec", "selector"}), workload.labels())) continue;
    for (const kube::Json& port : kube::FindList(service.json(), {"spec", "ports"})) {
      if (kube::FindString(port, {"protocol"}).value_or("TCP") != "TCP") continue;
      if (const auto target = workload.TargetOf(port)) ports.insert(*target);
    }
  }
  return {ports.begin(), ports.end()};
}

struct Cluster {
  std::vector<Member> members;  // with at least one running pod, StatefulSets first
  std::vector<kube::Object> services;
};

absl::StatusOr<Cluster> Look(kube::Client& client, const std::string& ns,
                             const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::ObjectList sets, client.List({kube::kStatefulSets, ns}, deadline));
  ASSIGN_OR_RETURN(const kube::ObjectList deployments,
                   client.List({kube::kDeployments, ns}, deadline));
  ASSIGN_OR_RETURN(const kube::ObjectList pods, client.List({kube::kPods, ns}, deadline));
  ASSIGN_OR_RETURN(kube::ObjectList services, client.List({kube::kServices, ns}, deadline));
  Cluster cluster{.services = std::move(services.items)};
  const auto add = [&](WorkloadKind kind, const kube::Object& object) {
    Member member{.workload = WorkloadTemplate(kind, object)};
    for (const auto& pod : kube::As<kube::Pod>(pods.items)) {
      if (pod.ns() == object.ns() && pod.phase() == "Running" && !pod.deletion_time() &&
          Selects(member.workload.selector(), pod.labels())) {
        member.pods.push_back(pod);
      }
    }
    std::ranges::sort(member.pods, {}, [](const kube::Pod& pod) { return pod.name(); });
    if (!member.pods.empty()) cluster.members.push_back(std::move(member));
  };
  for (const kube::Object& set : sets.items) add(WorkloadKind::kStatefulSet, set);
  for (const kube::Object& deployment : deployments.items) {
    add(WorkloadKind::kDeployment, deployment);
  }
  return cluster;
}

// The voting power of all pods of a member together; 0 for those that do not answer.
std::int64_t PowerOf(const kube::Client& client, const Member& member, const Deadline& deadline) {
  std::int64_t power = 0;
  const auto port = member.RpcPort();
  if (!port) return 0;
  for (const kube::Pod& pod : member.pods) {
    const Door door = AskRpc(client, pod, *port, deadline);
    if (door.rpc) power += door.rpc->voting_power;
  }
  return power;
}

// The namespaces in which some pod speaks CometBFT's RPC.
std::set<std::string> NamespacesOfChains(const kube::Client& client, const Cluster& cluster,
                                         const Deadline& deadline) {
  std::set<std::string> found;
  for (const Member& member : cluster.members) {
    if (found.contains(member.workload.ns())) continue;
    for (const std::uint16_t port : PortsOf(member.workload, cluster.services)) {
      if (deadline.Over()) return found;
      if (AskRpc(client, member.pods.front(), port, deadline).rpc) {
        found.insert(member.workload.ns());
        break;
      }
    }
  }
  return found;
}

std::string AlsoFits(const std::vector<Member*>& members, std::string_view what) {
  std::vector<std::string> others;
  for (std::size_t i = 1; i < members.size(); ++i)
    others.push_back(members[i]->workload.ToString());
  return others.empty() ? "" : fmt::format("so {} {}", what, fmt::join(others, ", "));
}

// Most replicas first; the kind that suits the role before the other.
void Prefer(WorkloadKind kind, std::vector<Member*>& members) {
  std::ranges::stable_sort(members, [&](const Member* a, const Member* b) {
    const bool a_suits = a->workload.kind() == kind;
    const bool b_suits = b->workload.kind() == kind;
    return a_suits != b_suits ? a_suits : a->workload.replicas() > b->workload.replicas();
  });
}

absl::Status NoValidators(const std::string& ns, const Cluster& cluster) {
  return absl::NotFoundError(fmt::format(
      "no workload {} runs a CometBFT validator: of {} with running pods none answers /status on a "
      "port that it declares with a voting power above 0; is the chain running, and is its RPC "
      "port "
      "declared?",
      ns.empty() ? "of this cluster" : "in namespace " + ns, cluster.members.size()));
}

}  // namespace

std::optional<std::uint16_t> Member::RpcPort() const {
  return PortWhere([](const Door& door) { return door.rpc.has_value(); });
}

absl::StatusOr<Roles> FindRoles(kube::Client& client, const std::string& ns,
                                const Deadline& deadline) {
  ASSIGN_OR_RETURN(Cluster cluster, Look(client, ns, deadline));
  const std::set<std::string> chains = NamespacesOfChains(client, cluster, deadline);
  RETURN_IF_ERROR(deadline.Check("looking for the chain"));
  if (chains.empty()) return NoValidators(ns, cluster);
  if (chains.size() > 1) {
    return absl::FailedPreconditionError(
        fmt::format("there are chains in several namespaces, {}: name one with --namespace",
                    fmt::join(chains, ", ")));
  }
  std::vector<Member*> validators;
  std::vector<Member*> nodes;
  std::vector<Member*> gateways;
  std::map<const Member*, std::int64_t> powers;
  for (Member& member : cluster.members) {
    if (member.workload.ns() != *chains.begin()) continue;
    for (const std::uint16_t port : PortsOf(member.workload, cluster.services)) {
      member.doors.push_back(AskAll(client, member.pods.front(), port, deadline));
    }
    RETURN_IF_ERROR(deadline.Check("asking " + member.workload.ToString()));
    if (member.RpcPort()) {
      powers[&member] = PowerOf(client, member, deadline);
      (powers[&member] > 0 ? validators : nodes).push_back(&member);
    } else if (member.PortWhere([](const Door& door) { return !door.rest_network.empty(); })) {
      gateways.push_back(&member);
    }
  }
  if (validators.empty()) return NoValidators(*chains.begin(), cluster);
  std::ranges::stable_sort(validators, std::ranges::greater{},
                           [&](const Member* member) { return powers[member]; });
  Prefer(WorkloadKind::kDeployment, nodes);
  Prefer(WorkloadKind::kDeployment, gateways);

  Roles roles{.ns = *chains.begin(), .validators = *validators.front()};
  for (const Door& door : roles.validators.doors) {
    if (door.rpc) roles.chain = *door.rpc;
  }
  if (!nodes.empty()) roles.nodes = *nodes.front();
  if (!gateways.empty()) roles.api = *gateways.front();
  roles.validators_doubt = AlsoFits(validators, "signs blocks");
  roles.nodes_doubt = AlsoFits(nodes, "follows the chain");
  roles.api_doubt = AlsoFits(gateways, "serves REST");
  return roles;
}

}  // namespace pawk8s
