#include "pawk8s/deployment/identity.h"

#include <fmt/format.h>

#include "pawk8s/base/status.h"
#include "pawk8s/net/digest.h"

namespace pawk8s {
namespace {

absl::Status Compare(const Profile& profile, std::string_view what, const std::string& pinned,
                     const std::string& is) {
  if (pinned.empty() || pinned == is) return absl::OkStatus();
  return absl::FailedPreconditionError(fmt::format(
      "this is not the deployment that {} was written for: its {} is {}, the profile says {}; "
      "correct the kubeconfig, or the profile's identity if the deployment was made anew",
      profile.file, what, is, pinned));
}

absl::StatusOr<Identity> ReadClusterIdentity(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::Object kube_system,
                   paw.kube().Get({kube::kNamespaces, "", "kube-system"}, deadline));
  Identity identity{.kube_system_uid = kube_system.uid()};
  if (const std::string& ca = paw.kube().config().ca_pem; !ca.empty()) {
    ASSIGN_OR_RETURN(identity.ca_sha256, net::CertificateSha256(ca));
  }
  return identity;
}

absl::Status CompareCluster(const Profile& profile, const Identity& identity) {
  RETURN_IF_ERROR(Compare(profile, "kube-system UID", profile.identity.kube_system_uid,
                          identity.kube_system_uid));
  return Compare(profile, "cluster CA", profile.identity.ca_sha256, identity.ca_sha256);
}

}  // namespace

absl::StatusOr<Identity> ReadIdentity(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(Identity identity, ReadClusterIdentity(paw, deadline));
  const auto validators = paw.Read(paw.profile().validators, deadline);
  if (!validators.ok()) return identity;
  for (const kube::Pod& pod : validators->ReadyPods()) {
    const auto status = paw.RpcOf(pod).Status(deadline.AtMost(std::chrono::seconds(3)));
    if (!status.ok()) continue;
    identity.chain_id = status->network;
    ASSIGN_OR_RETURN(identity.genesis_sha256,
                     paw.RpcOf(pod).GenesisSha256(deadline.AtMost(std::chrono::seconds(30))));
    break;
  }
  return identity;
}

absl::Status CheckClusterIdentity(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const Identity identity, ReadClusterIdentity(paw, deadline));
  return CompareCluster(paw.profile(), identity);
}

absl::Status CheckIdentity(Deployment& paw, const Deadline& deadline) {
  const Profile& profile = paw.profile();
  ASSIGN_OR_RETURN(const Identity identity, ReadIdentity(paw, deadline));
  RETURN_IF_ERROR(CompareCluster(profile, identity));
  if (!identity.chain_id.empty()) {
    RETURN_IF_ERROR(Compare(profile, "chain id", profile.identity.chain_id, identity.chain_id));
  }
  if (!identity.genesis_sha256.empty()) {
    RETURN_IF_ERROR(
        Compare(profile, "genesis", profile.identity.genesis_sha256, identity.genesis_sha256));
  }
  return absl::OkStatus();
}

}  // namespace pawk8s
