#include "pawk8s/deployment/workload.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

constexpr const char* kRevisionAnnotation = "deployment.kubernetes.io/revision";

absl::Status StatusLags(const WorkloadRef& ref) {
  return absl::UnavailableError(ref.ToString() + ": its status is older than its spec");
}

absl::StatusOr<std::vector<kube::Pod>> PodsOwnedBy(kube::Client& client, const WorkloadRef& ref,
                                                   const std::string& selector,
                                                   const std::set<std::string>& owners,
                                                   const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::ObjectList list,
                   client.List({kube::kPods, ref.ns, selector}, deadline));
  std::vector<kube::Pod> pods = kube::As<kube::Pod>(list.items);
  std::erase_if(
      pods, [&](const kube::Pod& pod) { return !owners.contains(pod.owner_uid().value_or("")); });
  std::ranges::sort(pods, {}, [](const kube::Pod& pod) { return pod.name(); });
  return pods;
}

absl::StatusOr<WorkloadState> ReadStatefulSet(kube::Client& client, const WorkloadRef& ref,
                                              const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::Object object,
                   client.Get({kube::kStatefulSets, ref.ns, ref.name}, deadline));
  const kube::StatefulSet set(object);
  if (set.observed_generation() != set.generation()) return StatusLags(ref);
  WorkloadState state{.ref = ref,
                      .replicas = static_cast<int>(set.replicas().value_or(1)),
                      .revision = set.update_revision().value_or("")};
  ASSIGN_OR_RETURN(state.pods, PodsOwnedBy(client, ref, set.selector(), {set.uid()}, deadline));
  return state;
}

absl::StatusOr<WorkloadState> ReadDeployment(kube::Client& client, const WorkloadRef& ref,
                                             const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::Object object,
                   client.Get({kube::kDeployments, ref.ns, ref.name}, deadline));
  const kube::Deployment deployment(object);
  if (deployment.observed_generation() != deployment.generation()) return StatusLags(ref);
  WorkloadState state{.ref = ref, .replicas = static_cast<int>(deployment.replicas().value_or(1))};
  ASSIGN_OR_RETURN(const kube::ObjectList sets,
                   client.List({kube::kReplicaSets, ref.ns, deployment.selector()}, deadline));
  std::set<std::string> owners;
  for (const auto& set : kube::As<kube::ReplicaSet>(sets.items)) {
    if (set.owner_uid() != deployment.uid()) continue;
    owners.insert(set.uid());
    if (set.annotation(kRevisionAnnotation) == deployment.annotation(kRevisionAnnotation)) {
      state.revision = set.label("pod-template-hash").value_or("");
    }
  }
  if (state.revision.empty()) return StatusLags(ref);
  ASSIGN_OR_RETURN(state.pods, PodsOwnedBy(client, ref, deployment.selector(), owners, deadline));
  return state;
}

}  // namespace

std::string WhyNotReady(const kube::Pod& pod) {
  if (pod.deletion_time()) return "being deleted";
  const std::string phase = pod.phase().value_or("unknown");
  if (phase != "Running") {
    std::string why = phase;
    const auto scheduled = pod.condition("PodScheduled");
    if (scheduled && scheduled->status != "True") {
      why += ": " + scheduled->reason;
      if (!scheduled->message.empty()) why += ", " + scheduled->message;
    }
    for (const auto& init : pod.init_container_statuses()) {
      if (!init.reason.empty() && init.reason != "Completed" && init.reason != "PodInitializing") {
        why += fmt::format(": {} {}", init.name, init.reason);
      }
    }
    return why;
  }
  const auto containers = pod.container_statuses();
  if (containers.empty()) return "no container status";
  for (const auto& container : containers) {
    if (!container.ready) {
      return fmt::format("container {} not ready{}{}", container.name,
                         container.reason.empty() ? "" : ": ", container.reason);
    }
  }
  if (!pod.ConditionIsTrue("Ready")) return "condition Ready is not True";
  return "";
}

std::vector<kube::Pod> WorkloadState::ReadyPods() const {
  std::vector<kube::Pod> ready;
  for (const auto& pod : pods) {
    if (pod.revision() == revision && WhyNotReady(pod).empty()) ready.push_back(pod);
  }
  return ready;
}

bool WorkloadState::IsSettled() const {
  const auto wanted = static_cast<std::size_t>(std::max(replicas, 0));
  return pods.size() == wanted && ReadyPods().size() == wanted;
}

std::string WorkloadState::ToString() const {
  std::string text = fmt::format("{}: {} of {} pods of revision {} Running and Ready",
                                 ref.ToString(), ReadyPods().size(), replicas, revision);
  // Two say where to look; a list of all would hide them.
  constexpr std::size_t kNamed = 2;
  std::vector<std::string> unready;
  std::vector<std::string> older;
  for (const auto& pod : pods) {
    if (const std::string why = WhyNotReady(pod); !why.empty()) {
      unready.push_back(fmt::format("{} ({})", pod.name(), why));
    } else if (pod.revision() != revision) {
      older.push_back(
          fmt::format("{} (of revision {})", pod.name(), pod.revision().value_or("none")));
    }
  }
  unready.insert(unready.end(), older.begin(), older.end());
  for (std::size_t i = 0; i < std::min(unready.size(), kNamed); ++i) text += "; " + unready[i];
  if (unready.size() > kNamed) text += fmt::format("; and {} more", unready.size() - kNamed);
  return text;
}

kube::ObjectRef RefOf(const WorkloadRef& ref) {
  return {ref.kind == WorkloadKind::kStatefulSet ? kube::kStatefulSets : kube::kDeployments, ref.ns,
          ref.name};
}

absl::StatusOr<kube::Json> ReadPodTemplate(kube::Client& client, const WorkloadRef& ref,
                                           const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::Object workload, client.Get(RefOf(ref), deadline));
  const kube::Json* pod_template = kube::FindField(workload.json(), {"spec", "template"});
  if (pod_template == nullptr || kube::FindField(*pod_template, {"spec"}) == nullptr) {
    return absl::DataLossError(ref.ToString() + " has no pod template");
  }
  return *pod_template;
}

absl::StatusOr<WorkloadState> ReadWorkload(kube::Client& client, const WorkloadRef& ref,
                                           const Deadline& deadline) {
  return ref.kind == WorkloadKind::kStatefulSet ? ReadStatefulSet(client, ref, deadline)
                                                : ReadDeployment(client, ref, deadline);
}

}  // namespace pawk8s
