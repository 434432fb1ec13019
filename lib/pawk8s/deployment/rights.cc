#include "pawk8s/deployment/rights.h"

#include <fmt/format.h>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/session.h"

namespace pawk8s {
namespace {

using Verbs = std::vector<std::string>;

Verbs Read() { return {"get", "list", "watch"}; }
Verbs Change() { return {"patch", "update"}; }
Verbs Own() { return {"create", "patch", "update", "delete"}; }

std::vector<Right> ToObserve() {
  std::vector<Right> rights;
  const auto read = [&](std::string group, const Verbs& resources, std::string why) {
    for (const std::string& resource : resources) {
      rights.push_back({.group = group, .resource = resource, .verbs = Read(), .why = why});
    }
  };
  read("", {"pods", "services", "configmaps", "persistentvolumeclaims", "events"}, "to look");
  read("", {"resourcequotas", "limitranges", "serviceaccounts"}, "to look");
  read("apps", {"statefulsets", "deployments", "daemonsets", "replicasets", "controllerrevisions"},
       "to look");
  read("discovery.k8s.io", {"endpointslices"}, "to look");
  read("policy", {"poddisruptionbudgets"}, "to look");
  read("networking.k8s.io", {"networkpolicies"}, "to look");
  const auto more = [&](std::string group, std::string resource, Verbs verbs, std::string why) {
    rights.push_back({.group = std::move(group),
                      .resource = std::move(resource),
                      .verbs = std::move(verbs),
                      .why = std::move(why)});
  };
  more("", "pods/log", {"get"}, "evidence of a failure");
  // A forward and an exec are GETs over WebSocket; newer API servers ask for create beside it.
  more("", "pods/portforward", {"get", "create"}, "to ask a pod's RPC");
  more("", "pods/exec", {"get", "create"}, "to write and read marks in volumes");
  more("", "pods", Own(), "own pods beside the deployment; RBAC cannot tell them from others");
  more("", "persistentvolumeclaims", Own(), "claims of own pods");
  more("", "configmaps", Own(), "files of own pods");
  more("", "configmaps", {"get", "create", "patch"}, "the ledger of what must be put back");
  rights.back().place = Place::kSuite;
  more("coordination.k8s.io", "leases", {"get", "create", "update", "delete"}, "one run at a time");
  rights.back().place = Place::kSuite;
  const auto cluster = [&](std::string group, std::string resource, Verbs verbs, std::string why) {
    more(std::move(group), std::move(resource), std::move(verbs), std::move(why));
    rights.back().place = Place::kCluster;
  };
  cluster("", "namespaces", {"get"}, "identity of the cluster");
  cluster("", "nodes", Read(), "where pods run");
  cluster("", "nodes/proxy", {"get"}, "the kubelets' own count of probes");
  cluster("", "persistentvolumes", {"get", "list", "watch", "patch", "delete"},
          "volumes of claims, and removing those of own claims");
  cluster("storage.k8s.io", "storageclasses", {"get", "list"},
          "to make claims like the validators'");
  for (const auto& [group, resource] : {std::pair{"", "pods"}, std::pair{"", "services"},
                                        std::pair{"discovery.k8s.io", "endpointslices"}}) {
    more(group, resource, {"get", "list"}, "to ask each DNS endpoint");
    rights.back().place = Place::kDns;
  }
  return rights;
}

void ToDisrupt(std::vector<Right>& rights) {
  const auto add = [&](Place place, std::string group, std::string resource, Verbs verbs,
                       std::string why) {
    rights.push_back({Purpose::kDisrupt, place, std::move(group), std::move(resource),
                      std::move(verbs), std::move(why)});
  };
  add(Place::kDeployment, "", "pods/eviction", {"create"}, "evict validators");
  add(Place::kDeployment, "apps", "statefulsets", Change(), "roll out and back");
  add(Place::kDeployment, "apps", "statefulsets/scale", {"get", "patch", "update"},
      "scale down and up");
  add(Place::kDeployment, "apps", "deployments", Change(), "roll out and back");
  add(Place::kCluster, "", "nodes", {"patch"}, "cordon a worker");
  // Of other namespaces too: a drain asks for every pod that is there.
  add(Place::kCluster, "", "pods", {"list"}, "drain a worker");
  add(Place::kCluster, "", "pods/eviction", {"create"}, "drain a worker");
}

void ForAgent(std::vector<Right>& rights) {
  const auto add = [&](Place place, std::string group, std::string resource, Verbs verbs,
                       std::string why) {
    rights.push_back({Purpose::kAgent, place, std::move(group), std::move(resource),
                      std::move(verbs), std::move(why)});
  };
  const Verbs all = {"get", "list", "watch", "create", "patch", "update", "delete"};
  add(Place::kAgent, "apps", "daemonsets", all, "the agent");
  add(Place::kAgent, "", "pods", {"get", "list", "watch", "delete"}, "the agent's pods");
  add(Place::kAgent, "", "pods/exec", {"get", "create"}, "to talk to it");
  add(Place::kAgent, "", "pods/log", {"get"}, "evidence of a failure");
  add(Place::kAgent, "", "events", {"list"}, "why it does not start");
  add(Place::kAgent, "", "serviceaccounts", all, "its account, which has no rights");
  add(Place::kAgent, "", "configmaps", all, "its settings");
}

void ForDefects(std::vector<Right>& rights) {
  const auto add = [&](Place place, std::string group, const Verbs& resources, Verbs verbs) {
    for (const std::string& resource : resources) {
      rights.push_back(
          {Purpose::kDefects, place, group, resource, verbs, "plant defects and lift them"});
    }
  };
  add(Place::kDeployment, "", {"services", "resourcequotas", "limitranges"}, Own());
  add(Place::kDeployment, "apps", {"statefulsets", "deployments"}, Own());
  add(Place::kDeployment, "policy", {"poddisruptionbudgets"}, Own());
  add(Place::kDeployment, "networking.k8s.io", {"networkpolicies"}, Own());
  add(Place::kDns, "", {"configmaps"}, {"get", "patch", "update"});
  add(Place::kDns, "apps", {"deployments"}, {"get", "list", "watch", "patch", "update"});
  add(Place::kDns, "apps", {"replicasets"}, {"get", "list"});
  add(Place::kDns, "", {"pods"}, {"delete"});
  add(Place::kCluster, "", {"persistentvolumes"}, Own());
  add(Place::kCluster, "storage.k8s.io", {"storageclasses"}, Own());
}

// "delete pods in paw", "get nodes/proxy in the cluster"
std::string Describe(const Profile& profile, const Right& right, std::string_view verb) {
  const std::string ns = NamespaceOf(profile, right.place);
  return fmt::format("{} {} in {}", verb, right.resource, ns.empty() ? "the cluster" : ns);
}

kube::Access AccessFor(const Profile& profile, const Right& right, const std::string& verb) {
  const auto slash = right.resource.find('/');
  kube::ObjectRef ref{.resource = {.group = right.group,
                                   .version = "*",
                                   .resource = right.resource.substr(0, slash)},
                      .ns = NamespaceOf(profile, right.place)};
  if (slash != std::string::npos) ref.subresource = right.resource.substr(slash + 1);
  return {.verb = verb, .on = ref};
}

}  // namespace

std::string_view NameOf(Purpose purpose) {
  switch (purpose) {
    case Purpose::kObserve:
      return "observe";
    case Purpose::kDisrupt:
      return "allow.disruption";
    case Purpose::kAgent:
      return "allow.agent";
    case Purpose::kDefects:
      return "allow.defects";
  }
  return "";
}

bool IsAllowed(const Profile& profile, Purpose purpose) {
  switch (purpose) {
    case Purpose::kObserve:
      return true;
    case Purpose::kDisrupt:
      return profile.allow.disruption;
    case Purpose::kAgent:
      return profile.allow.agent;
    case Purpose::kDefects:
      return profile.allow.defects;
  }
  return false;
}

std::string NamespaceOf(const Profile& profile, Place place) {
  switch (place) {
    case Place::kDeployment:
      return profile.ns;
    case Place::kDns:
      return profile.dns.ns;
    case Place::kSuite:
      return kSuiteNamespace;
    case Place::kAgent:
      return profile.agent.ns;
    case Place::kCluster:
      return "";
  }
  return "";
}

const std::vector<Right>& Rights() {
  static const std::vector<Right> rights = [] {
    std::vector<Right> all = ToObserve();
    ToDisrupt(all);
    ForAgent(all);
    ForDefects(all);
    return all;
  }();
  return rights;
}

absl::StatusOr<std::vector<std::string>> MissingRights(kube::Client& client, const Profile& profile,
                                                       Purpose purpose, const Deadline& deadline) {
  // An administrator is asked about once.
  const kube::Access everything{
      .verb = "*", .on = {.resource = {.group = "*", .version = "*", .resource = "*"}}};
  ASSIGN_OR_RETURN(const kube::AccessReview all, client.Allowed(everything, deadline));
  std::vector<std::string> missing;
  if (all.allowed) return missing;
  for (const Right& right : Rights()) {
    if (right.purpose != purpose) continue;
    for (const std::string& verb : right.verbs) {
      ASSIGN_OR_RETURN(const kube::AccessReview review,
                       client.Allowed(AccessFor(profile, right, verb), deadline));
      if (!review.allowed) missing.push_back(Describe(profile, right, verb));
    }
  }
  return missing;
}

absl::Status CheckRights(kube::Client& client, const Profile& profile, const Deadline& deadline) {
  std::string lacks;
  for (const Purpose purpose :
       {Purpose::kObserve, Purpose::kDisrupt, Purpose::kAgent, Purpose::kDefects}) {
    if (!IsAllowed(profile, purpose)) continue;
    ASSIGN_OR_RETURN(const std::vector<std::string> missing,
                     MissingRights(client, profile, purpose, deadline));
    if (missing.empty()) continue;
    lacks += fmt::format("{}{} (for {})", lacks.empty() ? "" : "; ", fmt::join(missing, ", "),
                         NameOf(purpose));
  }
  if (lacks.empty()) return absl::OkStatus();
  const auto account = client.WhoAmI(deadline);
  return absl::PermissionDeniedError(fmt::format(
      "{} may not {}: an administrator grants it with `pawk8s rbac | kubectl apply -f -`",
      account.ok() ? account->username : "this account", lacks));
}

}  // namespace pawk8s
