// Transfers and the chain of blocks that has them.
#include <gmock/gmock.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "chain/live/live_test.h"
#include "pawk8s/chain/broadcaster.h"
#include "pawk8s/chain/hex.h"
#include "pawk8s/chain/verification.h"

namespace pawk8s::chain {
namespace {

class LiveBlocks : public LiveTest {
 protected:
  // New accounts with some upaw each, made by one transaction.
  void Fund(Accounts& accounts, int count, std::uint64_t amount) {
    const Key& rich = chain().account(1);
    std::vector<Key> keys;
    Tx tx = Tx().Gas(kGas).Fee(std::to_string(kFee), kFeeDenom);
    for (int i = 0; i < count; ++i) {
      keys.push_back(Key::Generate());
      tx.Add(Transfer(rich.Address(), keys.back().Address(), amount));
    }
    ASSERT_THAT(Must(chain().Send(rich, tx)), Succeeded());
    for (Key& key : keys) {
      const AccountInfo info =
          Must(chain().rpc().Account(key.Address(), Deadline::After(kPatience)));
      accounts.Add(std::move(key), info);
    }
  }
};

TEST_F(LiveBlocks, EverySendIsCommitted) {
  constexpr int kSenders = 10, kSends = 100;
  const std::string to = Key::Generate().Address();
  Accounts accounts;
  ASSERT_NO_FATAL_FAILURE(Fund(accounts, kSenders, 1'000'000));
  Broadcaster broadcaster({.chain_id = chain().id()}, chain().rpc_nodes(), accounts,
                          chain().ledger());
  const TxTally before = chain().tally();
  std::vector<std::string> hashes;
  for (int i = 0; i < kSends; ++i) {
    const Broadcaster::Offer offer = Must(broadcaster.Send(
        [&](const Key& signer) { return Paying(Transfer(signer.Address(), to, 1)); },
        Deadline::After(kPatience)));
    hashes.push_back(offer.hash);
  }
  Height last;
  for (const std::string& hash : hashes) {
    const TxFate fate = Must(chain().Await(hash));
    ASSERT_THAT(fate, Succeeded());
    last = std::max(last, fate.height);
  }
  EXPECT_EQ(chain().tally().committed - before.committed, static_cast<std::uint64_t>(kSends));
  EXPECT_EQ(chain().tally().sent - before.sent, static_cast<std::uint64_t>(kSends));
  EXPECT_EQ(Must(chain().BalanceAt(to, kFeeDenom, last)), Amount(kSends));
}

TEST_F(LiveBlocks, HeadersAreSignedFromTheFirstOn) {
  constexpr std::int64_t kMost = 50;
  const auto deadline = [] { return Deadline::After(kPatience); };
  Must(chain().AwaitHeight({4}));
  const Height last{std::min(chain().seen().value - 1, kMost)};
  std::optional<HeaderChain> headers;
  for (Height height{1}; height <= last; height = height + 1) {
    const SignedHeader header = Must(chain().rpc().SignedHeaderAt(height, deadline()));
    const ValidatorSet set =
        Must(ValidatorSet::Make(Must(chain().rpc().ValidatorsAt(height, deadline()))));
    if (headers) {
      Must(headers->Append(header, set));
    } else {
      headers = Must(HeaderChain::Begin(chain().id(), header, set));
    }
    EXPECT_EQ(Must(chain().rpc().BlockAt(height, deadline())).hash,
              HexEncode(header.block_id.hash));
  }
}

}  // namespace
}  // namespace pawk8s::chain
