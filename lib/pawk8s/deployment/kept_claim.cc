#include "pawk8s/deployment/kept_claim.h"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/wait/until.h"

namespace pawk8s {
namespace {

constexpr Millis kMargin{30'000};
constexpr Millis kEvery{250};

// Wakes at each change of the watched objects; DeadlineExceeded if `holds` does not come, and the
// watch would have shown it.
absl::Status AwaitThat(const kube::Informer& watch,
                       const std::function<bool(const kube::Informer::Snapshot&)>& holds,
                       const Deadline& deadline) {
  while (true) {
    const auto seen = watch.Get();
    if (holds(seen)) return absl::OkStatus();
    const absl::Status changed = watch.AwaitChange(seen.version, deadline);
    if (absl::IsDeadlineExceeded(changed)) RETURN_IF_ERROR(watch.Confirm(deadline));
    RETURN_IF_ERROR(changed);
  }
}

absl::StatusOr<std::unique_ptr<kube::Informer>> WatchOne(Deployment& paw,
                                                         const kube::GroupVersionResource& kind,
                                                         const std::string& name,
                                                         const Deadline& deadline) {
  return kube::Informer::Start(
      paw.kube(), {kind, paw.profile().validators.ns, "", "metadata.name=" + name}, deadline);
}

std::string WhyNot(const kube::Object& claim, const MountedClaim& before) {
  if (claim.uid() != before.uid) return "was replaced by another one";
  if (claim.deletion_time()) return "was deleted";
  const auto phase = kube::FindString(claim.json(), {"status", "phase"});
  if (phase != "Bound") return "was " + phase.value_or("of no phase");
  const auto volume = kube::FindString(claim.json(), {"spec", "volumeName"}).value_or("");
  return volume == before.volume ? "" : "was bound to volume " + volume;
}

}  // namespace

std::string KeptClaim::ToString() const {
  return fmt::format("PersistentVolumeClaim {}/{}", ns, before.claim);
}

std::string WhyNotKept(const std::vector<kube::Object>& listed,
                       const std::vector<kube::Change>& changes, const MountedClaim& before) {
  if (listed.empty()) return "was not there";
  for (const kube::Object& claim : listed) {
    if (std::string why = WhyNot(claim, before); !why.empty()) return why;
  }
  for (const kube::Change& change : changes) {
    if (change.type == kube::Change::Type::kDeleted) return "was deleted";
    if (std::string why = WhyNot(change.object, before); !why.empty()) return why;
  }
  return "";
}

absl::StatusOr<KeptClaim> ScaleDownAndBack(Deployment& paw, fault::Faults& faults,
                                           agent::Agent& agents, int blocks,
                                           const Deadline& deadline) {
  const Profile& profile = paw.profile();
  const auto& limits = profile.thresholds;
  const Millis away = limits.block_gap * blocks;
  ASSIGN_OR_RETURN(const WorkloadState state, paw.Read(profile.validators, deadline));
  if (state.pods.empty()) return absl::FailedPreconditionError(state.ref.ToString() + ": no pods");
  const kube::Pod last = *std::ranges::max_element(
      state.pods, {}, [](const kube::Pod& pod) { return pod.ordinal().value_or(-1); });
  ASSIGN_OR_RETURN(const kube::Pod witness, paw.OtherValidator(last, deadline));
  KeptClaim seen{.ns = last.ns(), .pod = last.name()};
  ASSIGN_OR_RETURN(seen.before, ReadMountedClaim(paw, last, deadline));
  if (seen.before.claim.empty()) {
    return absl::FailedPreconditionError(
        fmt::format("pod {} mounts no claim at {}", last.name(), profile.storage.path));
  }
  ASSIGN_OR_RETURN(VolumeMark mark, WriteMark(paw, faults, last, deadline));
  seen.mark = mark.content;
  ASSIGN_OR_RETURN(const auto claim,
                   WatchOne(paw, kube::kPersistentVolumeClaims, seen.before.claim, deadline));
  ASSIGN_OR_RETURN(const auto pod, WatchOne(paw, kube::kPods, last.name(), deadline));
  const auto listed = claim->Get();

  ASSIGN_OR_RETURN(fault::Fault down,
                   faults.Scale(RefOf(profile.validators), state.replicas - 1, deadline,
                                {.hold = limits.stateful_set.all_gone + away + kMargin}, {last}));
  RETURN_IF_ERROR(
      Annotate(AwaitThat(
                   *pod, [&](const auto& now) { return now.Find(last.name()) == nullptr; },
                   deadline.AtMost(limits.stateful_set.all_gone)),
               fmt::format("pod {} is not gone", last.name())));
  ASSIGN_OR_RETURN(const PodNode first, paw.NodeOf(witness, deadline));
  const auto made = Until(
      deadline.AtMost(away), Every(kEvery),
      [&](const Deadline& d) { return paw.NodeOf(witness, d); },
      [&](const PodNode& now) {
        return now.status.latest.value >= first.status.latest.value + blocks;
      });
  if (!made.last) return made.status;
  ASSIGN_OR_RETURN(seen.blocks, paw.Blocks(witness, first.status.latest + 1,
                                           made.last->status.latest, deadline));
  RETURN_IF_ERROR(claim->Confirm(deadline));
  seen.not_kept = WhyNotKept(listed.objects, claim->Changes().changes, seen.before);

  RETURN_IF_ERROR(down.Revert());
  const absl::Status back = AwaitThat(
      *pod,
      [&](const auto& now) {
        const kube::Object* found = now.Find(last.name());
        return found != nullptr && WhyNotReady(kube::Pod(*found)).empty();
      },
      deadline.AtMost(limits.pod_ready));
  if (absl::IsDeadlineExceeded(back)) return seen;
  RETURN_IF_ERROR(back);
  const kube::Pod next(*pod->Get().Find(last.name()));
  ASSIGN_OR_RETURN(seen.after, ReadMountedClaim(paw, next, deadline));
  ASSIGN_OR_RETURN(seen.mark_after, TakeMark(paw, agents, next, deadline));
  RETURN_IF_ERROR(mark.written.Revert());
  return seen;
}

}  // namespace pawk8s
