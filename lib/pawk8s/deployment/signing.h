// Who signed which block, and whether all validators agree on the state.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/chain/rpc.h"
#include "pawk8s/deployment/deployment.h"

namespace pawk8s {

struct SigningHistory {
  std::string told_by;
  std::map<std::string, std::string> validators;  // consensus address in hex -> pod
  chain::Block since;                             // the block before the first of `commits`
  std::vector<chain::Block> blocks;               // one a commit
  std::vector<chain::Commit> commits;
  std::vector<std::string> not_in_set;  // pods without voting power at the last of them: jailed

  // From `since` to the end of the first `window` consecutive blocks of which every validator
  // signed at least `least`. Empty: there is none yet.
  [[nodiscard]] std::optional<Millis> AllSignedAfter(int window, int least) const;
};
// The blocks after `since`, as the first Ready validator has them; without the latest, whose commit
// may still grow. Every pod of the validators must answer.
[[nodiscard]] absl::StatusOr<SigningHistory> ReadSigning(Deployment& paw, chain::Height since,
                                                         const Deadline& deadline);

// The app hash of the highest height that every one of `pods` has, by pod.
[[nodiscard]] absl::StatusOr<std::map<std::string, std::string>> AppHashes(
    Deployment& paw, const std::vector<kube::Pod>& pods, const Deadline& deadline);

// How many pieces of evidence the blocks `from`..latest carry, as the first Ready validator has
// them.
[[nodiscard]] absl::StatusOr<std::size_t> EvidenceSince(Deployment& paw, chain::Height from,
                                                        const Deadline& deadline);

}  // namespace pawk8s
