#include "prove/waits.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/deployment/workload.h"
#include "pawk8s/wait/until.h"
#include "prove/content.h"
#include "prove/undo.h"

namespace pawk8s::prove {
namespace {

using nlohmann::json;

bool IsWorkload(const kube::ObjectRef& ref) {
  return ref.resource.kind == "StatefulSet" || ref.resource.kind == "Deployment";
}

WorkloadRef WorkloadOf(const kube::ObjectRef& ref) {
  return {.kind = ref.resource.kind == "StatefulSet" ? WorkloadKind::kStatefulSet
                                                     : WorkloadKind::kDeployment,
          .ns = ref.ns,
          .name = ref.name};
}

absl::Status AwaitRollout(Site& site, const kube::ObjectRef& ref, bool settled,
                          const Deadline& deadline) {
  const auto report = Until(
      deadline, Every(Millis{300}),
      [&](const Deadline& d) { return site.paw.Read(WorkloadOf(ref), d); },
      [&](const WorkloadState& state) { return !settled || state.IsSettled(); });
  return Annotate(report.status, report.last ? report.last->ToString() : ref.ToString());
}

// What a wait for "ready" and "condition" looks at.
absl::Status AwaitValue(Site& site, const kube::ObjectRef& ref, const std::string& path,
                        const json& wanted, const Deadline& deadline) {
  const auto report = Until(
      deadline, Every(Millis{300}),
      [&](const Deadline& d) -> absl::StatusOr<json> {
        ASSIGN_OR_RETURN(const auto object, Find(site, ref, d));
        if (!object) return json("(there is no such object)");
        return ValueAt(object->json(), path).value_or(json("(nothing)"));
      },
      [&](const json& value) { return value == wanted; });
  return Annotate(report.status,
                  fmt::format("{}: {} is {}, waited for {}", ref.ToString(), path,
                              report.last ? report.last->dump() : "unknown", wanted.dump()));
}

absl::Status AwaitGone(Site& site, const kube::ObjectRef& ref, const Deadline& deadline) {
  const auto report = Until(
      deadline, Every(Millis{300}), [&](const Deadline& d) { return Find(site, ref, d); },
      [](const std::optional<kube::Object>& object) { return !object; });
  return Annotate(report.status, ref.ToString() + " is still there");
}

// The highest height that a validator tells; an error only if none answers.
absl::StatusOr<chain::Height> Highest(Site& site, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const WorkloadState state,
                   site.paw.Read(site.paw.profile().validators, deadline));
  absl::StatusOr<chain::Height> highest = absl::UnavailableError("no validator answers");
  for (const kube::Pod& pod : state.pods) {
    const auto status = site.paw.RpcOf(pod).Status(deadline.AtMost(std::chrono::seconds(3)));
    if (status.ok() && (!highest.ok() || status->latest > *highest)) highest = status->latest;
  }
  return highest;
}

absl::Status AwaitBlocks(Site& site, std::int64_t count, const Deadline& deadline) {
  std::optional<chain::Height> first;
  const auto report = Until(
      deadline, Every(Millis{500}), [&](const Deadline& d) { return Highest(site, d); },
      [&](const chain::Height& now) {
        if (!first) first = now;
        return now.value >= first->value + count;
      });
  return Annotate(report.status, fmt::format("waiting for {} blocks", count));
}

bool IsStuck(const kube::Pod& pod, const WorkloadState& state) {
  if (pod.deletion_time() || WhyNotReady(pod).empty()) return false;
  if (state.ref.kind == WorkloadKind::kStatefulSet && pod.revision() != state.revision) return true;
  // The kubelet would try again, but only minutes from now.
  const auto backs_off = [](const kube::ContainerStatus& status) {
    return status.reason.ends_with("BackOff") || status.reason.ends_with("ConfigError");
  };
  return std::ranges::any_of(pod.container_statuses(), backs_off) ||
         std::ranges::any_of(pod.init_container_statuses(), backs_off);
}

// A StatefulSet's controller waits for a pod of a revision that can never become Ready: such a pod
// must be deleted by hand, as Kubernetes documents.
void DeleteStuckPods(Site& site, const std::vector<WorkloadRef>& workloads,
                     std::set<std::string>& deleted) {
  for (const WorkloadRef& workload : workloads) {
    const auto state = site.paw.Read(workload, Site::Soon());
    if (!state.ok()) continue;
    for (const kube::Pod& pod : state->pods) {
      if (!IsStuck(pod, *state) || !deleted.insert(pod.uid()).second) continue;
      IgnoreError(site.paw.kube().Delete({kube::kPods, pod.ns(), pod.name()}, Site::Soon(),
                                         {.uid = pod.uid()}),
                  "the wait for the baseline judges");
    }
  }
}

// A claim that was made again is another one by its uid, and its volume says so too. Their content
// is compared where they are put back.
void ForgetClaims(const std::vector<kube::ObjectRef>& touched, Inventory& inventory) {
  for (const kube::ObjectRef& ref : touched) {
    if (ref.resource.kind != "PersistentVolumeClaim") continue;
    std::erase_if(inventory.objects, [&](const auto& entry) {
      const auto& [name, essence] = entry;
      return name == fmt::format("PersistentVolumeClaim {}/{}", ref.ns, ref.name) ||
             (name.starts_with("PersistentVolume ") &&
              kube::FindString(essence, {"spec", "claimRef", "name"}) == ref.name);
    });
  }
}

// What is not yet as it was.
absl::StatusOr<std::vector<std::string>> Missing(Site& site,
                                                 const std::vector<WorkloadRef>& workloads,
                                                 const std::vector<kube::ObjectRef>& touched,
                                                 const std::optional<Baseline>& before,
                                                 const Deadline& deadline) {
  ASSIGN_OR_RETURN(Baseline now, Baseline::Read(site.paw, deadline));
  ForgetClaims(touched, now.inventory);
  std::vector<std::string> missing = before ? before->LostSince(now) : now.Problems();
  for (const WorkloadRef& workload : workloads) {
    if (now.workloads.contains(workload.ToString())) continue;
    const auto state = site.paw.Read(workload, deadline);
    if (!state.ok()) {
      missing.emplace_back(MessageOf(state.status()));
    } else if (!state->IsSettled()) {
      missing.push_back(state->ToString());
    }
  }
  return missing;
}

}  // namespace

absl::Status Await(Site& site, const Step& step) {
  const auto what = step.Text("for");
  if (step.kind == "pause") {
    const Deadline deadline =
        Deadline::After(step.Duration("for", Millis{0}) + Millis{100}, site.stop);
    Clock::Real().Sleep(step.Duration("for", Millis{0}), deadline);
    return deadline.Cancelled() ? absl::CancelledError("interrupted") : absl::OkStatus();
  }
  const Deadline deadline = Deadline::After(step.Within(), site.stop);
  if (what == "blocks") return AwaitBlocks(site, step.args.value("count", 1), deadline);
  ASSIGN_OR_RETURN(const kube::ObjectRef ref, site.kinds.Resolve(step.Text("object"), deadline));
  if (what == "rollout") return AwaitRollout(site, ref, true, deadline);
  if (what == "observed") return AwaitRollout(site, ref, false, deadline);
  if (what == "gone") return AwaitGone(site, ref, deadline);
  if (what == "ready") {
    return AwaitValue(site, ref, "status.conditions[type=Ready].status", "True", deadline);
  }
  return AwaitValue(site, ref, step.Text("path"), step.args.at("equals"), deadline);
}

absl::Status AwaitRestored(Site& site, const std::vector<kube::ObjectRef>& touched,
                           const Baseline* before) {
  const Profile& profile = site.paw.profile();
  std::vector<WorkloadRef> workloads = {profile.validators, profile.nodes, profile.api};
  for (const kube::ObjectRef& ref : touched) {
    if (!IsWorkload(ref)) continue;
    const WorkloadRef workload = WorkloadOf(ref);
    const bool known = std::ranges::any_of(
        workloads, [&](const WorkloadRef& one) { return one.ToString() == workload.ToString(); });
    // What the defect itself had made is gone again.
    const auto found = Find(site, ref, Site::Soon());
    if (!known && found.ok() && *found) workloads.push_back(workload);
  }
  std::optional<Baseline> wanted;
  if (before != nullptr) {
    wanted = *before;
    ForgetClaims(touched, wanted->inventory);
  }
  std::set<std::string> deleted;
  const auto report = Until(
      Deadline::After(profile.budgets.restore), Every(Millis{1000}),
      [&](const Deadline& d) {
        DeleteStuckPods(site, workloads, deleted);
        return Missing(site, workloads, touched, wanted, d);
      },
      [](const std::vector<std::string>& missing) { return missing.empty(); });
  if (report.status.ok()) return absl::OkStatus();
  return Annotate(report.status, report.last ? fmt::format("{}", fmt::join(*report.last, "; "))
                                             : std::string("the baseline"));
}

}  // namespace pawk8s::prove
