// A block as far as transactions go: which it has, and what came of each.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/chain/height.h"
#include "pawk8s/chain/timestamp.h"
#include "pawk8s/chain/tx_result.h"

namespace pawk8s::chain {

struct IncludedTx {
  std::string hash;  // upper-case hex
  TxResult result;
};

struct BlockTxs {
  Height height;
  Timestamp time;  // the block's own
  std::vector<IncludedTx> txs;
};

// What a node sends to a subscriber of tm.event='NewBlock'. DataLoss if it is anything else,
// Internal with the node's words if it is an RPC error.
[[nodiscard]] absl::StatusOr<BlockTxs> ParseNewBlock(std::string_view message);
// The answers of /block and /block_results of one height.
[[nodiscard]] absl::StatusOr<BlockTxs> ParseBlockTxs(std::string_view block,
                                                     std::string_view results);

}  // namespace pawk8s::chain
