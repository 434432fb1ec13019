// The agent's objects in the cluster: its namespace, an account without rights, the DaemonSet.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"

namespace pawk8s::agent {

inline constexpr std::string_view kContainer = "agent";
// Label of a namespace that stays when the agent goes: an administrator made it, with the runner's
// role in it. Its runner needs no right over namespaces.
inline constexpr const char* kKeptLabel = "pawk8s.dev/kept";

// Not thread-safe. `client` must outlive it.
class DaemonSet {
 public:
  DaemonSet(kube::Client& client, Options options)
      : client_(client), options_(std::move(options)) {}

  [[nodiscard]] absl::Status Apply(const Deadline& deadline);
  // The node's pod once it runs; FailedPrecondition as soon as it is known that it will not.
  [[nodiscard]] absl::StatusOr<kube::Pod> AwaitPod(const std::string& node,
                                                   const Deadline& deadline);
  [[nodiscard]] absl::StatusOr<std::vector<kube::Pod>> RunningPods(const Deadline& deadline);
  // Returns when all is gone, the namespace too unless it is labelled kKeptLabel.
  [[nodiscard]] absl::Status Remove(const Deadline& deadline);
  [[nodiscard]] absl::Status CheckRights(const Deadline& deadline);

 private:
  // Returns when it is gone, with all that it owns.
  [[nodiscard]] absl::Status RemoveAndAwait(const kube::ObjectRef& object,
                                            const Deadline& deadline);
  // The namespace: absent, being removed, made by an administrator to stay, made by the suite.
  enum class Home { kNone, kGoing, kKept, kOurs };
  // FailedPrecondition when it belongs to somebody else.
  [[nodiscard]] absl::StatusOr<Home> FindHome(const Deadline& deadline);
  [[nodiscard]] absl::Status WhyNoPod(const std::string& node, const Deadline& deadline);

  kube::Client& client_;
  Options options_;
};

// As they are applied, in this order.
[[nodiscard]] std::vector<Json> Manifests(const Options& options);

// Why this pod of the agent will not run unless somebody changes something; OK while it may.
[[nodiscard]] absl::Status WhyNotRunning(const kube::Pod& pod, const std::string& image);

}  // namespace pawk8s::agent
