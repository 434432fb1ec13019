// The process that keeps the faults, and answers on a unix socket that only the pod itself can see.
#pragma once

#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "processes.h"

namespace pawk8s::agent {

struct ResidentOptions {
  Node node;
  std::string socket = "/run/pawk8s-agent/socket";
  std::string state = "/state";
};

// Runs until SIGTERM or SIGINT, then reverts everything. An error says why it could not start, or
// what it could not revert in time.
[[nodiscard]] absl::Status RunResident(const ResidentOptions& options);

// Hands a request to the resident and returns its answer, as texts. Waits a little for one that is
// just starting.
[[nodiscard]] absl::StatusOr<std::string> AskResident(const std::string& socket,
                                                      std::string_view request);

}  // namespace pawk8s::agent
