#include "pawk8s/agent/daemon_set.h"

#include <fmt/format.h>

#include "pawk8s/base/status.h"
#include "pawk8s/kube/informer.h"

namespace pawk8s::agent {
namespace {

constexpr const char* kName = "pawk8s-agent";
constexpr const char* kSelector = "app.kubernetes.io/name=pawk8s-agent";

kube::GroupVersionResource ResourceOf(const Json& manifest) {
  const std::string kind = manifest.value("kind", "");
  if (kind == "Namespace") return kube::kNamespaces;
  return kind == "ServiceAccount" ? kube::kServiceAccounts : kube::kDaemonSets;
}

// The kubelet pulls again and again; these reasons mean that it has failed once already.
bool CannotPull(const std::string& reason) {
  return reason == "ErrImagePull" || reason == "ImagePullBackOff" || reason == "InvalidImageName" ||
         reason == "ErrImageNeverPull" || reason == "RegistryUnavailable" ||
         reason == "SignatureValidationFailed";
}

std::string TerminationMessage(const kube::Pod& pod) {
  for (const Json& status : kube::FindList(pod.json(), {"status", "containerStatuses"})) {
    for (const char* state : {"state", "lastState"}) {
      const auto message = kube::FindString(status, {state, "terminated", "message"});
      if (message && !message->empty()) return *message;
    }
  }
  return "";
}

std::string WaitingMessage(const kube::Pod& pod) {
  for (const Json& status : kube::FindList(pod.json(), {"status", "containerStatuses"})) {
    if (const auto message = kube::FindString(status, {"state", "waiting", "message"})) {
      return *message;
    }
  }
  return "";
}

}  // namespace

absl::Status WhyNotRunning(const kube::Pod& pod, const std::string& image) {
  const std::string where = fmt::format("the agent on node {}", pod.node().value_or("?"));
  const auto status = pod.container_status(kContainer);
  if (!status) return absl::OkStatus();
  if (status->state == "waiting") {
    if (CannotPull(status->reason)) {
      return absl::FailedPreconditionError(fmt::format(
          "{} cannot start: image {} cannot be pulled ({}): push it to a registry that the nodes "
          "reach and name it in the profile's agent.image",
          where, image, WaitingMessage(pod)));
    }
    if (status->reason == "CreateContainerConfigError" ||
        status->reason == "CreateContainerError" || status->reason == "RunContainerError") {
      return absl::FailedPreconditionError(
          fmt::format("{} cannot start: {}: {}", where, status->reason, WaitingMessage(pod)));
    }
  }
  if (status->restart_count >= 2 && status->state != "running") {
    return absl::FailedPreconditionError(
        fmt::format("{} ends again and again: {}", where, TerminationMessage(pod)));
  }
  return absl::OkStatus();
}

absl::StatusOr<DaemonSet::Home> DaemonSet::FindHome(const Deadline& deadline) {
  const auto found = client_.Get({kube::kNamespaces, "", options_.ns}, deadline);
  if (absl::IsNotFound(found.status())) return Home::kNone;
  RETURN_IF_ERROR(found.status());
  if (found->label("app.kubernetes.io/managed-by") != "pawk8s") {
    return absl::FailedPreconditionError(
        fmt::format("namespace {} exists and was not made by this suite: give the profile's "
                    "agent.namespace a name of its own",
                    options_.ns));
  }
  if (found->deletion_time()) return Home::kGoing;
  return found->label(kKeptLabel) ? Home::kKept : Home::kOurs;
}

absl::Status DaemonSet::Apply(const Deadline& deadline) {
  if (options_.image.empty()) {
    return absl::FailedPreconditionError(
        "the agent has no image: push it to a registry that the nodes reach and name it in the "
        "profile's agent.image");
  }
  ASSIGN_OR_RETURN(const Home home, FindHome(deadline));
  if (home == Home::kGoing) {
    return absl::UnavailableError(fmt::format("namespace {} is still being removed", options_.ns));
  }
  for (const Json& manifest : Manifests(options_)) {
    const kube::GroupVersionResource resource = ResourceOf(manifest);
    if (resource.kind == kube::kNamespaces.kind && home == Home::kKept) continue;
    const std::string name = manifest["metadata"]["name"];
    const kube::ObjectRef ref{resource, resource.namespaced ? options_.ns : "", name};
    const auto applied = client_.Apply(ref, manifest, deadline, {.force = true});
    if (!applied.ok()) {
      return Annotate(applied.status(), fmt::format("applying the agent's {}", resource.kind));
    }
  }
  return absl::OkStatus();
}

// When the node has no pod: is the node to blame, or does admission refuse the pods?
absl::Status DaemonSet::WhyNoPod(const std::string& node, const Deadline& deadline) {
  const auto found = client_.Get({kube::kNodes, "", node}, deadline);
  if (absl::IsNotFound(found.status())) {
    return absl::FailedPreconditionError(fmt::format("the cluster has no node {}", node));
  }
  RETURN_IF_ERROR(found.status());
  ASSIGN_OR_RETURN(
      const kube::ObjectList events,
      client_.List({kube::kEvents, options_.ns, "", "involvedObject.kind=DaemonSet"}, deadline));
  for (const kube::Object& event : events.items) {
    if (kube::FindString(event.json(), {"reason"}) != "FailedCreate") continue;
    return absl::FailedPreconditionError(
        fmt::format("the cluster refuses the agent's pods: {}",
                    kube::FindString(event.json(), {"message"}).value_or("no reason is given")));
  }
  return absl::OkStatus();
}

absl::StatusOr<kube::Pod> DaemonSet::AwaitPod(const std::string& node, const Deadline& deadline) {
  constexpr std::chrono::seconds kLook{2};
  ASSIGN_OR_RETURN(const auto pods,
                   kube::Informer::Start(client_, {kube::kPods, options_.ns, kSelector}, deadline));
  while (true) {
    const auto seen = pods->Get();
    bool found = false;
    for (const kube::Object& object : seen.objects) {
      const kube::Pod pod(object);
      if (pod.node() != node || pod.deletion_time()) continue;
      found = true;
      if (pod.IsReady()) return pod;
      RETURN_IF_ERROR(WhyNotRunning(pod, options_.image));
    }
    // A node that nobody hears from keeps its pods, and they seem to wait for ever.
    const auto machine = client_.Get({kube::kNodes, "", node}, deadline);
    if (machine.ok() && !kube::Node(*machine).IsReady()) {
      return absl::FailedPreconditionError(
          fmt::format("node {} is NotReady: its agent cannot be reached", node));
    }
    if (!found) RETURN_IF_ERROR(WhyNoPod(node, deadline));
    const absl::Status changed = pods->AwaitChange(seen.version, deadline.AtMost(kLook));
    if (deadline.Over()) {
      return Annotate(deadline.Check("waiting"),
                      fmt::format("the agent on node {} is not running", node));
    }
    if (!changed.ok() && !absl::IsDeadlineExceeded(changed)) return changed;
  }
}

absl::StatusOr<std::vector<kube::Pod>> DaemonSet::RunningPods(const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::ObjectList list,
                   client_.List({kube::kPods, options_.ns, kSelector}, deadline));
  std::vector<kube::Pod> pods;
  for (kube::Pod& pod : kube::As<kube::Pod>(list.items)) {
    if (pod.IsReady()) pods.push_back(std::move(pod));
  }
  return pods;
}

absl::Status DaemonSet::RemoveAndAwait(const kube::ObjectRef& object, const Deadline& deadline) {
  ASSIGN_OR_RETURN(
      const auto left,
      kube::Informer::Start(
          client_, {object.resource, object.ns, "", "metadata.name=" + object.name}, deadline));
  const absl::Status deleted =
      client_.Delete(object, deadline, {.propagation = kube::Propagation::kForeground});
  if (!deleted.ok() && !absl::IsNotFound(deleted)) return Annotate(deleted, "removing the agent");
  while (true) {
    const auto seen = left->Get();
    if (seen.objects.empty()) return absl::OkStatus();
    const absl::Status changed = left->AwaitChange(seen.version, deadline);
    if (!changed.ok()) return Annotate(changed, "waiting until the agent is gone");
  }
}

absl::Status DaemonSet::Remove(const Deadline& deadline) {
  ASSIGN_OR_RETURN(const Home home, FindHome(deadline));
  if (home == Home::kNone) return absl::OkStatus();
  // Each pod ends only after it has reverted everything, and its owner only after its pods. While
  // there are any, Kubernetes looks at a namespace that is to go only after half their grace
  // period.
  RETURN_IF_ERROR(RemoveAndAwait({kube::kDaemonSets, options_.ns, kName}, deadline));
  if (home != Home::kKept) {
    return RemoveAndAwait({kube::kNamespaces, "", options_.ns}, deadline);
  }
  const absl::Status deleted =
      client_.Delete({kube::kServiceAccounts, options_.ns, kName}, deadline);
  if (!deleted.ok() && !absl::IsNotFound(deleted)) return Annotate(deleted, "removing the agent");
  return absl::OkStatus();
}

absl::Status DaemonSet::CheckRights(const Deadline& deadline) {
  if (options_.image.empty()) {
    return absl::FailedPreconditionError(
        "the profile names no agent.image: push the agent's image to a registry that the nodes "
        "reach");
  }
  const std::string& ns = options_.ns;
  std::vector<kube::Access> wanted = {{"get", {kube::kNodes, "", ""}},
                                      {"patch", {kube::kServiceAccounts, ns, kName}},
                                      {"create", {kube::kServiceAccounts, ns, ""}},
                                      {"delete", {kube::kServiceAccounts, ns, kName}},
                                      {"patch", {kube::kDaemonSets, ns, kName}},
                                      {"create", {kube::kDaemonSets, ns, ""}},
                                      {"list", {kube::kDaemonSets, ns, ""}},
                                      {"watch", {kube::kDaemonSets, ns, ""}},
                                      {"delete", {kube::kDaemonSets, ns, kName}},
                                      {"list", {kube::kPods, ns, ""}},
                                      {"watch", {kube::kPods, ns, ""}},
                                      {"list", {kube::kEvents, ns, ""}},
                                      {"get", {kube::kPods, ns, "", "exec"}},
                                      {"create", {kube::kPods, ns, "", "exec"}}};
  ASSIGN_OR_RETURN(const Home home, FindHome(deadline));
  if (home != Home::kKept) {
    for (const char* verb : {"create", "patch", "delete", "list", "watch"}) {
      wanted.push_back({verb, {kube::kNamespaces, "", ns}});
    }
  }
  for (const kube::Access& access : wanted) {
    ASSIGN_OR_RETURN(const kube::AccessReview review, client_.Allowed(access, deadline));
    if (!review.allowed) {
      return absl::PermissionDeniedError(fmt::format(
          "the account may not {} {}, which the agent needs", access.verb, access.on.ToString()));
    }
  }
  return absl::OkStatus();
}

}  // namespace pawk8s::agent
