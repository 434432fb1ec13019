#include "pawk8s/chain/tx_ledger.h"

#include <fmt/format.h>

#include <utility>

namespace pawk8s::chain {

void TxLedger::End(TxFate& fate, TxFate::Kind kind) {
  if (fate.kind == TxFate::Kind::kPending) --tally_.unknown;
  fate.kind = kind;
  fate.ended = std::chrono::steady_clock::now();
}

absl::Status TxLedger::Sent(const SignedTx& tx) {
  const std::lock_guard lock(mutex_);
  if (tx.expires_after <= seen_) {
    return absl::InvalidArgumentError(
        fmt::format("{} expires after block {}, and block {} is there: it cannot be followed",
                    tx.hash, tx.expires_after.value, seen_.value));
  }
  const auto [entry, is_new] = fates_.try_emplace(tx.hash);
  if (!is_new) return absl::AlreadyExistsError(tx.hash + " was sent before");
  entry->second.sent = std::chrono::steady_clock::now();
  expiries_.emplace(tx.expires_after, tx.hash);
  ++tally_.sent;
  ++tally_.unknown;
  return absl::OkStatus();
}

absl::Status TxLedger::Rejected(const std::string& hash, TxResult check) {
  const std::lock_guard lock(mutex_);
  const auto found = fates_.find(hash);
  if (found == fates_.end()) return absl::NotFoundError(hash + " was not sent");
  TxFate& fate = found->second;
  if (fate.kind == TxFate::Kind::kCommitted) {
    ++tally_.contradicted;
    return absl::OkStatus();
  }
  if (fate.kind == TxFate::Kind::kExpired) return absl::OkStatus();
  End(fate, TxFate::Kind::kRejected);
  fate.result = std::move(check);
  ++tally_.rejected;
  ended_.notify_all();
  return absl::OkStatus();
}

absl::Status TxLedger::Saw(const BlockTxs& block) {
  const std::lock_guard lock(mutex_);
  if (block.height <= seen_) return absl::OkStatus();
  if (block.height != seen_ + 1) {
    return absl::FailedPreconditionError(
        fmt::format("block {} after block {}", block.height.value, seen_.value));
  }
  seen_ = block.height;
  for (const IncludedTx& tx : block.txs) {
    const auto found = fates_.find(tx.hash);
    if (found == fates_.end()) continue;  // somebody else's
    TxFate& fate = found->second;
    if (fate.kind != TxFate::Kind::kPending) ++tally_.contradicted;
    if (fate.kind == TxFate::Kind::kCommitted) continue;
    if (fate.kind == TxFate::Kind::kRejected) --tally_.rejected;
    if (fate.kind == TxFate::Kind::kExpired) --tally_.expired;
    End(fate, TxFate::Kind::kCommitted);
    fate.result = tx.result;
    fate.height = block.height;
    fate.block_time = block.time;
    ++tally_.committed;
    if (!tx.result.ok()) ++tally_.failed;
  }
  const auto over = expiries_.upper_bound(seen_);
  for (auto expiry = expiries_.begin(); expiry != over; ++expiry) {
    TxFate& fate = fates_.at(expiry->second);
    if (fate.kind != TxFate::Kind::kPending) continue;
    End(fate, TxFate::Kind::kExpired);
    ++tally_.expired;
  }
  expiries_.erase(expiries_.begin(), over);
  ended_.notify_all();
  return absl::OkStatus();
}

absl::StatusOr<TxFate> TxLedger::Await(const std::string& hash, const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  const auto found = fates_.find(hash);
  if (found == fates_.end()) return absl::NotFoundError(hash + " was not sent");
  const TxFate& fate = found->second;  // stays where it is when others join
  const bool known = ended_.wait_until(lock, deadline.stop(), deadline.when(),
                                       [&] { return fate.kind != TxFate::Kind::kPending; });
  if (!known) return deadline.Check("waiting for the fate of " + hash);
  return fate;
}

absl::Status TxLedger::AwaitAll(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  const bool known = ended_.wait_until(lock, deadline.stop(), deadline.when(),
                                       [this] { return tally_.unknown == 0; });
  if (known) return absl::OkStatus();
  return deadline.Check(fmt::format("waiting for the fates of {} transactions", tally_.unknown));
}

Height TxLedger::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

TxTally TxLedger::tally() const {
  const std::lock_guard lock(mutex_);
  return tally_;
}

}  // namespace pawk8s::chain
