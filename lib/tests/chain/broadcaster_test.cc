// Broadcaster, BlockStream and TxLedger together, against nodes in this process.
#include "pawk8s/chain/broadcaster.h"

#include <gmock/gmock.h>

#include <thread>

#include "chain/fake_node.h"
#include "cosmos/bank/v1beta1/tx.pb.h"
#include "kube/test_util.h"

namespace pawk8s::chain {
namespace {

using Kind = TxFate::Kind;

Tx Compose(const Key& signer) {
  cosmos::bank::v1beta1::MsgSend send;
  send.set_from_address(signer.Address());
  return Tx().Add(send).Gas(100'000).Fee("100", "upaw");
}

class BroadcasterTest : public testing::Test {
 protected:
  BroadcasterTest() { accounts_.Add(Key::Generate(), {.number = 1}); }

  void Follow(std::vector<RpcNode> nodes) {
    auto stream = BlockStream::Start(
        std::move(nodes), {0}, [this](const BlockTxs& block) { return ledger_.Saw(block); },
        Soon());
    ASSERT_THAT(stream, IsOk());
    stream_ = *std::move(stream);
  }

  Broadcaster Make(std::vector<RpcNode> nodes) {
    return Broadcaster({.chain_id = "paw-1", .lifetime = 3}, std::move(nodes), accounts_, ledger_);
  }

  // Until the ledger has seen what the node has made.
  void Await(Height height) {
    const Deadline deadline = Soon();
    while (ledger_.seen() < height && !deadline.Over()) std::this_thread::yield();
    ASSERT_EQ(ledger_.seen(), height) << stream_->status();
  }

  Kind FateOf(const Broadcaster::Offer& offer) {
    const auto fate = ledger_.Await(offer.hash, Soon());
    EXPECT_THAT(fate, IsOk());
    return fate.ok() ? fate->kind : Kind::kPending;
  }

  FakeNode node_;
  Accounts accounts_;
  TxLedger ledger_{{0}};
  std::unique_ptr<BlockStream> stream_;
};

TEST_F(BroadcasterTest, WhatIsSentIsFollowedIntoItsBlock) {
  Follow({node_.rpc()});
  Broadcaster broadcaster = Make({node_.rpc()});
  std::vector<Broadcaster::Offer> offers;
  for (int i = 0; i < 5; ++i) {
    ASSERT_OK_AND_ASSIGN(auto offer, broadcaster.Send(Compose, Soon()));
    ASSERT_THAT(offer.check, IsOk());
    EXPECT_TRUE(offer.check->ok());
    offers.push_back(offer);
  }
  node_.MakeBlock();
  for (const auto& offer : offers) EXPECT_EQ(FateOf(offer), Kind::kCommitted);
  EXPECT_EQ(ledger_.tally().unknown, 0u);
  EXPECT_EQ(stream_->reconnects(), 0);
}

TEST_F(BroadcasterTest, AWrongSequenceIsCorrectedOnce) {
  Follow({node_.rpc()});
  node_.SetSequence(7);
  Broadcaster broadcaster = Make({node_.rpc()});
  ASSERT_OK_AND_ASSIGN(const auto offer, broadcaster.Send(Compose, Soon()));
  node_.MakeBlock();
  EXPECT_EQ(FateOf(offer), Kind::kCommitted);
  EXPECT_EQ(ledger_.tally().rejected, 1u);  // the first attempt
  ASSERT_OK_AND_ASSIGN(const auto next, broadcaster.Send(Compose, Soon()));
  EXPECT_TRUE(next.check->ok());
  EXPECT_EQ(node_.offers(), 3);
}

TEST_F(BroadcasterTest, WhatTheMempoolLosesExpires) {
  Follow({node_.rpc()});
  Broadcaster broadcaster = Make({node_.rpc()});
  ASSERT_OK_AND_ASSIGN(const auto offer, broadcaster.Send(Compose, Soon()));
  node_.EmptyMempool();
  for (int i = 0; i < 3; ++i) node_.MakeBlock();
  EXPECT_EQ(FateOf(offer), Kind::kExpired);
  EXPECT_EQ(ledger_.tally().unknown, 0u);
}

TEST_F(BroadcasterTest, ALostAnswerIsNoFate) {
  Follow({node_.rpc()});
  Broadcaster broadcaster = Make({node_.rpc()});
  node_.LoseAnswers(1);
  ASSERT_OK_AND_ASSIGN(const auto offer, broadcaster.Send(Compose, Soon()));
  EXPECT_FALSE(offer.check.ok());
  EXPECT_EQ(ledger_.tally().unknown, 1u);
  node_.MakeBlock();
  EXPECT_EQ(FateOf(offer), Kind::kCommitted);
  // The sequence was used: the next offer learns that, and goes through.
  ASSERT_OK_AND_ASSIGN(const auto next, broadcaster.Send(Compose, Soon()));
  ASSERT_THAT(next.check, IsOk());
  EXPECT_TRUE(next.check->ok());
}

TEST_F(BroadcasterTest, TheNextNodeTakesOver) {
  FakeNode second;
  Follow({second.rpc()});
  Broadcaster broadcaster = Make({node_.rpc(), second.rpc()});
  node_.Refuse(true);
  ASSERT_OK_AND_ASSIGN(const auto offer, broadcaster.Send(Compose, Soon()));
  ASSERT_THAT(offer.check, IsOk());
  EXPECT_TRUE(offer.check->ok());
  second.MakeBlock();
  EXPECT_EQ(FateOf(offer), Kind::kCommitted);
}

// The first node has gone with its answer; that the second one refuses proves nothing.
TEST_F(BroadcasterTest, ARefusalOfACopyIsNoFate) {
  FakeNode second;
  second.SetSequence(9);
  Follow({node_.rpc()});
  Broadcaster broadcaster = Make({node_.rpc(), second.rpc()});
  node_.LoseAnswers(1);
  ASSERT_OK_AND_ASSIGN(const auto offer, broadcaster.Send(Compose, Soon()));
  EXPECT_THAT(offer.check,
              Fails(absl::StatusCode::kUnavailable, testing::HasSubstr("perhaps only as a copy")));
  node_.MakeBlock();
  EXPECT_EQ(FateOf(offer), Kind::kCommitted);
  EXPECT_EQ(ledger_.tally().contradicted, 0u);
}

TEST_F(BroadcasterTest, BlocksBeforeTheSubscriptionAreRead) {
  for (int i = 0; i < 4; ++i) node_.MakeBlock();
  Follow({node_.rpc()});
  node_.MakeBlock();
  Await({5});
}

TEST_F(BroadcasterTest, BlocksMissedWhileDisconnectedAreRead) {
  Follow({node_.rpc()});
  Broadcaster broadcaster = Make({node_.rpc()});
  // The stream flows: what it begins with is read without a connection being lost.
  ASSERT_OK_AND_ASSIGN(const auto first, broadcaster.Send(Compose, Soon()));
  node_.MakeBlock();
  ASSERT_EQ(FateOf(first), Kind::kCommitted);
  ASSERT_OK_AND_ASSIGN(const auto offer, broadcaster.Send(Compose, Soon()));
  node_.Mute(true);
  node_.DropSubscribers();
  for (int i = 0; i < 6; ++i) node_.MakeBlock();
  node_.Mute(false);
  EXPECT_EQ(FateOf(offer), Kind::kCommitted);
  EXPECT_GE(stream_->reconnects(), 1);
}

TEST_F(BroadcasterTest, ALostSubscriptionIsNoticed) {
  Follow({node_.rpc()});
  node_.MakeBlock();
  Await({1});
  node_.Mute(true);
  for (int i = 0; i < 3; ++i) node_.MakeBlock();
  Await({3});  // all but the latest, which might still be under execution
  EXPECT_GE(stream_->reconnects(), 1);
}

TEST_F(BroadcasterTest, TheStreamGoesOnAtAnotherNode) {
  FakeNode second;
  Follow({node_.rpc(), second.rpc()});
  node_.MakeBlock();
  Await({1});
  for (int i = 0; i < 4; ++i) second.MakeBlock();
  node_.Refuse(true);
  node_.DropSubscribers();
  Await({3});  // all but the latest of the second
}

TEST_F(BroadcasterTest, AnErrorOfTheReaderEndsTheStream) {
  ASSERT_OK_AND_ASSIGN(auto stream, BlockStream::Start(
                                        {node_.rpc()}, {0},
                                        [](const BlockTxs&) {
                                          return absl::InternalError("the reader has had enough");
                                        },
                                        Soon()));
  node_.MakeBlock();
  const Deadline deadline = Soon();
  while (stream->status().ok() && !deadline.Over()) std::this_thread::yield();
  EXPECT_THAT(stream->status(), Fails(absl::StatusCode::kInternal, "the reader has had enough"));
}

}  // namespace
}  // namespace pawk8s::chain
