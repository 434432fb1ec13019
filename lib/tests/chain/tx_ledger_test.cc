#include "pawk8s/chain/tx_ledger.h"

#include <gmock/gmock.h>

#include <thread>

#include "kube/test_util.h"

namespace pawk8s::chain {
namespace {

using Kind = TxFate::Kind;

SignedTx TxNamed(const std::string& hash, std::int64_t expires_after) {
  return {.hash = hash, .expires_after = {expires_after}};
}

BlockTxs BlockWith(std::int64_t height, const std::vector<std::string>& hashes,
                   std::uint32_t code = 0) {
  BlockTxs block{.height = {height}, .time = {.seconds = height}};
  for (const auto& hash : hashes) block.txs.push_back({hash, {.code = code, .codespace = "sdk"}});
  return block;
}

Kind KindOf(TxLedger& ledger, const std::string& hash) {
  const auto fate = ledger.Await(hash, In(Millis{1}));
  return fate.ok() ? fate->kind : Kind::kPending;
}

TEST(TxLedgerTest, EveryTransactionEndsInOneWay) {
  TxLedger ledger({10});
  for (const char* hash : {"in a block", "failed", "rejected", "expired", "late"}) {
    ASSERT_THAT(ledger.Sent(TxNamed(hash, 12)), IsOk());
  }
  ASSERT_THAT(ledger.Sent(TxNamed("pending", 13)), IsOk());
  ASSERT_THAT(ledger.Rejected("rejected", {.code = 13, .codespace = "sdk"}), IsOk());
  ASSERT_THAT(ledger.Saw(BlockWith(11, {"in a block", "of somebody else"})), IsOk());
  EXPECT_EQ(KindOf(ledger, "late"), Kind::kPending);
  BlockTxs last = BlockWith(12, {"late"});
  last.txs.push_back({"failed", {.code = 5, .codespace = "sdk"}});
  ASSERT_THAT(ledger.Saw(last), IsOk());

  ASSERT_OK_AND_ASSIGN(const TxFate committed, ledger.Await("in a block", Soon()));
  EXPECT_EQ(committed.kind, Kind::kCommitted);
  EXPECT_EQ(committed.height, Height{11});
  EXPECT_EQ(committed.block_time.seconds, 11);
  ASSERT_OK_AND_ASSIGN(const TxFate failed, ledger.Await("failed", Soon()));
  EXPECT_EQ(failed.kind, Kind::kCommitted);
  EXPECT_TRUE(failed.result.Is(kInsufficientFunds));
  ASSERT_OK_AND_ASSIGN(const TxFate rejected, ledger.Await("rejected", Soon()));
  EXPECT_EQ(rejected.kind, Kind::kRejected);
  EXPECT_TRUE(rejected.result.Is(kInsufficientFee));
  EXPECT_EQ(KindOf(ledger, "expired"), Kind::kExpired);
  EXPECT_EQ(KindOf(ledger, "late"), Kind::kCommitted);  // its last block may still have it

  const TxTally tally = ledger.tally();
  EXPECT_EQ(tally.sent, 6u);
  EXPECT_EQ(tally.committed, 3u);
  EXPECT_EQ(tally.failed, 1u);
  EXPECT_EQ(tally.rejected, 1u);
  EXPECT_EQ(tally.expired, 1u);
  EXPECT_EQ(tally.unknown, 1u);
  EXPECT_EQ(tally.contradicted, 0u);
  EXPECT_THAT(ledger.AwaitAll(In(Millis{1})),
              Fails(absl::StatusCode::kDeadlineExceeded, testing::HasSubstr("1 transactions")));
  ASSERT_THAT(ledger.Saw(BlockWith(13, {})), IsOk());
  EXPECT_THAT(ledger.AwaitAll(Soon()), IsOk());
  EXPECT_EQ(ledger.tally().unknown, 0u);
}

TEST(TxLedgerTest, AGapIsNotOverlooked) {
  TxLedger ledger({10});
  EXPECT_THAT(ledger.Saw(BlockWith(12, {})),
              Fails(absl::StatusCode::kFailedPrecondition, "block 12 after block 10"));
  EXPECT_THAT(ledger.Saw(BlockWith(10, {})), IsOk());  // known, ignored
  EXPECT_EQ(ledger.seen(), Height{10});
}

TEST(TxLedgerTest, TakesOnlyWhatItCanFollow) {
  TxLedger ledger({10});
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(ledger.Sent(TxNamed("never", 0)), Fails(kInvalid, testing::_));
  EXPECT_THAT(ledger.Sent(TxNamed("over", 10)), Fails(kInvalid, testing::_));
  EXPECT_THAT(ledger.Sent(TxNamed("a", 11)), IsOk());
  EXPECT_THAT(ledger.Sent(TxNamed("a", 11)), Fails(absl::StatusCode::kAlreadyExists, testing::_));
  EXPECT_THAT(ledger.Rejected("b", {}), Fails(absl::StatusCode::kNotFound, testing::_));
  EXPECT_THAT(ledger.Await("b", Soon()), Fails(absl::StatusCode::kNotFound, testing::_));
  EXPECT_EQ(ledger.tally().sent, 1u);
}

TEST(TxLedgerTest, AChainThatBreaksItsWordIsSeen) {
  TxLedger ledger({10});
  for (const char* hash : {"rejected", "expired"}) {
    ASSERT_THAT(ledger.Sent(TxNamed(hash, 11)), IsOk());
  }
  ASSERT_THAT(ledger.Rejected("rejected", {.code = 1}), IsOk());
  ASSERT_THAT(ledger.Saw(BlockWith(11, {})), IsOk());
  ASSERT_THAT(ledger.Saw(BlockWith(12, {"rejected", "expired"})), IsOk());
  ASSERT_THAT(ledger.Saw(BlockWith(13, {"expired"})), IsOk());  // replayed
  const TxTally tally = ledger.tally();
  EXPECT_EQ(tally.contradicted, 3u);
  EXPECT_EQ(tally.committed, 2u);
  EXPECT_EQ(tally.rejected, 0u);
  EXPECT_EQ(tally.expired, 0u);
  EXPECT_EQ(tally.unknown, 0u);
}

TEST(TxLedgerTest, WaitersWakeAndNothingIsLostBetweenThreads) {
  TxLedger ledger({0});
  constexpr int kThreads = 4;
  constexpr int kEach = 200;
  std::vector<std::jthread> senders;
  for (int t = 0; t < kThreads; ++t) {
    senders.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i) {
        const std::string hash = std::to_string(t * kEach + i);
        ASSERT_THAT(ledger.Sent(TxNamed(hash, 1'000'000)), IsOk());
        const auto fate = ledger.Await(hash, Soon());
        ASSERT_THAT(fate, IsOk());
        EXPECT_EQ(fate->kind, Kind::kCommitted);
      }
    });
  }
  std::jthread chain([&](const std::stop_token& stop) {
    std::vector<std::string> all;
    for (int i = 0; i < kThreads * kEach; ++i) all.push_back(std::to_string(i));
    // Blocks of all the hashes: those not yet sent are somebody else's.
    for (std::int64_t height = 1; !stop.stop_requested(); ++height) {
      BlockTxs block{.height = {height}};
      for (const auto& hash : all) {
        if (const auto fate = ledger.Await(hash, Deadline::After(Millis{0}));
            !absl::IsNotFound(fate.status()) && !fate.ok()) {
          block.txs.push_back({.hash = hash});
        }
      }
      ASSERT_THAT(ledger.Saw(block), IsOk());
    }
  });
  senders.clear();
  chain.request_stop();
  chain.join();
  const TxTally tally = ledger.tally();
  EXPECT_EQ(tally.committed, static_cast<std::uint64_t>(kThreads * kEach));
  EXPECT_EQ(tally.unknown, 0u);
  EXPECT_EQ(tally.contradicted, 0u);
}

}  // namespace
}  // namespace pawk8s::chain
