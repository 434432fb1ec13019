// Changing the chain's parameters the way a chain does: a proposal that its validators vote for.
// Signed by pawd itself in a validator's pod, with the operators' keys of the deployment's Secret.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "prove/site.h"

namespace pawk8s::prove {

// `args` are those of a gov step: {module, [message], [pod, container], [secret]}. `message` is the
// type of the module's MsgUpdateParams, by default /cosmos.<module>.v1beta1.MsgUpdateParams; a
// pod is by default the first validator, the secret paw-accounts.

[[nodiscard]] absl::StatusOr<nlohmann::json> ReadParameters(Site& site, const nlohmann::json& args);

// The parameters of module slashing under which a validator is jailed when it misses more than
// `spare` further blocks than the one that has missed most so far: the window is as long as the
// chain is old. FailedPrecondition if one has missed nearly all.
[[nodiscard]] absl::StatusOr<nlohmann::json> JailingAfter(Site& site, const nlohmann::json& args,
                                                          std::int64_t spare);
// ... by the answer to a query for signing infos.
[[nodiscard]] absl::StatusOr<nlohmann::json> JailingAfter(const nlohmann::json& signing_infos,
                                                          std::int64_t spare);

// Proposes, votes with every operator, and returns when the chain has the parameters.
[[nodiscard]] absl::Status SetParameters(Site& site, const nlohmann::json& args,
                                         const nlohmann::json& parameters,
                                         const Deadline& deadline);

// The same back, and every validator that was jailed meanwhile is released.
[[nodiscard]] absl::Status RestoreParameters(Site& site, const nlohmann::json& args,
                                             const nlohmann::json& before,
                                             const Deadline& deadline);

}  // namespace pawk8s::prove
