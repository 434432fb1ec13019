#include <fmt/format.h>

#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/fault/faults.h"

namespace pawk8s::fault {
namespace {

using kube::Json;

std::string NameOf(const kube::ObjectRef& ref) {
  return ref.ns.empty() ? fmt::format("{} {}", ref.resource.kind, ref.name)
                        : fmt::format("{} {}/{}", ref.resource.kind, ref.ns, ref.name);
}

}  // namespace

absl::StatusOr<Fault> Faults::Edit(const kube::ObjectRef& object, const Json& patch,
                                   const std::string& what, const Deadline& deadline,
                                   const FaultOptions& options, std::vector<kube::Pod> loss) {
  kube::Client& client = context_->client;
  ASSIGN_OR_RETURN(const kube::Object before, client.Get(object, deadline));
  if (Holds(before.json(), patch)) {
    return absl::FailedPreconditionError(
        fmt::format("{} already is as '{}' would make it: {}", NameOf(object), what, patch.dump()));
  }
  Plan plan{.what = what,
            .target = NameOf(object),
            .uid = before.uid(),
            .loss = {.pods = std::move(loss), .quorum_declared = options.quorum_declared},
            .undo = {.kind = Undo::Kind::kPatch,
                     .object = object,
                     .uid = before.uid(),
                     .patch = InverseOf(before.json(), patch)},
            .hold = options.hold};
  plan.act = [&client, object, patch](const std::string&, const Deadline& d) {
    return client.Patch(object, kube::PatchType::kMerge, patch, d).status();
  };
  plan.witness = [&client, object, patch](const Deadline& d) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const kube::Object now, client.Get(object, d));
    if (!Holds(now.json(), patch)) return false;
    const auto observed = now.observed_generation();
    return !observed || !now.generation() || *observed >= *now.generation();
  };
  return Fault::Arm(context_, std::move(plan), deadline);
}

absl::StatusOr<Fault> Faults::Scale(const kube::ObjectRef& workload, int replicas,
                                    const Deadline& deadline, const FaultOptions& options,
                                    std::vector<kube::Pod> loss) {
  return Edit(workload, {{"spec", {{"replicas", replicas}}}},
              fmt::format("scale {} to {}", NameOf(workload), replicas), deadline, options,
              std::move(loss));
}

absl::StatusOr<Fault> Faults::Create(const kube::Collection& in, Json object,
                                     const Deadline& deadline, const FaultOptions& options) {
  return Make(in, std::move(object), Undo::Kind::kDelete, nullptr, deadline, options);
}

absl::StatusOr<Fault> Faults::Make(const kube::Collection& in, Json object, Undo::Kind undo,
                                   const Act& first, const Deadline& deadline,
                                   const FaultOptions& options) {
  kube::Client& client = context_->client;
  const std::string name = object.at("metadata").at("name");
  const kube::ObjectRef ref{in.resource, in.ns, name};
  object["metadata"]["labels"][kRunLabel] = context_->run;
  object["apiVersion"] = in.resource.ApiVersion();
  object["kind"] = in.resource.kind;
  // A refusal is a refusal of the case's object, not a fault that could not be armed.
  RETURN_IF_ERROR(client.Create(in, object, deadline, {.dry_run = true}).status());
  Plan plan{.what = "create " + NameOf(ref),
            .target = NameOf(ref),
            .undo = {.kind = undo, .object = ref},
            .hold = options.hold};
  plan.act = [&client, in, object, first](const std::string&, const Deadline& d) {
    if (first) RETURN_IF_ERROR(first(d));
    return client.Create(in, object, d).status();
  };
  plan.witness = [&client, ref](const Deadline& d) -> absl::StatusOr<bool> {
    return client.Get(ref, d).ok();
  };
  return Fault::Arm(context_, std::move(plan), deadline);
}

absl::Status Faults::EditOwn(const kube::ObjectRef& object, const Json& patch,
                             const std::string& what, const Deadline& deadline) {
  kube::Client& client = context_->client;
  return DoToOwn(
      object, what,
      [&client, object, patch](const Deadline& d) {
        return client.Patch(object, kube::PatchType::kMerge, patch, d).status();
      },
      [&client, object, patch](const Deadline& d) -> absl::StatusOr<bool> {
        ASSIGN_OR_RETURN(const kube::Object now, client.Get(object, d));
        return Holds(now.json(), patch);
      },
      deadline);
}

absl::Status Faults::DeleteOwn(const kube::ObjectRef& object, const Deadline& deadline) {
  kube::Client& client = context_->client;
  return DoToOwn(
      object, "delete " + NameOf(object),
      [&client, object](const Deadline& d) { return client.Delete(object, d); },
      [&client, object](const Deadline& d) -> absl::StatusOr<bool> {
        const absl::Status there = client.Get(object, d).status();
        if (absl::IsNotFound(there)) return true;
        RETURN_IF_ERROR(there);
        return false;
      },
      deadline);
}

absl::Status Faults::DoToOwn(const kube::ObjectRef& object, const std::string& what, const Act& act,
                             const Witness& witness, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::Object before, context_->client.Get(object, deadline));
  if (before.label(kRunLabel) != context_->run) {
    return absl::FailedPreconditionError(
        fmt::format("refused to {}: {} is not of this run", what, NameOf(object)));
  }
  Plan plan{.what = what, .target = NameOf(object), .uid = before.uid()};
  plan.act = [act](const std::string&, const Deadline& d) { return act(d); };
  plan.witness = witness;
  ASSIGN_OR_RETURN(Fault done, Fault::Arm(context_, std::move(plan), deadline));
  return done.Revert();
}

}  // namespace pawk8s::fault
