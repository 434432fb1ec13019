// A helper process that outlives the one that started it.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace pawk8s::net {

// Starts argv (argv[0] is a path) in a session of its own, without the caller's terminal, signals
// or open files. Returns the write end of its standard input: it reads end-of-file when this
// process closes that or dies. Writing to it after it has ended gives EPIPE: SIGPIPE is ignored
// from the first call on.
[[nodiscard]] absl::StatusOr<int> StartDetached(const std::vector<std::string>& argv);

}  // namespace pawk8s::net
