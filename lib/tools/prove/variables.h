// What ${...} in a list of defects stands for: the profile's values.
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/profile.h"

namespace pawk8s::prove {

using Variables = std::map<std::string, std::string>;

// Every scalar of the profile's file by its path (${deployment.validators.name}; elements of a list
// by their number), and short names for the roles: ${namespace}, ${validators},
// ${validator_container}, ${nodes}, ${node_container}, ${api}, ${api_container}.
[[nodiscard]] absl::StatusOr<Variables> VariablesOf(const Profile& profile);
// The same of a profile's file, which need not be filled in: to check lists without a cluster.
[[nodiscard]] absl::StatusOr<Variables> VariablesIn(const std::filesystem::path& file);

}  // namespace pawk8s::prove
