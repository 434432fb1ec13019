// The rights that the suite uses, as a table: `pawk8s rbac` grants them, preflight checks them,
// `pawk8s plan` shows them.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/profile.h"
#include "pawk8s/kube/client.h"

namespace pawk8s {

// What of the profile asks for a right.
enum class Purpose {
  kObserve,  // always: read, and own objects beside the deployment
  kDisrupt,  // allow.disruption
  kAgent,    // allow.agent
  kDefects,  // allow.defects
};
[[nodiscard]] std::string_view NameOf(Purpose purpose);
[[nodiscard]] bool IsAllowed(const Profile& profile, Purpose purpose);

// In which namespace.
enum class Place { kDeployment, kDns, kSuite, kAgent, kCluster };
// Empty for kCluster.
[[nodiscard]] std::string NamespaceOf(const Profile& profile, Place place);

struct Right {
  Purpose purpose = Purpose::kObserve;
  Place place = Place::kDeployment;
  std::string group;     // empty: the core group
  std::string resource;  // "pods", "pods/exec"
  std::vector<std::string> verbs;
  std::string why;
};

// All of them. A resource may stand there several times, for different purposes.
[[nodiscard]] const std::vector<Right>& Rights();

// Which of the rights for `purpose` the client's account lacks, as "delete pods in paw". Asks by
// SelfSubjectAccessReview, which every account may.
[[nodiscard]] absl::StatusOr<std::vector<std::string>> MissingRights(kube::Client& client,
                                                                     const Profile& profile,
                                                                     Purpose purpose,
                                                                     const Deadline& deadline);

// PermissionDenied, naming account and rights, if the account lacks any right that what the profile
// allows asks for.
[[nodiscard]] absl::Status CheckRights(kube::Client& client, const Profile& profile,
                                       const Deadline& deadline);

// The least manifest that gives an account what the profile allows: the suite's namespace with the
// ServiceAccount `account`, the agent's namespace if it is allowed, roles and bindings.
[[nodiscard]] std::string RbacManifest(const Profile& profile, std::string_view account);

}  // namespace pawk8s
