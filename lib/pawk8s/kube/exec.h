// Runs a command in a container, over WebSocket.
//
//   ASSIGN_OR_RETURN(const auto ran, kube::Exec(client, {.ns = "paw", .pod = "paw-validator-0",
//                                                       .argv = {"cat", "/etc/hostname"}},
//                                                       deadline));
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/kube/client.h"

namespace pawk8s::kube {

struct ExecRequest {
  std::string ns;
  std::string pod;
  std::string container = {};  // empty: the pod's default one
  std::vector<std::string> argv;
  std::optional<std::string> input = {};  // its standard input, closed at the end; none: no stdin
};

struct ExecResult {
  int exit_code = 0;
  std::string out;
  std::string err;
};

// Blocks until the command has ended. An exit code is data. Errors: those of Client for what the
// API server refuses; FailedPrecondition when the command could not be started (no such program,
// container not running); DeadlineExceeded and Cancelled (the command may still run); Unavailable
// when the connection broke before an exit code came.
// `input` is closed at its end only if the server speaks v5.channel.k8s.io; with an older one a
// command that reads to the end of its input is InvalidArgument.
[[nodiscard]] absl::StatusOr<ExecResult> Exec(const Client& client, const ExecRequest& request,
                                              const Deadline& deadline);

}  // namespace pawk8s::kube
