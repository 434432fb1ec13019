// A block's header and the precommits that made it final, as CometBFT's /commit gives them.
// Hashes, addresses and signatures are bytes here, not hex.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/chain/height.h"
#include "pawk8s/chain/timestamp.h"

namespace pawk8s::chain {

struct BlockId {
  std::string hash;
  std::uint32_t parts = 0;
  std::string parts_hash;
  friend bool operator==(const BlockId&, const BlockId&) = default;
};

struct Header {
  std::uint64_t block_version = 0;
  std::uint64_t app_version = 0;
  std::string chain_id;
  Height height;
  Timestamp time;
  BlockId last_block_id;
  std::string last_commit_hash;
  std::string data_hash;
  std::string validators_hash;
  std::string next_validators_hash;
  std::string consensus_hash;
  std::string app_hash;
  std::string last_results_hash;
  std::string evidence_hash;
  std::string proposer_address;
};

struct Precommit {
  enum class Vote { kAbsent = 1, kForBlock = 2, kNil = 3 };
  Vote vote = Vote::kAbsent;
  std::string validator_address;
  Timestamp time;
  std::string signature;
};

struct SignedHeader {
  Header header;
  // The commit: in this round of this height, for this block, one vote for each validator of the
  // set in its order.
  Height commit_height;
  std::int32_t round = 0;
  BlockId block_id;
  std::vector<Precommit> precommits;
};

// The answer of /commit. DataLoss if it is anything else, Internal if it is an RPC error.
[[nodiscard]] absl::StatusOr<SignedHeader> ParseSignedHeader(std::string_view answer);

}  // namespace pawk8s::chain
