#include "pawk8s/deployment/own_pod.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/kube/exec.h"
#include "pawk8s/kube/informer.h"

namespace pawk8s {
namespace {

using kube::Json;

// Enough for a shell; a limit range can ask for more.
constexpr kube::Quantity kCpu{50};
constexpr kube::Quantity kMemory{32LL * 1024 * 1024 * 1000};

// What the validators' pods need to be admitted and scheduled, an own pod needs as well.
constexpr const char* kOfThePod[] = {"securityContext", "imagePullSecrets",  "nodeSelector",
                                     "tolerations",     "priorityClassName", "runtimeClassName"};
constexpr const char* kOfTheContainer[] = {"image", "imagePullPolicy", "securityContext"};

template <std::size_t N>
void CopyKeys(const char* const (&keys)[N], const Json& from, Json& to) {
  for (const char* key : keys) {
    if (const auto found = from.find(key); found != from.end()) to[key] = *found;
  }
}

std::string AsText(const std::string& resource, kube::Quantity amount) {
  // Memory in thousandths of a byte is no memory.
  return resource == "memory" ? std::to_string(amount.Whole()) : amount.ToString();
}

}  // namespace

std::map<std::string, kube::Quantity> LeastRequests(const std::vector<kube::Object>& limit_ranges) {
  std::map<std::string, kube::Quantity> least;
  for (const kube::Object& range : limit_ranges) {
    for (const Json& limit : kube::FindList(range.json(), {"spec", "limits"})) {
      if (kube::FindString(limit, {"type"}) != "Container") continue;
      for (const auto& [resource, text] : kube::FindMap(limit, {"min"})) {
        if (const auto amount = kube::ParseQuantity(text)) {
          least[resource] = std::max(least[resource], *amount);
        }
      }
    }
  }
  return least;
}

absl::StatusOr<Json> OwnPodManifest(const std::string& name, const Json& spec,
                                    std::string_view container,
                                    const std::map<std::string, kube::Quantity>& least) {
  const std::vector<Json>& containers = kube::FindList(spec, {"containers"});
  const auto imitated = std::ranges::find_if(
      containers, [&](const Json& c) { return kube::FindString(c, {"name"}) == container; });
  if (imitated == containers.end()) {
    return absl::NotFoundError(fmt::format("the pod template has no container {}", container));
  }
  Json own = {{"name", "own"}, {"volumeMounts", Json::array()}};
  CopyKeys(kOfTheContainer, *imitated, own);
  std::map<std::string, kube::Quantity> amounts = {{"cpu", kCpu}, {"memory", kMemory}};
  for (const auto& [resource, amount] : least) {
    amounts[resource] = std::max(amounts[resource], amount);
  }
  for (const auto& [resource, amount] : amounts) {
    // A limit equal to the request satisfies every maximum and ratio that the request does.
    own["resources"]["requests"][resource] = AsText(resource, amount);
    own["resources"]["limits"][resource] = AsText(resource, amount);
  }
  Json pod = {{"volumes", Json::array()},
              {"containers", Json::array({std::move(own)})},
              {"automountServiceAccountToken", false},
              {"enableServiceLinks", false},
              // A shell that is process 1 ignores SIGTERM.
              {"terminationGracePeriodSeconds", 1}};
  CopyKeys(kOfThePod, spec, pod);
  return Json{{"apiVersion", "v1"},
              {"kind", "Pod"},
              {"metadata", {{"name", name}, {"labels", Json::object()}}},
              {"spec", std::move(pod)}};
}

absl::StatusOr<OwnPod> OwnPod::Prepare(Deployment& paw, std::string_view what,
                                       const Deadline& deadline) {
  const WorkloadRef& validators = paw.profile().validators;
  ASSIGN_OR_RETURN(const Json pod_template, ReadPodTemplate(paw.kube(), validators, deadline));
  ASSIGN_OR_RETURN(const auto ranges,
                   paw.kube().List({kube::kLimitRanges, paw.profile().ns}, deadline));
  ASSIGN_OR_RETURN(Json manifest,
                   OwnPodManifest(fmt::format("pawk8s-{}", what), pod_template.at("spec"),
                                  validators.container, LeastRequests(ranges.items)));
  OwnPod pod(paw.profile().ns, std::move(manifest));
  pod.Script("while :; do sleep 3600; done");
  return pod;
}

OwnPod& OwnPod::Script(const std::string& script) { return Runs({"/bin/sh", "-c", script}); }

OwnPod& OwnPod::Runs(const std::vector<std::string>& command) {
  container()["command"] = command;
  return *this;
}

OwnPod& OwnPod::Claim(const std::string& claim, const std::string& path) {
  return Volume("claim", {{"persistentVolumeClaim", {{"claimName", claim}}}}, path);
}

OwnPod& OwnPod::Volume(const std::string& volume, const Json& source, const std::string& path) {
  Json entry = source;
  entry["name"] = volume;
  spec()["volumes"].push_back(std::move(entry));
  container()["volumeMounts"].push_back({{"name", volume}, {"mountPath", path}});
  return *this;
}

OwnPod& OwnPod::On(const std::string& node) {
  // By the node's name: the label kubernetes.io/hostname may be another one.
  const Json term = {{"matchFields", Json::array({{{"key", "metadata.name"},
                                                   {"operator", "In"},
                                                   {"values", Json::array({node})}}})}};
  spec()["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] = {
      {"nodeSelectorTerms", Json::array({term})}};
  return *this;
}

absl::StatusOr<kube::Pod> AwaitPod(Deployment& paw, const std::string& name,
                                   const std::function<bool(const kube::Pod&)>& enough,
                                   const Deadline& deadline) {
  ASSIGN_OR_RETURN(
      const auto informer,
      kube::Informer::Start(
          paw.kube(), {kube::kPods, paw.profile().ns, "", "metadata.name=" + name}, deadline));
  while (true) {
    const auto seen = informer->Get();
    std::string why = "it is not there";
    if (const kube::Object* found = seen.Find(name)) {
      const kube::Pod pod(*found);
      if (enough(pod) || pod.phase() == "Failed" || pod.phase() == "Succeeded") return pod;
      why = WhyNotReady(pod);
    }
    const absl::Status changed = informer->AwaitChange(seen.version, deadline);
    if (!changed.ok()) return Annotate(changed, fmt::format("pod {}: {}", name, why));
  }
}

absl::StatusOr<kube::Pod> AwaitRunning(Deployment& paw, const std::string& name,
                                       const Deadline& deadline) {
  const auto runs = [](const kube::Pod& pod) {
    const auto statuses = pod.container_statuses();
    return pod.phase() == "Running" && !statuses.empty() &&
           std::ranges::all_of(statuses, [](const auto& s) { return s.state == "running"; });
  };
  ASSIGN_OR_RETURN(kube::Pod pod, AwaitPod(paw, name, runs, deadline));
  if (runs(pod)) return pod;
  return absl::FailedPreconditionError(fmt::format("pod {} has ended: {}", name, WhyNotReady(pod)));
}

absl::StatusOr<std::string> RunScript(Deployment& paw, const std::string& pod,
                                      const std::string& script, const Deadline& deadline) {
  // Without a last word, a stream that was lost would be a script that had nothing to say.
  constexpr std::string_view kEnd = "\npawk8s-end";
  const std::string ended =
      fmt::format("(\n{}\n)\ncode=$?\nprintf %s '{}'\nexit $code", script, kEnd);
  ASSIGN_OR_RETURN(
      kube::ExecResult ran,
      kube::Exec(paw.kube(), {.ns = paw.profile().ns, .pod = pod, .argv = {"/bin/sh", "-c", ended}},
                 deadline));
  if (ran.exit_code != 0) {
    return absl::FailedPreconditionError(
        fmt::format("a script in pod {} exits with {}: {}", pod, ran.exit_code, ran.err));
  }
  if (!ran.out.ends_with(kEnd)) {
    return absl::UnavailableError(fmt::format("a script in pod {} was not heard to its end", pod));
  }
  ran.out.resize(ran.out.size() - kEnd.size());
  return ran.out;
}

}  // namespace pawk8s
