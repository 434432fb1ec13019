#include "pawk8s/fault/undo.h"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

#include "pawk8s/base/status.h"
#include "pawk8s/kube/objects.h"

namespace pawk8s::fault {
namespace {

using kube::Json;

// As the uid of a claim: one that can never exist, by which the volume counts as left.
constexpr const char* kNobody = "pawk8s-nobody";

constexpr std::array<std::pair<Undo::Kind, const char*>, 5> kKinds = {{
    {Undo::Kind::kNothing, "nothing"},
    {Undo::Kind::kPatch, "patch"},
    {Undo::Kind::kDelete, "delete"},
    {Undo::Kind::kClaim, "claim"},
    {Undo::Kind::kAgent, "agent"},
}};

bool IsOfAnObject(Undo::Kind kind) {
  return kind == Undo::Kind::kPatch || kind == Undo::Kind::kDelete || kind == Undo::Kind::kClaim;
}

// A StatefulSet's controller waits for a pod of another revision that can never become Ready: such
// a pod must be deleted by hand, as Kubernetes documents.
absl::Status DeleteStuckPods(kube::Client& client, const kube::ObjectRef& ref,
                             const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::Object object, client.Get(ref, deadline));
  const kube::StatefulSet set(object);
  if (set.observed_generation().value_or(0) < set.generation().value_or(0)) {
    return absl::UnavailableError(ref.ToString() + ": its controller has not seen the template");
  }
  ASSIGN_OR_RETURN(const auto pods, client.List({kube::kPods, ref.ns, set.selector()}, deadline));
  if (pods.items.empty() && set.replicas().value_or(1) > 0) {
    return absl::UnavailableError(ref.ToString() + ": none of its pods is to be seen");
  }
  for (const kube::Object& item : pods.items) {
    const kube::Pod pod(item);
    if (pod.owner_uid() != set.uid() || pod.revision() == set.update_revision() || pod.IsReady() ||
        pod.deletion_time()) {
      continue;
    }
    const absl::Status deleted =
        client.Delete({kube::kPods, pod.ns(), pod.name()}, deadline, {.uid = pod.uid()});
    if (!deleted.ok() && !absl::IsNotFound(deleted)) return deleted;
  }
  return absl::OkStatus();
}

absl::Status TakeBackPatch(kube::Client& client, const Undo& undo, const Deadline& deadline) {
  const auto now = client.Get(undo.object, deadline);
  if (absl::IsNotFound(now.status())) return absl::OkStatus();
  RETURN_IF_ERROR(now.status());
  if (now->uid() != undo.uid) return absl::OkStatus();
  if (!Holds(now->json(), undo.patch)) {
    ASSIGN_OR_RETURN(const kube::Object after,
                     client.Patch(undo.object, kube::PatchType::kMerge, undo.patch, deadline));
    if (!Holds(after.json(), undo.patch)) {
      return absl::UnavailableError(fmt::format("{} took the patch {} and does not show it",
                                                undo.object.ToString(), undo.patch.dump()));
    }
  }
  const bool of_template = kube::FindField(undo.patch, {"spec", "template"}) != nullptr;
  if (!of_template || undo.object.resource.kind != kube::kStatefulSets.kind) {
    return absl::OkStatus();
  }
  return DeleteStuckPods(client, undo.object, deadline);
}

// The uid is not known before the object is made, so what marks it is the run's label.
absl::Status TakeBackCreation(kube::Client& client, const Undo& undo, const Deadline& deadline) {
  const auto made = client.Get(undo.object, deadline);
  if (absl::IsNotFound(made.status())) return absl::OkStatus();
  RETURN_IF_ERROR(made.status());
  if (!made->label(kRunLabel)) return absl::OkStatus();
  if (!made->deletion_time()) {
    const absl::Status deleted = client.Delete(undo.object, deadline, {.uid = made->uid()});
    if (!deleted.ok() && !absl::IsNotFound(deleted)) return deleted;
  }
  const auto now = client.Get(undo.object, deadline);
  if (absl::IsNotFound(now.status()) || (now.ok() && now->uid() != made->uid())) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(fmt::format("{} is still being deleted", undo.object.ToString()));
}

absl::StatusOr<std::vector<kube::Object>> VolumesOf(kube::Client& client,
                                                    const kube::ObjectRef& claim,
                                                    const Deadline& deadline) {
  ASSIGN_OR_RETURN(kube::ObjectList volumes, client.List({kube::kPersistentVolumes}, deadline));
  std::erase_if(volumes.items, [&](const kube::Object& volume) {
    return kube::FindString(volume.json(), {"spec", "claimRef", "namespace"}) != claim.ns ||
           kube::FindString(volume.json(), {"spec", "claimRef", "name"}) != claim.name;
  });
  return std::move(volumes.items);
}

// Lets its provisioner delete the volume as soon as no claim has it. Only a volume that a claim has
// left is deleted: one that was meant for a claim which never came must be told that it is gone.
absl::Status GiveUp(kube::Client& client, const kube::Object& volume, const Deadline& deadline) {
  Json spec = Json::object();
  if (kube::FindString(volume.json(), {"spec", "persistentVolumeReclaimPolicy"}) != "Delete") {
    spec["persistentVolumeReclaimPolicy"] = "Delete";
  }
  if (kube::FindString(volume.json(), {"status", "phase"}) == "Available") {
    spec["claimRef"] = {{"uid", kNobody}};
  }
  if (spec.empty() || volume.deletion_time()) return absl::OkStatus();
  const absl::Status told =
      client
          .Patch({kube::kPersistentVolumes, "", volume.name()}, kube::PatchType::kMerge,
                 {{"spec", std::move(spec)}}, deadline)
          .status();
  return absl::IsNotFound(told) ? absl::OkStatus() : told;
}

absl::Status TakeBackClaim(kube::Client& client, const Undo& undo, const Deadline& deadline) {
  const auto claim = client.Get(undo.object, deadline);
  if (!claim.ok() && !absl::IsNotFound(claim.status())) return claim.status();
  if (claim.ok() && !claim->label(kRunLabel)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const std::vector<kube::Object> volumes,
                   VolumesOf(client, undo.object, deadline));
  for (const kube::Object& volume : volumes) RETURN_IF_ERROR(GiveUp(client, volume, deadline));
  if (claim.ok()) RETURN_IF_ERROR(TakeBackCreation(client, undo, deadline));
  if (volumes.empty()) return absl::OkStatus();
  return absl::UnavailableError(fmt::format("the volume {} of {} is still there",
                                            volumes.front().name(), undo.object.ToString()));
}

}  // namespace

Json Undo::ToJson() const {
  Json json;
  for (const auto& [k, name] : kKinds) {
    if (k == kind) json["do"] = name;
  }
  if (IsOfAnObject(kind)) json["object"] = object.ToJson();
  if (kind == Kind::kPatch) {
    json["uid"] = uid;
    json["patch"] = patch;
  }
  if (kind == Kind::kAgent) {
    json["node"] = node;
    json["fault"] = agent_fault;
  }
  return json;
}

absl::StatusOr<Undo> Undo::FromJson(const Json& json) try {
  Undo undo;
  const std::string what = json.at("do");
  bool known = false;
  for (const auto& [k, name] : kKinds) {
    if (what == name) {
      undo.kind = k;
      known = true;
    }
  }
  if (!known) return absl::DataLossError("unknown way to undo: " + what);
  if (IsOfAnObject(undo.kind)) {
    undo.object = kube::ObjectRef::FromJson(json.at("object"));
  }
  if (undo.kind == Kind::kPatch) {
    undo.uid = json.at("uid");
    undo.patch = json.at("patch");
  }
  if (undo.kind == Kind::kAgent) {
    undo.node = json.at("node");
    undo.agent_fault = json.at("fault");
  }
  return undo;
} catch (const Json::exception& error) {
  return absl::DataLossError(fmt::format("no undo: {}", error.what()));
}

Json InverseOf(const Json& before, const Json& forward) {
  Json inverse = Json::object();
  for (const auto& [key, value] : forward.items()) {
    const auto was = before.find(key);
    if (was == before.end()) {
      inverse[key] = nullptr;
    } else if (value.is_object() && was->is_object()) {
      inverse[key] = InverseOf(*was, value);
    } else {
      inverse[key] = *was;
    }
  }
  return inverse;
}

bool Holds(const Json& object, const Json& patch) {
  if (!patch.is_object()) return object == patch;
  if (!object.is_object()) return false;
  for (const auto& [key, value] : patch.items()) {
    const auto is = object.find(key);
    if (value.is_null()) {
      // The API server leaves out what is empty.
      if (is != object.end() && !is->is_null()) return false;
    } else if (is == object.end() || !Holds(*is, value)) {
      return false;
    }
  }
  return true;
}

absl::Status TakeBack(kube::Client& client, const RevertOnNode& agent, const Undo& undo,
                      const Deadline& deadline) {
  switch (undo.kind) {
    case Undo::Kind::kNothing:
      return absl::OkStatus();
    case Undo::Kind::kPatch:
      return TakeBackPatch(client, undo, deadline);
    case Undo::Kind::kDelete:
      return TakeBackCreation(client, undo, deadline);
    case Undo::Kind::kClaim:
      return TakeBackClaim(client, undo, deadline);
    case Undo::Kind::kAgent:
      if (!agent) return absl::FailedPreconditionError("there is no agent to ask");
      return agent(undo.node, undo.agent_fault, deadline);
  }
  return absl::OkStatus();
}

}  // namespace pawk8s::fault
