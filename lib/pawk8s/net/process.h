// Runs a program to its end: an argv vector, no shell.
//
//   ASSIGN_OR_RETURN(const auto ran, net::RunProcess({.argv = {"aws", "eks", "get-token"}},
//   deadline)); if (ran.exit_code != 0) ...ran.err says why...
#pragma once

#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"

namespace pawk8s::net {

struct ProcessSpec {
  std::vector<std::string> argv;  // argv[0] is looked up in PATH unless it has a slash
  std::vector<std::pair<std::string, std::string>> env;  // added to the caller's environment
  std::string input;                                     // its standard input
  // How long a program whose deadline is cancelled (not over) may take to end after SIGTERM.
  std::chrono::nanoseconds grace{0};
};

struct ProcessResult {
  int exit_code = 0;  // 128 + signal number when a signal ended it
  std::string out;
  std::string err;
};

// Blocks until the program has ended and its output is read. An exit code is data; errors are
// NotFound (no such program), DeadlineExceeded and Cancelled (its whole process group has been
// killed), ResourceExhausted (more than 16 MiB of output). Should this process die, the program
// does too.
[[nodiscard]] absl::StatusOr<ProcessResult> RunProcess(const ProcessSpec& spec,
                                                       const Deadline& deadline);

}  // namespace pawk8s::net
