// The table of rights as Kubernetes objects.
#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "pawk8s/agent/daemon_set.h"
#include "pawk8s/deployment/rights.h"
#include "pawk8s/deployment/session.h"

namespace pawk8s {
namespace {

// One rule for each resource of a place: verbs of all allowed purposes together.
std::string RulesAt(const Profile& profile, Place place) {
  struct Rule {
    std::vector<std::string> verbs;
    std::string why;
  };
  std::map<std::pair<std::string, std::string>, Rule> rules;
  for (const Right& right : Rights()) {
    if (right.place != place || !IsAllowed(profile, right.purpose)) continue;
    Rule& rule = rules[{right.group, right.resource}];
    for (const std::string& verb : right.verbs) {
      if (std::ranges::find(rule.verbs, verb) == rule.verbs.end()) rule.verbs.push_back(verb);
    }
    if (rule.why.find(right.why) == std::string::npos) {
      rule.why += (rule.why.empty() ? "" : "; ") + right.why;
    }
  }
  std::string text;
  for (const auto& [key, rule] : rules) {
    text += fmt::format("- apiGroups: [\"{}\"]  # {}\n  resources: [{}]\n  verbs: [{}]\n",
                        key.first, rule.why, key.second, fmt::join(rule.verbs, ", "));
  }
  return text;
}

std::string Role(Place place, const std::string& ns, std::string_view account,
                 const std::string& rules) {
  const bool cluster = place == Place::kCluster;
  const std::string kind = cluster ? "ClusterRole" : "Role";
  const std::string metadata = fmt::format("metadata:\n  name: {}\n{}", account,
                                           cluster ? "" : fmt::format("  namespace: {}\n", ns));
  return fmt::format(
      "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {0}\n{1}rules:\n{2}"
      "---\napiVersion: rbac.authorization.k8s.io/v1\nkind: {0}Binding\n{1}"
      "roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {0}\n  name: {3}\n"
      "subjects:\n- kind: ServiceAccount\n  name: {3}\n  namespace: {4}\n",
      kind, metadata, rules, account, kSuiteNamespace);
}

std::string Namespace(const std::string& name, std::string_view pod_security) {
  return fmt::format(
      "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {}\n  labels:\n"
      "    app.kubernetes.io/managed-by: pawk8s\n    {}: \"true\"\n"
      "    pod-security.kubernetes.io/enforce: {}\n",
      name, agent::kKeptLabel, pod_security);
}

}  // namespace

std::string RbacManifest(const Profile& profile, std::string_view account) {
  std::string text = fmt::format("# What pawk8s may do with {}: observe{}{}{}.\n", profile.file,
                                 profile.allow.disruption ? ", disrupt" : "",
                                 profile.allow.agent ? ", its agent" : "",
                                 profile.allow.defects ? ", plant defects" : "");
  text += fmt::format("# A token for it: kubectl create token {} -n {} --duration 8h\n", account,
                      kSuiteNamespace);
  text += Namespace(kSuiteNamespace, "restricted") + "---\n";
  text +=
      fmt::format("apiVersion: v1\nkind: ServiceAccount\nmetadata:\n  name: {}\n  namespace: {}\n",
                  account, kSuiteNamespace);
  if (profile.allow.agent) {
    // Its pods look into other pods' cgroups and network namespaces.
    text += "---\n" + Namespace(NamespaceOf(profile, Place::kAgent), "privileged");
  }
  // Two places may be the same namespace: then they share one role.
  std::map<std::string, std::pair<Place, std::string>> roles;
  for (const Place place :
       {Place::kCluster, Place::kDeployment, Place::kDns, Place::kSuite, Place::kAgent}) {
    const std::string rules = RulesAt(profile, place);
    if (rules.empty()) continue;
    auto& role = roles.try_emplace(NamespaceOf(profile, place), place, "").first->second;
    role.second += rules;
  }
  for (const auto& [ns, role] : roles) text += Role(role.first, ns, account, role.second);
  return text;
}

}  // namespace pawk8s
