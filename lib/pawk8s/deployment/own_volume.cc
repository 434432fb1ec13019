#include "pawk8s/deployment/own_volume.h"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>
#include <string_view>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/mounted_claim.h"
#include "pawk8s/deployment/own_pod.h"
#include "pawk8s/deployment/validator_volumes.h"
#include "pawk8s/wait/until.h"

namespace pawk8s {
namespace {

using kube::Json;

constexpr Millis kEvery{250};
constexpr const char* kFile = "pawk8s-mark";

fault::FaultOptions Held(const Profile& profile) { return {.hold = profile.budgets.per_case}; }

kube::ObjectRef ClaimRef(const Profile& profile, const std::string& name) {
  return {kube::kPersistentVolumeClaims, profile.ns, name};
}

absl::StatusOr<Json> ManifestFor(Deployment& paw, const std::string& what,
                                 std::optional<Bytes> size, const Deadline& deadline) {
  const Profile& profile = paw.profile();
  ASSIGN_OR_RETURN(const kube::Object set, paw.kube().Get(RefOf(profile.validators), deadline));
  return OwnClaimManifest("pawk8s-" + what, set.json(), profile,
                          size.value_or(profile.thresholds.persistent_volume.least_request));
}

ClaimState StateOf(const kube::Object& claim) {
  return {
      .claim = claim.ToString(),
      .storage_class = kube::FindString(claim.json(), {"spec", "storageClassName"}).value_or(""),
      .phase = kube::FindString(claim.json(), {"status", "phase"}).value_or(""),
      .volume = kube::FindString(claim.json(), {"spec", "volumeName"}).value_or(""),
      .capacity = BytesAt(claim.json(), {"status", "capacity", "storage"})};
}

// "Released" as soon as it is, "gone" when it no longer exists, else what it is after `within`.
absl::StatusOr<std::string> PhaseAfterDeletion(Deployment& paw, const std::string& volume,
                                               const Deadline& within) {
  const auto report = Until(
      within, Every(kEvery),
      [&](const Deadline& d) -> absl::StatusOr<std::string> {
        const auto now = paw.kube().Get({kube::kPersistentVolumes, "", volume}, d);
        if (absl::IsNotFound(now.status()) || (now.ok() && now->deletion_time())) return "gone";
        RETURN_IF_ERROR(now.status());
        return kube::FindString(now->json(), {"status", "phase"}).value_or("");
      },
      [](const std::string& phase) { return phase != "Bound"; });
  if (report.last) return *report.last;
  return report.status;
}

// Waits until the user runs, then lets it write and read.
absl::StatusOr<VolumeContent> AwaitContent(Deployment& paw, const OwnClaim& claim,
                                           const OwnUser& user, const std::string& write,
                                           const Deadline& within) {
  const auto report = Until(
      within, Every(kEvery),
      [&](const Deadline& d) { return ReadContent(paw, claim, user, write, d); },
      [](const VolumeContent& now) { return now.user.lacks.empty(); });
  if (report.last) return *report.last;
  return report.status;
}

}  // namespace

absl::StatusOr<Json> OwnClaimManifest(const std::string& name, const Json& stateful_set,
                                      const Profile& profile, Bytes size) {
  for (const Json& like : kube::FindList(stateful_set, {"spec", "volumeClaimTemplates"})) {
    if (kube::FindString(like, {"metadata", "name"}) != profile.storage.claim) continue;
    return Json{{"metadata", {{"name", name}}},
                {"spec",
                 {{"accessModes", kube::FindList(like, {"spec", "accessModes"})},
                  {"storageClassName", profile.storage.storage_class},
                  {"resources", {{"requests", {{"storage", ToText(size)}}}}}}}};
  }
  return absl::NotFoundError(fmt::format("{} has no claim template {}",
                                         profile.validators.ToString(), profile.storage.claim));
}

absl::StatusOr<OwnClaim> MakeClaim(Deployment& paw, fault::Faults& faults, const std::string& what,
                                   const Deadline& deadline, std::optional<Bytes> size) {
  const Profile& profile = paw.profile();
  ASSIGN_OR_RETURN(const Json manifest, ManifestFor(paw, what, size, deadline));
  ASSIGN_OR_RETURN(fault::Fault made, faults.Claim(profile.ns, manifest, deadline, Held(profile)));
  return OwnClaim{"pawk8s-" + what, profile.storage.storage_class, std::move(made)};
}

absl::StatusOr<OwnUser> UseClaim(Deployment& paw, fault::Faults& faults, const OwnClaim& claim,
                                 const Use& use, const Deadline& deadline) {
  ASSIGN_OR_RETURN(OwnPod pod, OwnPod::Prepare(paw, use.what, deadline));
  pod.Claim(claim.name, kOwnVolume).Volume("scratch", {{"emptyDir", Json::object()}}, kOwnScratch);
  if (!use.node.empty()) pod.On(use.node);
  if (!use.script.empty()) pod.Script(use.script);
  ASSIGN_OR_RETURN(fault::Fault made,
                   faults.Create(pod.where(), pod.manifest(), deadline, Held(paw.profile())));
  return OwnUser{pod.name(), std::move(made)};
}

std::string ClaimState::ToString() const {
  return fmt::format("PersistentVolumeClaim {} of StorageClass {} ({}, {:.2f} GiB)", claim,
                     storage_class, phase, static_cast<double>(capacity) / (1LL << 30));
}

absl::StatusOr<ClaimState> ReadClaim(Deployment& paw, const OwnClaim& claim,
                                     const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::Object now,
                   paw.kube().Get(ClaimRef(paw.profile(), claim.name), deadline));
  return StateOf(now);
}

absl::Status ExpandClaim(Deployment& paw, fault::Faults& faults, const OwnClaim& claim, Bytes size,
                         const Deadline& deadline) {
  const Json patch = {{"spec", {{"resources", {{"requests", {{"storage", ToText(size)}}}}}}}};
  return faults.EditOwn(ClaimRef(paw.profile(), claim.name), patch,
                        fmt::format("expand {} to {}", claim.name, ToText(size)), deadline);
}

absl::StatusOr<std::string> ReadBindingMode(Deployment& paw, const Deadline& deadline) {
  ASSIGN_OR_RETURN(
      const kube::Object storage_class,
      paw.kube().Get({kube::kStorageClasses, "", paw.profile().storage.storage_class}, deadline));
  return kube::FindString(storage_class.json(), {"volumeBindingMode"}).value_or("Immediate");
}

std::string UserState::ToString() const {
  return fmt::format("pod {} on {} with {}", pod,
                     node.empty()    ? "no node"
                     : lacks.empty() ? node + ", running,"
                                     : node,
                     claim.ToString());
}

absl::StatusOr<UserState> ReadUser(Deployment& paw, const OwnClaim& claim, const OwnUser& user,
                                   const Deadline& deadline) {
  const std::string& ns = paw.profile().ns;
  UserState state{.pod = user.pod};
  ASSIGN_OR_RETURN(state.claim, ReadClaim(paw, claim, deadline));
  ASSIGN_OR_RETURN(kube::Object found, paw.kube().Get({kube::kPods, ns, user.pod}, deadline));
  const kube::Pod pod(std::move(found));
  state.node = pod.node().value_or("");
  const auto statuses = pod.container_statuses();
  const bool runs = !statuses.empty() && std::ranges::all_of(statuses, [](const auto& status) {
    return status.state == "running";
  });
  if (!runs) state.lacks = WhyNotReady(pod);
  if (!runs && state.lacks.empty()) state.lacks = "its container does not run";
  ASSIGN_OR_RETURN(
      const auto events,
      paw.kube().List({kube::kEvents, ns, "", "involvedObject.uid=" + pod.uid()}, deadline));
  for (const kube::Object& event : events.items) {
    state.events.push_back(fmt::format("{}: {}",
                                       kube::FindString(event.json(), {"reason"}).value_or(""),
                                       kube::FindString(event.json(), {"message"}).value_or("")));
  }
  return state;
}

bool SaysVolumeIsElsewhere(const std::vector<std::string>& events) {
  // Only the message tells it from any other reason for which a pod cannot be placed. The texts are
  // the scheduler's, of several releases.
  const auto holds = [](const std::string& event, std::string_view part) {
    return event.find(part) != std::string::npos;
  };
  return std::ranges::any_of(events, [&](const std::string& event) {
    if (event.starts_with("FailedScheduling: ")) {
      return holds(event, "volume node affinity conflict") ||
             holds(event, "PersistentVolume's node affinity") || holds(event, "ReadWriteOncePod");
    }
    return event.starts_with("FailedAttachVolume: ") && holds(event, "Multi-Attach");
  });
}

absl::StatusOr<VolumeContent> ReadContent(Deployment& paw, const OwnClaim& claim,
                                          const OwnUser& user, const std::string& write,
                                          const Deadline& deadline) {
  VolumeContent now;
  ASSIGN_OR_RETURN(now.user, ReadUser(paw, claim, user, deadline));
  if (!now.user.lacks.empty()) return now;
  const std::string file = fmt::format("{}/{}", kOwnVolume, kFile);
  std::string script = fmt::format("[ ! -e {0} ] || cat {0}", file);
  if (!write.empty()) {
    script = fmt::format("printf %s '{}' | dd of={} conv=fsync 2>{}/error || cat {}/error >&2\n{}",
                         write, file, kOwnScratch, kOwnScratch, script);
  }
  ASSIGN_OR_RETURN(now.content, RunScript(paw, user.pod, script, deadline));
  return now;
}

absl::StatusOr<std::pair<std::string, std::string>> TwoWorkers(Deployment& paw,
                                                               const Deadline& deadline) {
  ASSIGN_OR_RETURN(const WorkloadState state, paw.Read(paw.profile().validators, deadline));
  std::string first;
  for (const kube::Pod& pod : state.pods) {
    const std::string node = pod.node().value_or("");
    if (node.empty() || node == first || !WhyNotReady(pod).empty()) continue;
    if (!first.empty()) return std::pair(first, node);
    first = node;
  }
  return absl::FailedPreconditionError(
      fmt::format("{} has no two Ready pods on different nodes", state.ref.ToString()));
}

std::string RecoveredData::ToString() const {
  return fmt::format("PersistentVolume {} of StorageClass {}", volume, storage_class);
}

absl::StatusOr<RecoveredData> DeleteAndRecover(Deployment& paw, fault::Faults& faults,
                                               const Deadline& deadline) {
  const Profile& profile = paw.profile();
  const Millis bound = profile.thresholds.persistent_volume.bound;
  RecoveredData data{.storage_class = profile.storage.storage_class, .mark = RandomMark()};
  ASSIGN_OR_RETURN(const OwnClaim claim, MakeClaim(paw, faults, "deleted", deadline));
  {
    ASSIGN_OR_RETURN(OwnUser writer, UseClaim(paw, faults, claim, {.what = "writer"}, deadline));
    ASSIGN_OR_RETURN(const VolumeContent written,
                     AwaitContent(paw, claim, writer, data.mark, deadline.AtMost(bound)));
    if (written.content != data.mark) {
      return absl::FailedPreconditionError(fmt::format(
          "{} could not be written to: {}", written.user.ToString(), written.user.lacks));
    }
    data.volume = written.user.claim.volume;
    RETURN_IF_ERROR(writer.made.Revert());
  }
  RETURN_IF_ERROR(faults.DeleteOwn(ClaimRef(profile, claim.name), deadline));
  ASSIGN_OR_RETURN(data.phase, PhaseAfterDeletion(paw, data.volume, deadline.AtMost(bound)));
  if (data.phase != "Released") return data;

  ASSIGN_OR_RETURN(const Json manifest, ManifestFor(paw, "recovered", {}, deadline));
  auto again = faults.ClaimAgain(profile.ns, manifest, data.volume, deadline, Held(profile));
  if (absl::IsNotFound(again.status())) {
    // It was Released for a moment only, on its way to be deleted.
    data.phase = "gone";
    return data;
  }
  RETURN_IF_ERROR(again.status());
  const OwnClaim recovered{"pawk8s-recovered", data.storage_class, *std::move(again)};
  ASSIGN_OR_RETURN(const OwnUser reader,
                   UseClaim(paw, faults, recovered, {.what = "reader"}, deadline));
  ASSIGN_OR_RETURN(const VolumeContent content,
                   AwaitContent(paw, recovered, reader, "", deadline.AtMost(bound)));
  data.read = content.content;
  return data;
}

std::string GrowingVolume::ToString() const {
  return fmt::format("{}, file system of {:.2f} GiB, {} writes of {} and {} failed",
                     claim.ToString(), static_cast<double>(total) / (1LL << 30), writes, pod,
                     failed);
}

std::string SyncingWriter() {
  return fmt::format(
      "touch {1}/written {1}/failed\n"
      "while :; do\n"
      "  if dd if=/dev/zero of={0}/pawk8s-writer bs=4096 count=1 conv=notrunc,fsync 2>{1}/error\n"
      "  then echo ok >>{1}/written; else echo failed >>{1}/failed; fi\n"
      "  sleep 0.1\n"
      "done\n",
      kOwnVolume, kOwnScratch);
}

absl::StatusOr<GrowingVolume> ReadGrowingVolume(Deployment& paw, const OwnClaim& claim,
                                                const OwnUser& writer, const Deadline& deadline) {
  GrowingVolume now{.pod = writer.pod};
  ASSIGN_OR_RETURN(now.claim, ReadClaim(paw, claim, deadline));
  ASSIGN_OR_RETURN(kube::Object found,
                   paw.kube().Get({kube::kPods, paw.profile().ns, writer.pod}, deadline));
  for (const auto& status : kube::Pod(std::move(found)).container_statuses()) {
    now.container_id = status.container_id;
  }
  ASSIGN_OR_RETURN(const std::string report,
                   RunScript(paw, writer.pod,
                             fmt::format("set -e\nstat -f -c '%S %b' {0}\nwc -l <{1}/written\n"
                                         "wc -l <{1}/failed",
                                         kOwnVolume, kOwnScratch),
                             deadline));
  RETURN_IF_ERROR(ParseWriterReport(report, now));
  return now;
}

absl::Status ParseWriterReport(const std::string& text, GrowingVolume& volume) {
  std::istringstream in(text);
  std::int64_t block = 0;
  std::int64_t blocks = 0;
  if (!(in >> block >> blocks >> volume.writes >> volume.failed)) {
    return absl::DataLossError(fmt::format("no report of a writer: '{}'", text));
  }
  volume.total = block * blocks;
  return absl::OkStatus();
}

}  // namespace pawk8s
