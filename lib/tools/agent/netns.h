// Sockets inside a pod's network namespace. A socket stays in the namespace it was made in, so only
// its making takes place there.
#pragma once

#include <functional>

#include "absl/status/status.h"
#include "processes.h"

namespace pawk8s::agent {

struct NetworkNamespace {
  ProcessId through;       // a process in it
  std::int64_t inode = 0;  // its identity

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("through", self.through);
    field("inode", self.inode);
  }
};
// TargetGone when the pod has no process left.
[[nodiscard]] absl::StatusOr<NetworkNamespace> FindNamespace(const Node& node, const Place& place);
// Runs `work` with this thread in the namespace, and returns to its own.
[[nodiscard]] absl::Status InNamespace(const Node& node, const NetworkNamespace& where,
                                       const std::function<absl::Status()>& work);

// A socket of that namespace (close-on-exec).
[[nodiscard]] absl::StatusOr<Fd> SocketIn(const Node& node, const Place& place, int domain,
                                          int type, int protocol = 0);

}  // namespace pawk8s::agent
