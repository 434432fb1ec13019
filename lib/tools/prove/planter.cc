#include "prove/planter.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/identity.h"
#include "pawk8s/kube/exec.h"
#include "prove/chain_file.h"
#include "prove/content.h"
#include "prove/governance.h"
#include "prove/undo.h"
#include "prove/waits.h"

namespace pawk8s::prove {
namespace {

using nlohmann::json;

kube::PatchType PatchTypeOf(const std::string& name) {
  if (name == "json") return kube::PatchType::kJson;
  return name == "strategic" ? kube::PatchType::kStrategic : kube::PatchType::kMerge;
}

kube::Propagation PropagationOf(const Step& step) {
  const auto name = step.Text("propagation");
  if (name == "foreground") return kube::Propagation::kForeground;
  if (name == "background") return kube::Propagation::kBackground;
  return name == "orphan" ? kube::Propagation::kOrphan : kube::Propagation::kDefault;
}

bool ChangesAnObject(const std::string& kind) {
  static const std::vector<std::string_view> kinds = {"patch", "apply", "create",   "delete",
                                                      "scale", "label", "annotate", "replace"};
  return std::ranges::find(kinds, kind) != kinds.end();
}

// Workloads come back last: their pods start with what they are given then.
bool IsWorkload(const json& undo) {
  if (undo.at("what") != "object") return false;
  const auto resource = kube::ObjectRef::FromJson(undo.at("ref")).resource;
  return resource.group == "apps" || resource.group == "batch" || resource.resource == "pods";
}

absl::Status IsTheCluster(Site& site) {
  return Patiently([&](const Deadline& d) -> absl::StatusOr<bool> {
           RETURN_IF_ERROR(CheckClusterIdentity(site.paw, d));
           return true;
         })
      .status();
}

std::string DisplayName(const kube::ObjectRef& ref) {
  return fmt::format("{} {}{}", ref.resource.kind, ref.ns.empty() ? "" : ref.ns + "/", ref.name);
}

}  // namespace

std::string WhyRefused(const Site& site, const Defect& defect) {
  for (const auto* steps : {&defect.plant, &defect.lift}) {
    for (const Step& step : *steps) {
      if (step.kind == "vault") {
        return "the deployment has no Vault, so nothing can be planted in one";
      }
      if (step.kind == "agent" && site.agent == nullptr) {
        return "this build of prove has no agent to arm faults with";
      }
      if ((step.kind == "component" || step.kind == "registry") && !site.testbed.Exists()) {
        return fmt::format(
            "{} needs the control plane's own files: name a command in testbed.command of the "
            "profile",
            step.ToString());
      }
      if (step.kind == "delete" && step.Text("object").starts_with("Namespace ")) {
        return "deleting a namespace takes everything in it along, which cannot be put back";
      }
    }
  }
  return "";
}

absl::Status Planter::Plant(const std::vector<Step>& steps) {
  for (const Step& step : steps) {
    if (site_.stop.stop_requested()) return absl::CancelledError("interrupted");
    RETURN_IF_ERROR(IsTheCluster(site_));
    RETURN_IF_ERROR(Annotate(Do(step), step.ToString()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> Planter::WhatHealed() {
  for (const json& undo : journal_.undos()) {
    ASSIGN_OR_RETURN(std::string healed, prove::WhatHealed(site_, undo));
    if (!healed.empty()) return healed;
  }
  return std::string();
}

absl::Status Planter::Lift(const Baseline* before) {
  // Without it another cluster could be written to by a kubeconfig that changed meanwhile.
  RETURN_IF_ERROR(IsTheCluster(site_));
  site_.stop = {};
  lifting_ = true;
  absl::Status first;
  const auto note = [&](const absl::Status& status) {
    if (first.ok()) first = status;
  };
  for (const Step& step : journal_.lift()) {
    note(Annotate(Do(step), "lift: " + step.ToString()));
  }
  const Deadline deadline = Deadline::After(site_.paw.profile().budgets.restore);
  std::vector<kube::ObjectRef> touched;
  const std::vector<json>& undos = journal_.undos();
  for (const bool workloads : {false, true}) {
    for (auto undo = undos.rbegin(); undo != undos.rend(); ++undo) {
      if (undo->at("what") == "object" && !workloads)
        touched.push_back(kube::ObjectRef::FromJson(undo->at("ref")));
      if (IsWorkload(*undo) != workloads) continue;
      note(Annotate(Undo(site_, *undo, deadline),
                    "restoring " + undo->value("name", undo->at("what").get<std::string>())));
    }
  }
  if (site_.agent != nullptr) {
    note(Annotate(site_.agent->Remove(deadline), "removing the agent"));
  }
  note(AwaitRestored(site_, touched, before));
  RETURN_IF_ERROR(first);
  return journal_.End();
}

absl::Status Planter::Note(json undo) {
  return lifting_ ? absl::OkStatus() : journal_.Add(std::move(undo));
}

absl::Status Planter::NoteDone(json undo, json after) {
  if (lifting_) return absl::OkStatus();
  undo["after"] = std::move(after);
  return journal_.Amend(journal_.undos().size() - 1, std::move(undo));
}

absl::Status Planter::Do(const Step& step) {
  if (ChangesAnObject(step.kind)) {
    const bool has_manifest = step.args.contains("manifest");
    ASSIGN_OR_RETURN(const kube::ObjectRef ref,
                     has_manifest
                         ? site_.kinds.ResolveManifest(step.args.at("manifest"),
                                                       site_.paw.profile().ns, Site::Soon())
                         : site_.kinds.Resolve(step.Text("object"), Site::Soon()));
    return Change(step, ref);
  }
  if (step.kind == "wait" || step.kind == "pause") return Await(site_, step);
  if (step.kind == "keep") return Keep(step);
  if (step.kind == "exec") return Exec(step);
  if (step.kind == "chain") return EditChain(step);
  if (step.kind == "component") return EditComponent(step);
  if (step.kind == "registry") return Retag(step);
  if (step.kind == "gov") return Govern(step);
  if (step.kind == "agent" && site_.agent != nullptr) return ArmAgent(step);
  return absl::FailedPreconditionError("refused");
}

absl::StatusOr<std::size_t> Planter::NoteOnce(json undo, const std::vector<const char*>& identity) {
  if (lifting_) return 0;
  const auto& undos = journal_.undos();
  const auto known = std::ranges::find_if(undos, [&](const json& other) {
    return std::ranges::all_of(
        identity, [&](const char* key) { return other.contains(key) && other[key] == undo[key]; });
  });
  if (known != undos.end()) return static_cast<std::size_t>(known - undos.begin());
  RETURN_IF_ERROR(journal_.Add(std::move(undo)));
  return journal_.undos().size() - 1;
}

absl::Status Planter::Change(const Step& step, const kube::ObjectRef& ref) {
  ASSIGN_OR_RETURN(const std::optional<kube::Object> live,
                   Patiently([&](const Deadline& d) { return Find(site_, ref, d); }));
  const bool makes = step.kind == "create" || step.kind == "apply";
  if (!live && step.kind == "delete" && lifting_) return absl::OkStatus();
  if (!live && !makes) return absl::NotFoundError(ref.ToString() + " is not there");
  if (live && step.kind == "create") {
    return absl::FailedPreconditionError(ref.ToString() + " is there already");
  }
  ASSIGN_OR_RETURN(const std::size_t index,
                   NoteOnce({{"what", "object"},
                             {"name", DisplayName(ref)},
                             {"ref", ref.ToJson()},
                             {"before", live ? live->json() : json(nullptr)}},
                            {"what", "ref"}));
  json after;
  std::string uid;
  if (step.kind == "delete") {
    kube::DeleteOptions options{.uid = live->uid(), .propagation = PropagationOf(step)};
    if (step.args.contains("grace")) options.grace = std::chrono::seconds(step.args.at("grace"));
    RETURN_IF_ERROR(DeleteAndAwait(site_, ref, options, Deadline::After(step.Within())));
  } else {
    ASSIGN_OR_RETURN(const kube::Object changed, Write(step, ref, live));
    after = ContentOf(changed.json());
    uid = changed.uid();
  }
  if (lifting_) return absl::OkStatus();
  json undo = journal_.undos().at(index);
  undo["after"] = after;
  undo["uid"] = uid;
  RETURN_IF_ERROR(journal_.Amend(index, std::move(undo)));
  if (live && ContentOf(live->json()) == after) {
    return absl::FailedPreconditionError("it changes nothing");
  }
  return absl::OkStatus();
}

absl::Status Planter::Keep(const Step& step) {
  ASSIGN_OR_RETURN(const kube::ObjectRef ref,
                   site_.kinds.Resolve(step.Text("object"), Site::Soon()));
  ASSIGN_OR_RETURN(const std::optional<kube::Object> live,
                   Patiently([&](const Deadline& d) { return Find(site_, ref, d); }));
  if (!live) return absl::NotFoundError(ref.ToString() + " is not there");
  return Note({{"what", "object"},
               {"name", DisplayName(ref)},
               {"ref", ref.ToJson()},
               {"before", live->json()},
               {"kept", true}});
}

absl::StatusOr<kube::Object> Planter::Write(const Step& step, const kube::ObjectRef& ref,
                                            const std::optional<kube::Object>& live) {
  kube::Client& kube = site_.paw.kube();
  const Deadline deadline = Site::Soon();
  if (step.kind == "create") {
    return kube.Create({ref.resource, ref.ns}, step.args.at("manifest"), deadline);
  }
  if (step.kind == "apply") {
    return kube.Apply(ref, step.args.at("manifest"), deadline, {.force = true});
  }
  if (step.kind == "scale") {
    return kube.Patch(ref, kube::PatchType::kMerge,
                      {{"spec", {{"replicas", step.args.at("replicas")}}}}, deadline);
  }
  if (step.kind == "label" || step.kind == "annotate") {
    const char* key = step.kind == "label" ? "labels" : "annotations";
    return kube.Patch(ref, kube::PatchType::kMerge, {{"metadata", {{key, step.args.at(key)}}}},
                      deadline);
  }
  if (step.kind == "patch") {
    return kube.Patch(ref, PatchTypeOf(step.Text("type")), step.args.at("body"), deadline);
  }
  json changed = live->json();
  try {
    if (step.Text("type") == "json") {
      changed = changed.patch(step.args.at("body"));
    } else {
      changed.merge_patch(step.args.at("body"));
    }
  } catch (const json::exception& error) {
    return absl::InvalidArgumentError(error.what());
  }
  RETURN_IF_ERROR(DeleteAndAwait(site_, ref,
                                 {.uid = live->uid(), .propagation = PropagationOf(step)},
                                 Deadline::After(step.Within())));
  return CreateAgain(site_, ref, changed, Site::Soon());
}

absl::Status Planter::Exec(const Step& step) {
  const auto [ns, pod] = SplitPodName(step.Text("pod"));
  ASSIGN_OR_RETURN(const kube::ExecResult ran,
                   kube::Exec(site_.paw.kube(),
                              {.ns = ns,
                               .pod = pod,
                               .container = step.Text("container"),
                               .argv = step.args.at("argv").get<std::vector<std::string>>()},
                              Deadline::After(step.Within(), site_.stop)));
  if (ran.exit_code != 0) {
    return absl::FailedPreconditionError(
        fmt::format("it exited with {}: {}", ran.exit_code, ran.err));
  }
  if (!step.args.contains("check")) return absl::OkStatus();
  return Note({{"what", "check"},
               {"namespace", ns},
               {"pod", pod},
               {"container", step.Text("container")},
               {"argv", step.args.at("check")}});
}

absl::Status Planter::EditChain(const Step& step) {
  const Deadline deadline = Deadline::After(step.Within(), site_.stop);
  const auto [ns, pod] = SplitPodName(step.Text("pod"));
  const PodFile file{ns, pod, step.Text("container"),
                     fmt::format("{}/config/{}", step.Text("home", "/data"), step.Text("file"))};
  ASSIGN_OR_RETURN(const std::string before, ReadPodFile(site_, file, deadline));
  ASSIGN_OR_RETURN(const std::string after,
                   EditChainFile(step.Text("file"), before, step.args.at("set")));
  if (before == after) return absl::FailedPreconditionError("it changes nothing");
  json undo = {{"what", "file"},  {"name", file.path + " in " + pod}, {"namespace", ns},
               {"pod", pod},      {"container", file.container},      {"path", file.path},
               {"before", before}};
  RETURN_IF_ERROR(Note(undo));
  RETURN_IF_ERROR(WritePodFile(site_, file, after, deadline));
  RETURN_IF_ERROR(NoteDone(std::move(undo), after));
  return RestartContainer(site_, file, deadline);
}

absl::Status Planter::EditComponent(const Step& step) {
  const std::string file = step.Text("file");
  ASSIGN_OR_RETURN(const std::string before, site_.testbed.ReadComponentFile(file));
  std::string after = before;
  for (const json& edit : step.args.at("edits")) {
    const auto from = edit.at("from").get<std::string>();
    const auto at = after.find(from);
    if (at == std::string::npos) {
      return absl::InvalidArgumentError(fmt::format("{} does not hold '{}'", file, from));
    }
    after.replace(at, from.size(), edit.at("to").get<std::string>());
  }
  if (before == after) return absl::FailedPreconditionError("it changes nothing");
  json undo = {{"what", "component"},
               {"name", file},
               {"file", file},
               {"component", step.Text("component")},
               {"before", before}};
  RETURN_IF_ERROR(Note(undo));
  RETURN_IF_ERROR(site_.testbed.WriteComponentFile(file, step.Text("component"), after));
  return NoteDone(std::move(undo), after);
}

absl::Status Planter::Retag(const Step& step) {
  const std::string image = step.Text("image");
  const std::string tag = step.Text("tag");
  const std::string from = step.Text("from");
  ASSIGN_OR_RETURN(const std::string before, site_.testbed.ImageDigest(image, tag));
  const bool by_tag = from != Testbed::kNoImage && !from.starts_with("sha256:");
  absl::StatusOr<std::string> after = from;
  if (by_tag) after = site_.testbed.ImageDigest(image, from);
  RETURN_IF_ERROR(after.status());
  if (by_tag && *after == Testbed::kNoImage) {
    return absl::NotFoundError(fmt::format("the registry has no {}:{}", image, from));
  }
  if (before == *after) return absl::FailedPreconditionError("it changes nothing");
  ASSIGN_OR_RETURN(const std::size_t index, NoteOnce({{"what", "tag"},
                                                      {"name", image + ":" + tag},
                                                      {"image", image},
                                                      {"tag", tag},
                                                      {"before", before}},
                                                     {"what", "image", "tag"}));
  RETURN_IF_ERROR(site_.testbed.TagImage(image, tag, *after));
  if (lifting_) return absl::OkStatus();
  json undo = journal_.undos().at(index);
  undo["after"] = *after;
  return journal_.Amend(index, std::move(undo));
}

absl::Status Planter::ArmAgent(const Step& step) {
  const std::string id =
      fmt::format("prove.{}.{}.{}", journal_.id(), ::getpid(), journal_.undos().size());
  json undo = {{"what", "agent"},
               {"name", step.ToString()},
               {"id", id},
               {"args", step.args},
               {"before", nullptr}};
  RETURN_IF_ERROR(Note(undo));
  RETURN_IF_ERROR(site_.agent->Arm(id, step.args, Deadline::After(step.Within(), site_.stop)));
  return NoteDone(std::move(undo), true);
}

absl::Status Planter::Govern(const Step& step) {
  ASSIGN_OR_RETURN(const json before, ReadParameters(site_, step.args));
  json after = before;
  for (const auto& [key, value] : step.args.at("changes").items()) {
    if (!before.contains(key)) {
      return absl::InvalidArgumentError(
          fmt::format("module {} has no parameter {}", step.Text("module"), key));
    }
    after[key] = value;
  }
  if (step.args.contains("may_miss")) {
    ASSIGN_OR_RETURN(const json jailing, JailingAfter(site_, step.args, step.args.at("may_miss")));
    after.update(jailing);
  }
  if (before == after) return absl::FailedPreconditionError("it changes nothing");
  json undo = {{"what", "params"},
               {"name", "parameters of " + step.Text("module")},
               {"args", step.args},
               {"before", before}};
  RETURN_IF_ERROR(Note(undo));
  RETURN_IF_ERROR(
      SetParameters(site_, step.args, after, Deadline::After(step.Within(), site_.stop)));
  return NoteDone(std::move(undo), after);
}

}  // namespace pawk8s::prove
