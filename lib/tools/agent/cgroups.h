// The control groups of a container: v1, v1 with v2 beside it (hybrid) and v2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "processes.h"

namespace pawk8s::agent {

struct ControllerFolder {
  std::string path;
  bool v2 = false;
};

// The folder of `controller` ("cpu", "cpuacct", "memory") that the container's first process is in.
[[nodiscard]] absl::StatusOr<ControllerFolder> ControllerOf(const Node& node, const Target& target,
                                                            std::string_view controller);

// "v1", "hybrid" or "v2"; "none" when nothing is mounted.
[[nodiscard]] std::string CgroupLayout(const Node& node);

[[nodiscard]] absl::StatusOr<CgroupFacts> ReadCgroupFacts(const Node& node,
                                                          const CgroupFactsRequest& request);

// The whole number in `path`; nothing when there is no such file or no number ("max").
[[nodiscard]] std::optional<std::int64_t> ReadCounter(const std::string& path);
// The value of "<key> <number>" in a file of such lines.
[[nodiscard]] std::optional<std::int64_t> ReadKeyed(const std::string& path, std::string_view key);

}  // namespace pawk8s::agent
