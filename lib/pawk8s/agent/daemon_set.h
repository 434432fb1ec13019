// The agent's objects in the cluster: its namespace, an account without rights, the DaemonSet.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"

namespace pawk8s::agent {

inline constexpr std::string_view kContainer = "agent";

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
  // Returns when all is gone.
  [[nodiscard]] absl::Status Remove(const Deadline& deadline);
  [[nodiscard]] absl::Status CheckRights(const Deadline& deadline);

 private:
  [[nodiscard]] absl::Status CheckOurs(const Deadline& deadline);
  [[nodiscard]] absl::Status WhyNoPod(const std::string& node, const Deadline& deadline);

  kube::Client& client_;
  Options options_;
};

// As they are applied, in this order.
[[nodiscard]] std::vector<Json> Manifests(const Options& options);

// Why this pod of the agent will not run unless somebody changes something; OK while it may.
[[nodiscard]] absl::Status WhyNotRunning(const kube::Pod& pod, const std::string& image);

}  // namespace pawk8s::agent
