// Which processes belong to a container or a pod: read from /proc, by the ids that every runtime
// puts into the names of their cgroups.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "os.h"
#include "pawk8s/agent/verbs.h"

namespace pawk8s::agent {

// Where the node's /proc and cgroup filesystems are.
struct Node {
  std::string proc = "/proc";
  std::string cgroup = "/host/cgroup";
};

// A process that cannot be mistaken for a later one with the same pid.
struct ProcessId {
  std::int64_t pid = 0;
  std::int64_t start_ticks = 0;

  bool operator==(const ProcessId&) const = default;
  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("pid", self.pid);
    field("start_ticks", self.start_ticks);
  }
};

struct ProcessStat {
  ProcessId id;
  std::string name;
  char state = '?';
};

// The agent's own processes that it puts into other cgroups have this name.
inline constexpr std::string_view kHelperName = "pawk8s-helper";

// Nothing when it is gone or a zombie.
[[nodiscard]] std::optional<ProcessStat> ReadStat(const Node& node, std::int64_t pid);
[[nodiscard]] bool IsAlive(const Node& node, const ProcessId& id);

// The living processes of the container, by pid; at least one. Errors: TargetGone when there is
// none, NotFound when none has the wanted name.
[[nodiscard]] absl::StatusOr<std::vector<ProcessStat>> ProcessesOf(const Node& node,
                                                                   const Target& target);
// The container's first process, whatever name the target wants.
[[nodiscard]] absl::StatusOr<ProcessStat> FirstProcessOf(const Node& node, const Target& target);
// All living processes of a pod, its sandbox included; TargetGone when there is none.
[[nodiscard]] absl::StatusOr<std::vector<ProcessStat>> ProcessesOfPod(const Node& node,
                                                                      std::string_view pod_uid);

// Sends `signal` if it is still that process: OK, or NotFound.
[[nodiscard]] absl::Status SendSignal(const Node& node, const ProcessId& id, int signal);

[[nodiscard]] absl::StatusOr<ProcessList> ReadProcessFacts(const Node& node,
                                                           const ProcessFactsRequest& request);
[[nodiscard]] absl::StatusOr<MountList> ReadMountFacts(const Node& node,
                                                       const MountFactsRequest& request);
[[nodiscard]] absl::StatusOr<SignalResult> Signal(const Node& node, const SignalRequest& request);

}  // namespace pawk8s::agent
