// Evictions of validators, and what their disruption budget says to the next one.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/deployment/rollout.h"
#include "pawk8s/fault/faults.h"

namespace pawk8s {

// How often it was asked whether a pod may be evicted (dry run), and what the answer was.
struct EvictionAnswers {
  int asked = 0;
  int refused = 0;                  // 429, by the disruption budget
  std::vector<std::string> others;  // any other answer, with the pod's name
};

// Asks once for each of `pods`; nothing is evicted.
[[nodiscard]] absl::Status AskForEvictions(kube::Client& client, const std::vector<kube::Pod>& pods,
                                           EvictionAnswers& answers, const Deadline& deadline);

// The Ready validators of the highest ordinals that together leave more than 2/3 of the voting
// power; never the first one. FailedPrecondition if there is none.
[[nodiscard]] absl::StatusOr<std::vector<kube::Pod>> SpareValidators(Deployment& paw,
                                                                     const Deadline& deadline);

struct Evicted {
  std::vector<kube::Pod> pods;
  EvictionAnswers answers;  // of the other validators, until the first of `pods` was Ready again
};
// Evicts `spare` one after another until all are, or the budget refuses one, and then asks for the
// other validators until the first successor is Ready, at most `within`. ResourceExhausted if not
// even the first may be evicted.
[[nodiscard]] absl::StatusOr<Evicted> EvictAndAsk(Deployment& paw, fault::Faults& faults,
                                                  const std::vector<kube::Pod>& spare,
                                                  Millis within, const Deadline& deadline);

// The worker that runs most validators; the first of them by name.
[[nodiscard]] absl::StatusOr<std::string> BusiestWorker(Deployment& paw, const Deadline& deadline);

struct DrainTrace {
  std::string node;
  std::vector<std::string> evicted;  // pods of the validators
  Rollout drained;                   // while it was drained
  Rollout back;                      // since it was uncordoned
  std::string told_by;
  std::vector<Millis> block_gaps;  // over the whole time
};
// Drains `node` for `hold`, uncordons it and follows until every validator is Ready, at most
// `ready_within`. FailedPrecondition if all validators run on it.
[[nodiscard]] absl::StatusOr<DrainTrace> DrainAndFollow(Deployment& paw, fault::Faults& faults,
                                                        const std::string& node, Millis hold,
                                                        Millis ready_within,
                                                        const Deadline& deadline);

}  // namespace pawk8s
