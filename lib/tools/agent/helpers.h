// Processes of the agent's own inside a container's cgroup, for faults that use something up there.
//
// They end with the agent (PDEATHSIG), with the container's first process (its cgroup must not be
// held busy), after a time of their own, and when they are told.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "processes.h"

namespace pawk8s::agent {

// A started helper waits until it is released; dropped before, it ends.
class Helper {
 public:
  // `argv` is what the program gets, after its name.
  [[nodiscard]] static absl::StatusOr<Helper> Start(const Node& node,
                                                    const std::vector<std::string>& argv);

  [[nodiscard]] const ProcessId& id() const { return id_; }
  // Moves it into these cgroup folders.
  [[nodiscard]] absl::Status Join(const std::set<std::string>& folders) const;
  [[nodiscard]] absl::Status Release() const;

 private:
  ProcessId id_;
  Fd start_;
};

// Ends them and waits until they have ended. OK if they had already.
[[nodiscard]] absl::Status EndHelpers(const Node& node, const std::vector<ProcessId>& helpers);

// What a helper does, as a program: "burn" keeps a CPU busy, "press" allocates up to `bytes`.
[[nodiscard]] int Burn(std::int64_t beside);
[[nodiscard]] int Press(std::int64_t beside, std::int64_t bytes);

}  // namespace pawk8s::agent
