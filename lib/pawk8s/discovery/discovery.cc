#include "pawk8s/discovery/discovery.h"

#include <fmt/format.h>

#include "pawk8s/base/status.h"
#include "pawk8s/discovery/findings.h"
#include "pawk8s/discovery/names.h"
#include "pawk8s/discovery/roles.h"
#include "pawk8s/kube/port_forward.h"
#include "pawk8s/net/digest.h"

namespace pawk8s {
namespace {

// kind, name and container of one role.
void AddRole(const std::string& path, const Member& member, const std::string& doubt,
             std::optional<std::uint16_t> port, Findings& findings) {
  const WorkloadTemplate& workload = member.workload;
  const bool set = workload.kind() == WorkloadKind::kStatefulSet;
  findings.Sure(path + ".kind", set ? "StatefulSet" : "Deployment");
  if (doubt.empty()) {
    findings.Sure(path + ".name", workload.name());
  } else {
    findings.Guess(path + ".name", workload.name(), doubt);
  }
  const kube::Json* container = workload.ContainerOf(port.value_or(0));
  if (container != nullptr) {
    findings.Sure(path + ".container", NameOf(*container));
  } else if (!workload.containers().empty()) {
    findings.Guess(path + ".container", NameOf(workload.containers().front()),
                   fmt::format("the first; none declares port {}", port.value_or(0)));
  }
}

void AddAbsent(const std::string& path, const std::string& look_for, Findings& findings) {
  findings.Missing(path + ".kind", "StatefulSet or Deployment");
  findings.Missing(path + ".name", look_for);
  findings.Missing(path + ".container", "the container that runs the program");
}

void AddIdentity(kube::Client& client, const Roles& roles, Findings& findings,
                 const Deadline& deadline) {
  const auto system = client.Get({kube::kNamespaces, "", "kube-system"}, deadline);
  if (system.ok()) {
    findings.Sure("identity.kube_system_uid", system->uid());
  } else {
    findings.Missing("identity.kube_system_uid", std::string(MessageOf(system.status())));
  }
  const auto ca = net::CertificateSha256(client.config().ca_pem);
  if (ca.ok()) {
    findings.Sure("identity.ca_sha256", *ca);
  } else {
    findings.Missing("identity.ca_sha256", "the kubeconfig has no CA certificate");
  }
  findings.Sure("identity.chain_id", roles.chain.network);
  const kube::Pod& pod = roles.validators.pods.front();
  net::HttpOptions options;
  options.dial =
      kube::DialPod(client, pod.ns(), pod.name(), roles.validators.RpcPort().value_or(0));
  chain::Rpc rpc(std::move(options));
  const auto genesis = rpc.GenesisSha256(deadline.AtMost(std::chrono::seconds(30)));
  if (genesis.ok()) {
    findings.Sure("identity.genesis_sha256", *genesis);
  } else {
    findings.Missing("identity.genesis_sha256", std::string(MessageOf(genesis.status())));
  }
}

}  // namespace

absl::StatusOr<ProfileLines> Discover(kube::Client& client, const DiscoverOptions& options,
                                      const Deadline& deadline) {
  ASSIGN_OR_RETURN(const Roles roles, FindRoles(client, options.ns, deadline));
  Findings findings;
  findings.Sure("cluster.kubeconfig", options.kubeconfig);
  findings.Sure("cluster.context", options.context);
  for (const char* what : {"disruption", "agent", "defects"}) {
    findings.Sure(std::string("allow.") + what, "false");
  }
  AddIdentity(client, roles, findings, deadline);
  findings.Sure("deployment.namespace", roles.ns);
  AddRole("deployment.validators", roles.validators, roles.validators_doubt,
          roles.validators.RpcPort(), findings);
  FindHome(roles.validators, "deployment.validators", findings);
  if (roles.nodes) {
    AddRole("deployment.nodes", *roles.nodes, roles.nodes_doubt, roles.nodes->RpcPort(), findings);
    FindHome(*roles.nodes, "deployment.nodes", findings);
  } else {
    AddAbsent("deployment.nodes", "a workload that answers RPC and signs no blocks", findings);
  }
  if (roles.api) {
    const auto rest =
        roles.api->PortWhere([](const Door& door) { return !door.rest_network.empty(); });
    AddRole("deployment.api", *roles.api, roles.api_doubt, rest, findings);
  } else {
    AddAbsent("deployment.api", "a workload that serves Cosmos REST and no RPC", findings);
  }
  FindPorts(roles, findings);
  FindServices(client, roles, findings, deadline);
  FindPolicies(client, roles, findings, deadline);
  FindStorage(client, roles, findings, deadline);
  FindChainFiles(client, roles, findings, deadline);
  FindDns(client, roles, findings, deadline);
  RETURN_IF_ERROR(deadline.Check("looking at the deployment"));
  return findings.lines();
}

}  // namespace pawk8s
