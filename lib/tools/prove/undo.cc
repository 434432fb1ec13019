#include "prove/undo.h"

#include <fmt/format.h>

#include <optional>
#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/kube/exec.h"
#include "pawk8s/wait/until.h"
#include "prove/chain_file.h"
#include "prove/content.h"
#include "prove/governance.h"

namespace pawk8s::prove {
namespace {

using nlohmann::json;

constexpr Millis kBetweenTries{200};

PodFile FileOf(const json& undo) {
  return {undo.at("namespace"), undo.at("pod"), undo.at("container"), undo.value("path", "")};
}

// A volume that was bound to a claim that is gone takes no other one, not even of the same name.
absl::Status FreeVolumeOf(Site& site, const json& claim, const Deadline& deadline) {
  const auto name = kube::FindString(claim, {"spec", "volumeName"});
  if (!name) return absl::OkStatus();
  const kube::ObjectRef volume{kube::kPersistentVolumes, "", *name};
  ASSIGN_OR_RETURN(const std::optional<kube::Object> live, Find(site, volume, deadline));
  if (!live || kube::FindField(live->json(), {"spec", "claimRef", "uid"}) == nullptr) {
    return absl::OkStatus();
  }
  return site.paw.kube()
      .Patch(volume, kube::PatchType::kMerge,
             {{"spec", {{"claimRef", {{"uid", nullptr}, {"resourceVersion", nullptr}}}}}}, deadline)
      .status();
}

// A claim that is made way for leaves the volume that was made for it under the defect: that goes
// with it.
absl::Status GiveUpVolumeOf(Site& site, const kube::Object& claim, const json& before,
                            const Deadline& deadline) {
  const auto name = kube::FindString(claim.json(), {"spec", "volumeName"});
  if (!name || name == kube::FindString(before, {"spec", "volumeName"})) return absl::OkStatus();
  const absl::Status told =
      site.paw.kube()
          .Patch({kube::kPersistentVolumes, "", *name}, kube::PatchType::kMerge,
                 {{"spec", {{"persistentVolumeReclaimPolicy", "Delete"}}}}, deadline)
          .status();
  return absl::IsNotFound(told) ? absl::OkStatus() : told;
}

// Pods go on running, and are adopted by the successor.
kube::DeleteOptions OrphaningDelete(const kube::ObjectRef& ref, const kube::Object& live) {
  kube::DeleteOptions options{.uid = live.uid()};
  if (ref.resource.group == "apps") options.propagation = kube::Propagation::kOrphan;
  return options;
}

absl::Status RestoreObject(Site& site, const kube::ObjectRef& ref, const json& before,
                           const Deadline& deadline) {
  while (true) {
    ASSIGN_OR_RETURN(const std::optional<kube::Object> live,
                     Patiently([&](const Deadline& d) { return Find(site, ref, d); }));
    absl::Status done;
    if (!live) {
      done = CreateAgain(site, ref, before, deadline).status();
    } else if (live->deletion_time() && ref.resource.resource != "pods") {
      done = absl::AbortedError(ref.ToString() + " is still being deleted");
    } else if (ContentOf(live->json()) == ContentOf(before)) {
      return absl::OkStatus();
    } else {
      done = site.paw.kube().Update(ref, UpdateTo(before, live->json()), deadline).status();
      if (absl::IsInvalidArgument(done)) {
        if (ref.resource.resource == "persistentvolumeclaims") {
          RETURN_IF_ERROR(GiveUpVolumeOf(site, *live, before, deadline));
        }
        RETURN_IF_ERROR(DeleteAndAwait(site, ref, OrphaningDelete(ref, *live), deadline));
        done = CreateAgain(site, ref, before, deadline).status();
      }
    }
    if (done.ok()) return absl::OkStatus();
    const bool again = absl::IsAborted(done) || absl::IsAlreadyExists(done) || IsRetryable(done);
    if (!again || deadline.Over()) return done;
    Clock::Real().Sleep(kBetweenTries, deadline);
  }
}

absl::Status UndoObject(Site& site, const json& undo, const Deadline& deadline) {
  const kube::ObjectRef ref = kube::ObjectRef::FromJson(undo.at("ref"));
  const json& before = undo.at("before");
  if (before.is_null()) {
    ASSIGN_OR_RETURN(const std::optional<kube::Object> live,
                     Patiently([&](const Deadline& d) { return Find(site, ref, d); }));
    if (!live) return absl::OkStatus();
    return DeleteAndAwait(site, ref, {.uid = live->uid()}, deadline);
  }
  if (ref.resource.resource == "pods" && HasController(kube::Object(before))) {
    // Its successor is its controller's.
    ASSIGN_OR_RETURN(const std::optional<kube::Object> live, Find(site, ref, deadline));
    if (!live || live->uid() != kube::Object(before).uid()) return absl::OkStatus();
  }
  return RestoreObject(site, ref, before, deadline);
}

// A container that a defect lets crash again and again can be entered only now and then.
absl::Status UndoFile(Site& site, const json& undo, const Deadline& deadline) {
  const PodFile file = FileOf(undo);
  const auto before = undo.at("before").get<std::string>();
  absl::Status last;
  do {
    const auto now = ReadPodFile(site, file, deadline.AtMost(Site::kRequest));
    if (now.ok() && *now == before) return absl::OkStatus();
    last =
        now.ok() ? WritePodFile(site, file, before, deadline.AtMost(Site::kRequest)) : now.status();
    if (last.ok()) return RestartContainer(site, file, deadline);
    if (absl::IsNotFound(last)) return absl::OkStatus();  // the pod is gone, its successor is new
    Clock::Real().Sleep(kBetweenTries, deadline);
  } while (!deadline.Over());
  return last;
}

absl::StatusOr<std::string> WhatHealedOfObject(Site& site, const json& undo) {
  const kube::ObjectRef ref = kube::ObjectRef::FromJson(undo.at("ref"));
  const auto name = undo.at("name").get<std::string>();
  const json& before = undo.at("before");
  const json& after = undo.at("after");
  ASSIGN_OR_RETURN(const std::optional<kube::Object> live,
                   Patiently([&](const Deadline& d) { return Find(site, ref, d); }));
  if (ref.resource.resource == "pods" && HasController(kube::Object(before)) &&
      (!live || live->uid() != kube::Object(before).uid())) {
    return "";
  }
  if (after.is_null()) {
    return !live || live->deletion_time() ? "" : name + " is there again";
  }
  if (!live) return name + " is gone";
  if (before.is_null()) {
    return live->uid() == undo.value("uid", "") && !live->deletion_time()
               ? ""
               : name + " is another one now";
  }
  const auto lost = FirstNotIn(ContentOf(live->json()), DifferencesOf(ContentOf(before), after));
  return lost ? fmt::format("{}: {} is no longer as planted", name, *lost) : "";
}

absl::Status NoAgent() {
  return absl::FailedPreconditionError("there is no agent to ask: its faults end by themselves");
}

std::string Unless(bool same, std::string what) { return same ? "" : std::move(what); }

}  // namespace

bool HasController(const kube::Object& object) { return object.controller().has_value(); }

absl::StatusOr<std::optional<kube::Object>> Find(Site& site, const kube::ObjectRef& ref,
                                                 const Deadline& deadline) {
  auto found = site.paw.kube().Get(ref, deadline);
  if (found.ok()) return std::optional<kube::Object>(*std::move(found));
  if (absl::IsNotFound(found.status())) return std::optional<kube::Object>();
  return found.status();
}

absl::Status DeleteAndAwait(Site& site, const kube::ObjectRef& ref,
                            const kube::DeleteOptions& options, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const std::optional<kube::Object> live, Find(site, ref, deadline));
  if (!live) return absl::OkStatus();
  const absl::Status asked = site.paw.kube().Delete(ref, deadline, options);
  if (absl::IsNotFound(asked)) return absl::OkStatus();
  RETURN_IF_ERROR(asked);
  const auto report = Until(
      deadline, Every(kBetweenTries), [&](const Deadline& d) { return Find(site, ref, d); },
      [&](const std::optional<kube::Object>& now) { return !now || now->uid() != live->uid(); });
  return Annotate(report.status, "waiting until " + ref.ToString() + " is gone");
}

absl::StatusOr<kube::Object> CreateAgain(Site& site, const kube::ObjectRef& ref, const json& before,
                                         const Deadline& deadline) {
  if (ref.resource.resource == "persistentvolumeclaims") {
    RETURN_IF_ERROR(FreeVolumeOf(site, before, deadline));
  }
  return site.paw.kube().Create({ref.resource, ref.ns}, NewFrom(before), deadline);
}

absl::StatusOr<std::string> WhatHealed(Site& site, const json& undo) {
  const auto what = undo.at("what").get<std::string>();
  if (undo.value("kept", false)) return "";
  if (!undo.contains("after") && what != "check") return what + " was never planted";
  if (what == "object") return WhatHealedOfObject(site, undo);
  if (what == "file") {
    const PodFile file = FileOf(undo);
    ASSIGN_OR_RETURN(const std::string now, ReadPodFile(site, file, Site::Soon()));
    return Unless(now == undo.at("after"),
                  fmt::format("{} in {} is no longer as planted", file.path, file.pod));
  }
  if (what == "component") {
    ASSIGN_OR_RETURN(const std::string now, site.testbed.ReadComponentFile(undo.at("file")));
    return Unless(now == undo.at("after"),
                  undo.at("file").get<std::string>() + " is no longer as planted");
  }
  if (what == "tag") {
    ASSIGN_OR_RETURN(const std::string now,
                     site.testbed.ImageDigest(undo.at("image"), undo.at("tag")));
    return Unless(now == undo.at("after"),
                  fmt::format("{}:{} is {} now", undo.at("image").get<std::string>(),
                              undo.at("tag").get<std::string>(), now));
  }
  if (what == "params") {
    ASSIGN_OR_RETURN(const json now, ReadParameters(site, undo.at("args")));
    return Unless(!FirstNotIn(now, DifferencesOf(undo.at("before"), undo.at("after"))),
                  "the chain's parameters are no longer as planted");
  }
  if (what == "agent") {
    if (site.agent == nullptr) return NoAgent();
    ASSIGN_OR_RETURN(const bool active,
                     site.agent->IsActive(undo.at("id"), undo.at("args"), Site::Soon()));
    return Unless(active, undo.at("name").get<std::string>() + " was reverted meanwhile");
  }
  const PodFile in = FileOf(undo);
  ASSIGN_OR_RETURN(const kube::ExecResult ran,
                   kube::Exec(site.paw.kube(),
                              {.ns = in.ns,
                               .pod = in.pod,
                               .container = in.container,
                               .argv = undo.at("argv").get<std::vector<std::string>>()},
                              Site::Soon()));
  return Unless(ran.exit_code == 0,
                fmt::format("the check in {} exits with {} now", in.pod, ran.exit_code));
}

absl::Status Undo(Site& site, const json& undo, const Deadline& deadline) {
  const auto what = undo.at("what").get<std::string>();
  if (what == "object") return UndoObject(site, undo, deadline);
  if (what == "file") return UndoFile(site, undo, deadline);
  if (what == "component") {
    ASSIGN_OR_RETURN(const std::string now, site.testbed.ReadComponentFile(undo.at("file")));
    if (now == undo.at("before")) return absl::OkStatus();
    return site.testbed.WriteComponentFile(undo.at("file"), undo.at("component"),
                                           undo.at("before"));
  }
  if (what == "tag") {
    return site.testbed.TagImage(undo.at("image"), undo.at("tag"), undo.at("before"));
  }
  if (what == "params")
    return RestoreParameters(site, undo.at("args"), undo.at("before"), deadline);
  if (what == "agent") {
    if (site.agent == nullptr) return NoAgent();
    return site.agent->Revert(undo.at("id"), undo.at("args"), deadline);
  }
  return absl::OkStatus();  // a check
}

}  // namespace pawk8s::prove
