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
  // How many of the commits a validator signed, by pod.
  [[nodiscard]] std::map<std::string, std::int64_t> SignedByPod() const;
};
// The blocks after `since`, as the first Ready validator has them; without the latest, whose commit
// may still grow. Every pod of the validators must answer.
[[nodiscard]] absl::StatusOr<SigningHistory> ReadSigning(Deployment& paw, chain::Height since,
                                                         const Deadline& deadline);

// How far the chain has come since a height.
struct Progress {
  std::string told_by;
  std::int64_t blocks = 0;
  friend bool operator==(const Progress&, const Progress&) = default;
};
[[nodiscard]] absl::StatusOr<Progress> ReadProgress(Deployment& paw, const kube::Pod& teller,
                                                    chain::Height since, const Deadline& deadline);

// One validator's part in the commits of the blocks after a height.
struct Votes {
  std::string pod;
  std::string told_by;
  std::int64_t commits = 0;
  std::int64_t signed_by_it = 0;  // of those
  friend bool operator==(const Votes&, const Votes&) = default;
};
// As `teller` has them; without the latest, whose commit may still grow.
[[nodiscard]] absl::StatusOr<Votes> ReadVotes(Deployment& paw, const kube::Pod& teller,
                                              const PodNode& validator, chain::Height since,
                                              const Deadline& deadline);

// The app hash of the highest height that every one of `pods` has, by pod.
[[nodiscard]] absl::StatusOr<std::map<std::string, std::string>> AppHashes(
    Deployment& paw, const std::vector<kube::Pod>& pods, const Deadline& deadline);

// How many pieces of evidence the blocks `from`..latest carry, as the first Ready validator has
// them.
[[nodiscard]] absl::StatusOr<std::size_t> EvidenceSince(Deployment& paw, chain::Height from,
                                                        const Deadline& deadline);

}  // namespace pawk8s
