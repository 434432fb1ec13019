#include "pawk8s/deployment/mounted_claim.h"

#include <fmt/format.h>

#include <random>
#include <utility>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

using kube::Json;

// Named so that the agent removes it, and always the same, so that a run that died leaves one at
// most.
constexpr const char* kMarkFile = "pawk8s-mark";

std::string MarkPath(const Profile& profile) { return profile.storage.path + "/" + kMarkFile; }

}  // namespace

absl::StatusOr<MountedClaim> ReadMountedClaim(Deployment& paw, const kube::Pod& pod,
                                              const Deadline& deadline) {
  const Profile& profile = paw.profile();
  MountedClaim mounted{.claim = ClaimAt(pod, profile.validators.container, profile.storage.path)};
  if (mounted.claim.empty()) return mounted;
  ASSIGN_OR_RETURN(
      const kube::Object claim,
      paw.kube().Get({kube::kPersistentVolumeClaims, pod.ns(), mounted.claim}, deadline));
  mounted.uid = claim.uid();
  mounted.volume = kube::FindString(claim.json(), {"spec", "volumeName"}).value_or("");
  return mounted;
}

std::string ClaimAt(const kube::Pod& pod, const std::string& container, const std::string& path) {
  std::string volume;
  for (const Json& c : kube::FindList(pod.json(), {"spec", "containers"})) {
    if (kube::FindString(c, {"name"}) != container) continue;
    for (const Json& mount : kube::FindList(c, {"volumeMounts"})) {
      if (kube::FindString(mount, {"mountPath"}) != path) continue;
      volume = kube::FindString(mount, {"name"}).value_or("");
    }
  }
  for (const Json& v : kube::FindList(pod.json(), {"spec", "volumes"})) {
    if (kube::FindString(v, {"name"}) == volume) {
      return kube::FindString(v, {"persistentVolumeClaim", "claimName"}).value_or("");
    }
  }
  return "";
}

absl::StatusOr<VolumeMark> WriteMark(Deployment& paw, fault::Faults& faults, const kube::Pod& pod,
                                     const Deadline& deadline) {
  const Profile& profile = paw.profile();
  const std::string content = RandomMark();
  ASSIGN_OR_RETURN(fault::Fault written,
                   faults.WriteFile(pod, profile.validators.container, MarkPath(profile), content,
                                    deadline, {.hold = profile.budgets.per_case}));
  return VolumeMark{content, std::move(written)};
}

absl::StatusOr<std::optional<std::string>> TakeMark(Deployment& paw, agent::Agent& agents,
                                                    const kube::Pod& pod,
                                                    const Deadline& deadline) {
  const std::string path = MarkPath(paw.profile());
  ASSIGN_OR_RETURN(const agent::NodeAgent node, agents.For(pod, deadline));
  ASSIGN_OR_RETURN(const agent::Target target,
                   agent::TargetOf(pod, paw.profile().validators.container));
  const auto read = node.Call(agent::FileReadRequest{.target = target, .path = path}, deadline);
  if (absl::IsNotFound(read.status()) && !agent::IsTargetGone(read.status())) return std::nullopt;
  RETURN_IF_ERROR(read.status());
  RETURN_IF_ERROR(
      node.Call(agent::FileRemoveRequest{.target = target, .path = path}, deadline).status());
  return read->content.data;
}

std::string RandomMark() {
  std::random_device random;
  std::string mark;
  for (int i = 0; i < 8; ++i) mark += fmt::format("{:08x}", random());
  return mark;
}

}  // namespace pawk8s
