#include "pawk8s/deployment/validator_volumes.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/mounted_claim.h"
#include "pawk8s/kube/quantity.h"

namespace pawk8s {
namespace {

using kube::Json;

std::vector<std::string> TextsAt(const Json& json, kube::FieldPath path) {
  std::vector<std::string> texts;
  for (const Json& one : kube::FindList(json, path)) {
    if (one.is_string()) texts.push_back(one.get<std::string>());
  }
  return texts;
}

std::string Size(std::int64_t bytes) {
  return fmt::format("{:.2f} GiB", static_cast<double>(bytes) / (1LL << 30));
}

}  // namespace

std::int64_t BytesAt(const Json& json, kube::FieldPath path) {
  const auto amount = kube::ParseQuantity(kube::FindString(json, path).value_or(""));
  return amount ? amount->Whole() : 0;
}

std::string ValidatorVolume::ToString() const {
  return fmt::format("PersistentVolumeClaim {}/{}", ns, claim);
}

absl::StatusOr<std::vector<ValidatorVolume>> ReadValidatorVolumes(Deployment& paw,
                                                                  const Deadline& deadline) {
  const Profile& profile = paw.profile();
  ASSIGN_OR_RETURN(const WorkloadState state, paw.Read(profile.validators, deadline));
  ASSIGN_OR_RETURN(
      const kube::ObjectList claims,
      paw.kube().List({kube::kPersistentVolumeClaims, profile.validators.ns}, deadline));
  ASSIGN_OR_RETURN(const kube::ObjectList pvs,
                   paw.kube().List({kube::kPersistentVolumes}, deadline));
  const auto find = [](const auto& objects, const std::string& name) {
    const auto found =
        std::ranges::find_if(objects, [&](const auto& one) { return one.name() == name; });
    return found == objects.end() ? nullptr : &*found;
  };
  std::vector<ValidatorVolume> volumes;
  for (int ordinal = 0; ordinal < state.replicas; ++ordinal) {
    ValidatorVolume& of = volumes.emplace_back();
    of.pod = fmt::format("{}-{}", profile.validators.name, ordinal);
    of.claim = fmt::format("{}-{}", profile.storage.claim, of.pod);
    of.ns = profile.validators.ns;
    if (const kube::Pod* pod = find(state.pods, of.pod)) {
      of.mounted = ClaimAt(*pod, profile.validators.container, profile.storage.path);
    }
    const kube::Object* claim = find(claims.items, of.claim);
    if (claim == nullptr) continue;
    of.uid = claim->uid();
    of.phase = kube::FindString(claim->json(), {"status", "phase"}).value_or("");
    of.access_modes = TextsAt(claim->json(), {"spec", "accessModes"});
    of.volume = kube::FindString(claim->json(), {"spec", "volumeName"}).value_or("");
    of.request = BytesAt(claim->json(), {"spec", "resources", "requests", "storage"});
    const kube::Object* pv = find(pvs.items, of.volume);
    if (pv == nullptr) continue;
    of.claim_ref_uid = kube::FindString(pv->json(), {"spec", "claimRef", "uid"}).value_or("");
    of.reclaim_policy =
        kube::FindString(pv->json(), {"spec", "persistentVolumeReclaimPolicy"}).value_or("");
    of.capacity = BytesAt(pv->json(), {"spec", "capacity", "storage"});
  }
  return volumes;
}

std::string WhyNotItsOwn(const ValidatorVolume& volume) {
  if (volume.uid.empty()) return "is not there";
  if (volume.phase != "Bound") return fmt::format("is {}", volume.phase);
  const bool one_node = std::ranges::all_of(volume.access_modes, [](const std::string& mode) {
    return mode == "ReadWriteOnce" || mode == "ReadWriteOncePod";
  });
  if (!one_node || volume.access_modes.empty()) {
    return fmt::format("asks for {}", fmt::join(volume.access_modes, ", "));
  }
  if (volume.claim_ref_uid != volume.uid) {
    return fmt::format("is {}, but its volume {} is of the claim {}", volume.uid, volume.volume,
                       volume.claim_ref_uid.empty() ? "(none)" : volume.claim_ref_uid);
  }
  if (volume.mounted != volume.claim) {
    return fmt::format("is not what {} mounts, which is {}", volume.pod,
                       volume.mounted.empty() ? "no claim" : volume.mounted);
  }
  return "";
}

std::string WhatIsShared(const std::vector<ValidatorVolume>& volumes) {
  std::map<std::string, std::string> claims;  // by volume
  for (const ValidatorVolume& one : volumes) {
    const auto [first, fresh] = claims.emplace(one.volume, one.claim);
    if (!fresh) return fmt::format("{} and {} share {}", first->second, one.claim, one.volume);
  }
  return "";
}

absl::StatusOr<OfferedCapacity> ReadOfferedCapacity(Deployment& paw, agent::Agent& agents,
                                                    const ValidatorVolume& volume,
                                                    const Deadline& deadline) {
  const Profile& profile = paw.profile();
  ASSIGN_OR_RETURN(kube::Object found,
                   paw.kube().Get({kube::kPods, volume.ns, volume.pod}, deadline));
  const kube::Pod pod(std::move(found));
  ASSIGN_OR_RETURN(const agent::NodeAgent node, agents.For(pod, deadline));
  ASSIGN_OR_RETURN(const agent::Target target, agent::TargetOf(pod, profile.validators.container));
  ASSIGN_OR_RETURN(
      const agent::FilesystemFacts facts,
      node.Call(agent::StatvfsRequest{.target = target, .path = profile.storage.path}, deadline));
  return OfferedCapacity{.volume = volume, .total = facts.total_bytes};
}

std::string WhyTooSmall(const OfferedCapacity& offered, Bytes least_request, Percent usable) {
  const ValidatorVolume& of = offered.volume;
  if (of.request < least_request.count) return "asks for " + Size(of.request);
  if (of.capacity < of.request) {
    return fmt::format("asks for {} and has a volume of {}", Size(of.request), Size(of.capacity));
  }
  // The volume's is the larger of the two.
  if (static_cast<double>(offered.total) >= usable.Of(static_cast<double>(of.capacity))) return "";
  return fmt::format("has a volume that declares {}, on which {} sees {}", Size(of.capacity),
                     of.pod, Size(offered.total));
}

}  // namespace pawk8s
