// Pods of the suite's own beside the deployment: a claim's consumer, a client, a stub of a server.
//
//   OwnPod pod = Must(OwnPod::Prepare(paw(), "writer", deadline()));
//   pod.Claim("pawk8s-writer", "/volume");
//   const auto made = Stimulus(faults().Create(pod.where(), pod.manifest(), deadline()));
//   const kube::Pod running = Must(AwaitRunning(paw(), pod.name(), deadline()));
//
// They run the validators' image, which has a static shell, under the validators' security context,
// ask for the least that the namespace's limit ranges allow and carry no label of a workload: no
// Service, policy or disruption budget of the deployment means them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/kube/objects.h"
#include "pawk8s/kube/quantity.h"
#include "pawk8s/kube/resource.h"

namespace pawk8s {

class OwnPod {
 public:
  // Named "pawk8s-<what>". It waits until it is deleted, unless Runs() says otherwise.
  static absl::StatusOr<OwnPod> Prepare(Deployment& paw, std::string_view what,
                                        const Deadline& deadline);

  // A script for /bin/sh, or any other command.
  OwnPod& Script(const std::string& script);
  OwnPod& Runs(const std::vector<std::string>& command);
  OwnPod& Claim(const std::string& claim, const std::string& path);
  // `source` is what a volume of a pod spec has beside its name: {"emptyDir": {}}.
  OwnPod& Volume(const std::string& volume, const kube::Json& source, const std::string& path);
  // The scheduler puts it on that node or nowhere.
  OwnPod& On(const std::string& node);

  [[nodiscard]] std::string name() const { return manifest_["metadata"]["name"]; }
  [[nodiscard]] kube::Collection where() const { return {kube::kPods, ns_}; }
  [[nodiscard]] const kube::Json& manifest() const { return manifest_; }
  // Its one container, for what is changed by hand.
  [[nodiscard]] kube::Json& container() { return manifest_["spec"]["containers"][0]; }
  [[nodiscard]] kube::Json& spec() { return manifest_["spec"]; }

 private:
  OwnPod(std::string ns, kube::Json manifest)
      : ns_(std::move(ns)), manifest_(std::move(manifest)) {}

  std::string ns_;
  kube::Json manifest_;
};

// The manifest that Prepare() begins with: `spec` is the pod spec of the validators' template,
// `container` the one of its containers that is imitated, `least` what a container must ask for.
[[nodiscard]] absl::StatusOr<kube::Json> OwnPodManifest(
    const std::string& name, const kube::Json& spec, std::string_view container,
    const std::map<std::string, kube::Quantity>& least);

// The most that the `min` of limit ranges demands of a container, by resource.
[[nodiscard]] std::map<std::string, kube::Quantity> LeastRequests(
    const std::vector<kube::Object>& limit_ranges);

// Waits by watch until the pod is as `enough` asks or has ended. DeadlineExceeded with what it
// waits for otherwise.
[[nodiscard]] absl::StatusOr<kube::Pod> AwaitPod(
    Deployment& paw, const std::string& pod, const std::function<bool(const kube::Pod&)>& enough,
    const Deadline& deadline);

// Waits by watch until the pod runs with all containers started. FailedPrecondition as soon as it
// has ended, DeadlineExceeded with what it waits for otherwise.
[[nodiscard]] absl::StatusOr<kube::Pod> AwaitRunning(Deployment& paw, const std::string& pod,
                                                     const Deadline& deadline);

// What a script for /bin/sh prints in a pod of the suite's own. FailedPrecondition, with what it
// says on its standard error, if it exits with another code than 0; Unavailable if its end was not
// heard.
[[nodiscard]] absl::StatusOr<std::string> RunScript(Deployment& paw, const std::string& pod,
                                                    const std::string& script,
                                                    const Deadline& deadline);

}  // namespace pawk8s
