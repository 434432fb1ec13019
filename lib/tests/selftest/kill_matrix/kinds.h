// One fault of each kind that the suite can inject, against the spare validator.
#pragma once

#include <chrono>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/fault/faults.h"

namespace pawk8s::selftest {

[[nodiscard]] const std::vector<std::string_view>& Kinds();

[[nodiscard]] absl::StatusOr<fault::Fault> ArmKind(std::string_view kind, fault::Faults& faults,
                                                   Deployment& paw, std::chrono::seconds hold,
                                                   const Deadline& deadline);

}  // namespace pawk8s::selftest
