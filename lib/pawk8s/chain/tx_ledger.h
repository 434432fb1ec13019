// What became of every transaction that was sent: committed, rejected or expired. The verdict comes
// from whole blocks without a gap, so that a transaction which is in none of them until it expires
// is proved to be nowhere.
//
//   TxLedger ledger(height);       // blocks are given from height + 1 on
//   ledger.Sent(tx);               // before any node gets it
//   ledger.Rejected(tx.hash, check);
//   ledger.Saw(block);             // BlockStream calls it
//   ASSIGN_OR_RETURN(const TxFate fate, ledger.Await(tx.hash, deadline));
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/chain/block_txs.h"
#include "pawk8s/chain/tx.h"

namespace pawk8s::chain {

struct TxFate {
  enum class Kind {
    kPending,    // nothing is known yet
    kCommitted,  // in a block, with `result` of its execution, which may have failed
    kRejected,   // refused before any block, with `result` of the check
    kExpired,    // in no block up to the last that could have had it
  };
  Kind kind = Kind::kPending;
  TxResult result;
  Height height;         // of the block it is in
  Timestamp block_time;  // ... and that block's time
  SteadyTime sent;
  SteadyTime ended;  // when the fate became known here
};

struct TxTally {
  std::uint64_t sent = 0;
  std::uint64_t committed = 0;
  std::uint64_t failed = 0;  // of the committed, whose execution failed
  std::uint64_t rejected = 0;
  std::uint64_t expired = 0;
  std::uint64_t unknown = 0;  // still without a fate
  // Committed after the chain had said that they never would be: a broken promise of the chain.
  std::uint64_t contradicted = 0;
};

// Thread-safe.
class TxLedger {
 public:
  // `before` is the block whose successor is the first given to Saw().
  explicit TxLedger(Height before) : seen_(before) {}

  // InvalidArgument if it never expires, or has expired already; AlreadyExists if it is known.
  [[nodiscard]] absl::Status Sent(const SignedTx& tx);
  // By a node's check. NotFound if it was not sent.
  [[nodiscard]] absl::Status Rejected(const std::string& hash, TxResult check);
  // The next block; one seen before is ignored. FailedPrecondition if there is a gap.
  [[nodiscard]] absl::Status Saw(const BlockTxs& block);

  // Waits until the fate is known. NotFound if the transaction was not sent.
  [[nodiscard]] absl::StatusOr<TxFate> Await(const std::string& hash, const Deadline& deadline);
  // Waits until every fate is known.
  [[nodiscard]] absl::Status AwaitAll(const Deadline& deadline);

  [[nodiscard]] Height seen() const;
  [[nodiscard]] TxTally tally() const;

 private:
  void End(TxFate& fate, TxFate::Kind kind);  // under the mutex

  mutable std::mutex mutex_;
  std::condition_variable_any ended_;
  Height seen_;
  std::unordered_map<std::string, TxFate> fates_;
  std::multimap<Height, std::string> expiries_;  // of all that may still be pending
  TxTally tally_;
};

}  // namespace pawk8s::chain
