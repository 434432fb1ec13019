// Which function answers which verb: the closed list of what the agent can do.
#pragma once

#include "absl/status/statusor.h"
#include "keeper.h"
#include "pawk8s/agent/protocol.h"
#include "processes.h"

namespace pawk8s::agent {

// Verbs that the resident must answer, because it owns the faults.
[[nodiscard]] bool IsForResident(const Request& request);
[[nodiscard]] absl::StatusOr<Json> AnswerAsResident(const Node& node, Keeper& keeper,
                                                    const Request& request);

// All the others are answered by the process of the call itself: what goes wrong there hurts
// nobody.
[[nodiscard]] absl::StatusOr<Json> AnswerHere(const Node& node, const Request& request);

}  // namespace pawk8s::agent
