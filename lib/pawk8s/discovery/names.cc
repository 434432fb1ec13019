#include "pawk8s/discovery/names.h"

#include <fmt/format.h>

#include <set>
#include <sstream>

#include "pawk8s/base/status.h"
#include "pawk8s/kube/exec.h"

namespace pawk8s {
namespace {

using kube::FindBool;
using kube::FindInt;
using kube::FindList;
using kube::FindMap;
using kube::FindString;
using kube::Json;

// The objects, or none and why in `trouble`.
std::vector<kube::Object> List(kube::Client& client, const kube::Collection& collection,
                               const Deadline& deadline, std::string& trouble) {
  auto list = client.List(collection, deadline);
  if (list.ok()) return std::move(list->items);
  trouble = MessageOf(list.status());
  return {};
}

std::string Or(const std::string& trouble, const std::string& look_for) {
  return trouble.empty() ? look_for : trouble;
}

// A Service of one member, and the pod's ports that it leads to.
struct Lead {
  std::string name;
  bool headless = false;
  std::set<std::uint16_t> ports;
};

std::vector<Lead> LeadsTo(const Member& member, const std::vector<kube::Object>& services) {
  std::vector<Lead> leads;
  for (const kube::Object& service : services) {
    if (!Selects(FindMap(service.json(), {"spec", "selector"}), member.workload.labels())) continue;
    Lead lead{.name = service.name(),
              .headless = FindString(service.json(), {"spec", "clusterIP"}) == "None"};
    for (const Json& port : FindList(service.json(), {"spec", "ports"})) {
      if (const auto target = member.workload.TargetOf(port)) lead.ports.insert(*target);
    }
    leads.push_back(std::move(lead));
  }
  return leads;
}

// Of the Services with an address that lead to `port`: the most particular ones, those with the
// fewest ports.
std::vector<std::string> MostParticular(const std::vector<Lead>& leads,
                                        std::optional<std::uint16_t> port) {
  std::size_t fewest = SIZE_MAX;
  for (const Lead& lead : leads) {
    if (port && !lead.headless && lead.ports.contains(*port)) {
      fewest = std::min(fewest, lead.ports.size());
    }
  }
  std::vector<std::string> names;
  for (const Lead& lead : leads) {
    if (port && !lead.headless && lead.ports.contains(*port) && lead.ports.size() == fewest) {
      names.push_back(lead.name);
    }
  }
  return names;
}

std::vector<std::string> Widest(const std::vector<Lead>& leads) {
  std::size_t most = 0;
  for (const Lead& lead : leads) {
    if (!lead.headless) most = std::max(most, lead.ports.size());
  }
  std::vector<std::string> names;
  for (const Lead& lead : leads) {
    if (!lead.headless && most > 0 && lead.ports.size() == most) names.push_back(lead.name);
  }
  return names;
}

std::optional<std::uint16_t> Metrics(const Member& member) {
  const auto own = member.PortWhere([](const Door& d) { return d.metrics_everywhere; });
  return own ? own : member.PortWhere([](const Door& d) { return d.metrics; });
}
std::optional<std::uint16_t> Rest(const Member& member) {
  return member.PortWhere([](const Door& d) { return !d.rest_network.empty(); });
}
std::optional<std::uint16_t> Grpc(const Member& member) {
  return member.PortWhere([](const Door& d) { return d.grpc; });
}

void Port(Findings& findings, const std::string& name, std::optional<std::uint16_t> port,
          const std::string& look_for) {
  const std::string path = "deployment.ports." + name;
  if (port) {
    findings.Sure(path, std::to_string(*port));
  } else {
    findings.Missing(path, look_for);
  }
}

struct Resolver {
  std::string address, domain;
};

// As a container of the deployment has it; empty without `cat` in any.
Resolver ReadResolver(kube::Client& client, const Roles& roles, const Deadline& deadline) {
  Resolver resolver;
  for (const Json& container : roles.validators.workload.containers()) {
    const auto ran = kube::Exec(client,
                                {.ns = roles.ns,
                                 .pod = roles.validators.pods.front().name(),
                                 .container = NameOf(container),
                                 .argv = {"cat", "/etc/resolv.conf"}},
                                deadline.AtMost(std::chrono::seconds(5)));
    if (!ran.ok() || ran->exit_code != 0) continue;
    std::istringstream words(ran->out);
    for (std::string word; words >> word;) {
      if (word == "nameserver" && resolver.address.empty()) words >> resolver.address;
      // "paw.svc.cluster.local"
      const std::string prefix = roles.ns + ".svc.";
      if (word.starts_with(prefix)) resolver.domain = word.substr(prefix.size());
    }
    break;
  }
  return resolver;
}

}  // namespace

void FindPorts(const Roles& roles, Findings& findings) {
  const Member& v = roles.validators;
  Port(findings, "rpc", v.RpcPort(), "");
  Port(findings, "p2p", v.PortWhere([](const Door& d) { return d.peers; }),
       "the port on which validators talk to each other, 26656 as a rule");
  Port(findings, "rest", Rest(v), "the validators' Cosmos REST port, 1317 as a rule");
  Port(findings, "grpc", Grpc(v), "the validators' Cosmos gRPC port, 9090 as a rule");
  const auto metrics = Metrics(v);
  Port(findings, "metrics", metrics, "CometBFT's metrics port, 26660 as a rule");
  Port(findings, "app_metrics",
       v.PortWhere([&](const Door& d) { return d.metrics && d.port != metrics; }),
       "the program's own metrics port; write that of CometBFT if there is only one");
  Port(findings, "health", v.PortWhere([](const Door& d) { return d.health; }),
       "the port of the program's health pages");
  if (!roles.api) return;
  Port(findings, "gateway_rest", Rest(*roles.api), "the gateway's REST port");
  Port(findings, "gateway_grpc", Grpc(*roles.api), "the gateway's gRPC port");
}

void FindServices(kube::Client& client, const Roles& roles, Findings& findings,
                  const Deadline& deadline) {
  std::string trouble;
  const auto services = List(client, {kube::kServices, roles.ns}, deadline, trouble);
  const std::string at = "deployment.services.";
  const auto leads = LeadsTo(roles.validators, services);
  const auto& set = roles.validators.workload.object();
  const auto governing = FindString(set.json(), {"spec", "serviceName"}).value_or("");
  std::vector<std::string> headless;
  for (const Lead& lead : leads) {
    if (lead.headless && lead.name == governing) headless = {lead.name};
    if (lead.headless && headless.empty()) headless.push_back(lead.name);
  }
  findings.OneOf(at + "headless", headless,
                 Or(trouble, "the Service with clusterIP None that selects the validators"));
  const auto of_validators = [&](const std::string& name, std::optional<std::uint16_t> port,
                                 const std::string& what) {
    findings.OneOf(
        at + name, MostParticular(leads, port),
        Or(trouble, "the Service with an address that leads to the validators' " + what));
  };
  of_validators("rpc", roles.validators.RpcPort(), "RPC");
  of_validators("p2p", roles.validators.PortWhere([](const Door& d) { return d.peers; }), "peers");
  of_validators("metrics", Metrics(roles.validators), "metrics");
  if (roles.nodes) {
    const auto to_nodes = LeadsTo(*roles.nodes, services);
    findings.OneOf(at + "nodes", Widest(to_nodes), Or(trouble, "the full nodes' Service"));
    findings.OneOf(at + "node_metrics", MostParticular(to_nodes, Metrics(*roles.nodes)),
                   Or(trouble, "the Service that leads to the full nodes' metrics"));
    findings.OneOf(at + "public_rpc", MostParticular(to_nodes, roles.nodes->RpcPort()),
                   Or(trouble, "the Service that leads to the full nodes' RPC"));
  }
  if (roles.api) {
    const auto to_api = LeadsTo(*roles.api, services);
    findings.OneOf(at + "public_api", MostParticular(to_api, Rest(*roles.api)),
                   Or(trouble, "the Service that leads to the gateway's REST"));
    findings.OneOf(at + "public_grpc", MostParticular(to_api, Grpc(*roles.api)),
                   Or(trouble, "the Service that leads to the gateway's gRPC"));
  }
}

void FindPolicies(kube::Client& client, const Roles& roles, Findings& findings,
                  const Deadline& deadline) {
  std::string trouble;
  std::vector<std::string> budgets;
  for (const auto& budget :
       List(client, {kube::kPodDisruptionBudgets, roles.ns}, deadline, trouble)) {
    if (Selects(FindMap(budget.json(), {"spec", "selector", "matchLabels"}),
                roles.validators.workload.labels())) {
      budgets.push_back(budget.name());
    }
  }
  findings.OneOf("deployment.policies.disruption_budget", budgets,
                 Or(trouble, "the PodDisruptionBudget that selects the validators"));
  for (const auto& [path, kind] :
       {std::pair{"deployment.policies.quota", kube::kResourceQuotas},
        std::pair{"deployment.policies.limit_range", kube::kLimitRanges}}) {
    trouble.clear();
    std::vector<std::string> names;
    for (const auto& object : List(client, {kind, roles.ns}, deadline, trouble)) {
      names.push_back(object.name());
    }
    findings.OneOf(path, names, Or(trouble, fmt::format("a {} in {}", kind.kind, roles.ns)));
  }
}

void FindStorage(kube::Client& client, const Roles& roles, Findings& findings,
                 const Deadline& deadline) {
  const WorkloadTemplate& workload = roles.validators.workload;
  const Json* container = workload.ContainerOf(roles.validators.RpcPort().value_or(0));
  std::vector<std::string> claims;
  std::string storage_class;
  std::string mounted;
  for (const Json& claim : workload.claim_templates()) {
    const std::string name = FindString(claim, {"metadata", "name"}).value_or("");
    const std::string path = container == nullptr ? "" : MountPath(*container, name);
    if (path.empty()) continue;
    claims.push_back(name);
    if (mounted.empty()) {
      mounted = path;
      storage_class = FindString(claim, {"spec", "storageClassName"}).value_or("");
    }
  }
  findings.OneOf("deployment.storage.claim", claims,
                 "the claim template whose volume holds the validators' data");
  const std::string st = "deployment.storage.";
  if (mounted.empty()) {
    findings.Missing(st + "path", "where the data volume is mounted in the validators' container");
    findings.Missing(st + "class", "the StorageClass of the data volumes");
    return;
  }
  findings.Sure(st + "path", mounted);
  const std::string pod_claim = claims.front() + "-" + roles.validators.pods.front().name();
  if (storage_class.empty()) {
    // The cluster's default class was filled in when the claim was made.
    const auto claim = client.Get({kube::kPersistentVolumeClaims, roles.ns, pod_claim}, deadline);
    if (claim.ok()) {
      storage_class = FindString(claim->json(), {"spec", "storageClassName"}).value_or("");
    }
  }
  findings.OneOf(st + "class",
                 storage_class.empty() ? std::vector<std::string>() : std::vector{storage_class},
                 "the StorageClass of claim " + pod_claim);
}

void FindDns(kube::Client& client, const Roles& roles, Findings& findings,
             const Deadline& deadline) {
  std::string trouble;
  const auto services = List(client, {kube::kServices}, deadline, trouble);
  const Resolver resolver = ReadResolver(client, roles, deadline);
  const kube::Object* asked = nullptr;
  const kube::Object* usual = nullptr;
  for (const kube::Object& service : services) {
    if (!resolver.address.empty() &&
        FindString(service.json(), {"spec", "clusterIP"}) == resolver.address) {
      asked = &service;
    }
    if (service.label("k8s-app") == "kube-dns") usual = &service;
  }
  const kube::Object* dns = asked != nullptr ? asked : usual;
  if (dns == nullptr) {
    findings.Missing("dns.service", Or(trouble, "the Service that pods' /etc/resolv.conf names"));
    return;
  }
  const auto add = [&](const std::string& key, const std::string& value) {
    if (asked != nullptr) {
      findings.Sure("dns." + key, value);
    } else {
      findings.Guess("dns." + key, value, "by its label k8s-app=kube-dns; no pod could be asked");
    }
  };
  add("namespace", dns->ns());
  add("service", dns->name());
  if (!resolver.domain.empty()) findings.Sure("dns.domain", resolver.domain);
  const auto selector = FindMap(dns->json(), {"spec", "selector"});
  std::vector<std::string> maps;
  for (const auto& pod : List(client, {kube::kPods, dns->ns()}, deadline, trouble)) {
    if (!Selects(selector, pod.labels())) continue;
    for (const Json& volume : FindList(pod.json(), {"spec", "volumes"})) {
      const auto map = FindString(volume, {"configMap", "name"});
      if (map) maps.push_back(*map);
    }
    break;
  }
  findings.OneOf("dns.config_map", maps, "the ConfigMap that the DNS pods mount");
}

void FindHome(const Member& member, const std::string& path, Findings& findings) {
  const Json* container = member.workload.ContainerOf(member.RpcPort().value_or(0));
  if (container == nullptr) {
    findings.Missing(path + ".container", "the container that serves RPC");
    findings.Missing(path + ".home", "the program's home folder");
    return;
  }
  // `--home /data` or `--home=/data`, as an argument or within a shell's.
  const std::string line = CommandLine(*container);
  if (const auto at = line.find("--home"); at != std::string::npos) {
    const auto from = line.find_first_not_of(" ='\"", at + 6);
    const auto to = line.find_first_of(" '\"", from);
    const std::string home = from == std::string::npos ? "" : line.substr(from, to - from);
    if (home.starts_with("/")) return findings.Sure(path + ".home", home);
  }
  for (const Json& mount : FindList(*container, {"volumeMounts"})) {
    const auto mounted = FindString(mount, {"mountPath"});
    if (mounted && FindBool(mount, {"readOnly"}) != true) {
      return findings.Guess(path + ".home", *mounted, "the first writable mount; no --home");
    }
  }
  findings.Missing(path + ".home", "the program's home folder; it has no argument --home");
}

}  // namespace pawk8s
