// Pools and swaps. The tests trade in the pool that every network has from its first block.
#include "chain/live/dex.h"

#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "chain/live/live_test.h"
#include "paw/dex/v1/tx.pb.h"

namespace pawk8s::chain {
namespace {

using paw::dex::v1::MsgBatchSwap;
using paw::dex::v1::MsgBatchSwapResponse;
using paw::dex::v1::MsgCreatePool;
using paw::dex::v1::MsgCreatePoolResponse;
using paw::dex::v1::MsgRemoveLiquidity;
using paw::dex::v1::MsgSwap;
using paw::dex::v1::MsgSwapResponse;

class LiveDex : public LiveTest {
 protected:
  static std::string SwapsOf(const MsgSwap& swap, const std::string& status) {
    return fmt::format(
        R"(paw_dex_swaps_total{{pool_id="{}",status="{}",token_in="{}",token_out="{}"}})",
        swap.pool_id(), status, swap.token_in(), swap.token_out());
  }
  static std::string ReserveOf(const Pool& pool, const std::string& token) {
    return fmt::format(R"(paw_dex_pool_reserves{{denom="{}",pool_id="{}"}})", token, pool.id);
  }

  // Empties the pool of the pair, if it has one, so that the pair is free: its only provider is
  // `owner`. Waits until the shares are no longer locked.
  void FreePair(const Key& owner, const std::string& a, const std::string& b);
};

void LiveDex::FreePair(const Key& owner, const std::string& a, const std::string& b) {
  const absl::StatusOr<Pool> pool = chain().PoolOf(a, b, chain().seen());
  if (absl::IsNotFound(pool.status())) return;
  Must(pool.status());
  const Json made = Must(chain().Rest(
      fmt::format("/cosmos/tx/v1beta1/txs?query=dex_pool_created.pool_id%3D%27{}%27", pool->id),
      chain().seen()));
  const std::int64_t height =
      std::stoll(made.at("tx_responses").at(0).at("height").get<std::string>());
  const std::int64_t locked = std::stoll(Must(DexParams(chain(), chain().seen()))
                                             .at("flash_loan_protection_blocks")
                                             .get<std::string>());
  while (chain().seen().value < height + locked) Must(chain().AwaitHeight(chain().seen() + 1));
  MsgRemoveLiquidity remove;
  remove.set_provider(owner.Address());
  remove.set_pool_id(pool->id);
  remove.set_shares(pool->shares.str());
  const TxFate removed = Must(chain().Send(owner, Paying(remove)));
  ASSERT_THAT(removed, Succeeded());
  EXPECT_EQ(Gain(owner, pool->token_a, removed), pool->reserve_a);
  EXPECT_EQ(Gain(owner, pool->token_b, removed), pool->reserve_b);
}

TEST_F(LiveDex, PoolIsCreatedAndItsSharesAreLocked) {
  const Key& owner = chain().account(0);
  FreePair(owner, "uatom", "uusdc");
  MsgCreatePool create;
  create.set_creator(owner.Address());
  create.set_token_a("uusdc");  // given in the other order than the pool has them
  create.set_token_b("uatom");
  create.set_amount_a("1000000007");
  create.set_amount_b("2000000011");
  const TxFate created = Must(chain().Send(owner, Paying(create)));
  ASSERT_THAT(created, Succeeded());
  const std::uint64_t id = Must(ResponseOf<MsgCreatePoolResponse>(created.result, 0)).pool_id();

  const Pool expected{.id = id,
                      .token_a = "uatom",
                      .token_b = "uusdc",
                      .reserve_a = 2000000011,
                      .reserve_b = 1000000007,
                      .shares = sqrt(Amount(2000000011) * 1000000007)};
  EXPECT_EQ(Must(chain().PoolAt(id, created.height)), expected);
  EXPECT_THAT(chain().PoolAt(id, Before(created)).status(), testing::Truly(&absl::IsNotFound));
  EXPECT_EQ(Gain(owner, "uatom", created), -expected.reserve_a);
  EXPECT_EQ(Gain(owner, "uusdc", created), -expected.reserve_b);
  EXPECT_EQ(Gain(owner, "upaw", created), -Amount(kFee));
  const Event& event = EventOf(created, "dex_pool_created");
  EXPECT_THAT(event, Says("pool_id", std::to_string(id)));
  EXPECT_THAT(event, Says("creator", owner.Address()));
  EXPECT_THAT(event, Says("token_a", "uatom"));
  EXPECT_THAT(event, Says("amount_a", "2000000011"));
  EXPECT_THAT(event, Says("amount_b", "1000000007"));
  EXPECT_THAT(event, Says("shares", expected.shares.str()));

  EXPECT_THAT(Must(chain().Send(owner, Paying(create))), FailedWith(kPoolExists));
  MsgRemoveLiquidity remove;
  remove.set_provider(owner.Address());
  remove.set_pool_id(id);
  remove.set_shares("1");
  const TxFate early = Must(chain().Send(owner, Paying(remove)));
  EXPECT_THAT(early, FailedWith(kSharesLocked));
  EXPECT_EQ(Must(chain().PoolAt(id, early.height)), expected);
}

TEST_F(LiveDex, SwapPaysTheFormulaToTheLastUnit) {
  const Key& trader = chain().account(0);
  const Pool pool = Must(chain().PoolAt(kFirstPool, chain().seen()));
  const DexFees fees = FeesOf(Must(DexParams(chain(), chain().seen())));
  const Amount in = Amount(1234567);
  const MsgSwap swap = SwapIn(pool, trader.Address(), ScarceToken(pool), in, 1, InSeconds(300));
  const std::vector<MetricsPage> pages = Must(chain().MetricsOfAll(chain().seen()));
  constexpr int kSwaps = 3;
  for (int i = 0; i < kSwaps; ++i) {
    const TxFate swapped = Must(chain().Send(trader, Paying(swap)));
    ASSERT_THAT(swapped, Succeeded());
    const Quote quote =
        QuoteOf(Must(chain().PoolAt(kFirstPool, Before(swapped))), fees, swap.token_in(), in);
    EXPECT_EQ(Must(ResponseOf<MsgSwapResponse>(swapped.result, 0)).amount_out(), quote.out.str());
    EXPECT_EQ(Must(chain().PoolAt(kFirstPool, swapped.height)), quote.after);
    const auto fee_in = [&](const std::string& token) {
      return Amount(token == kFeeDenom ? kFee : 0);
    };
    EXPECT_EQ(Gain(trader, swap.token_in(), swapped), -in - fee_in(swap.token_in()));
    EXPECT_EQ(Gain(trader, swap.token_out(), swapped), quote.out - fee_in(swap.token_out()));
    const Event& event = EventOf(swapped, "dex_swap");
    EXPECT_THAT(event, Says("pool_id", std::to_string(kFirstPool)));
    EXPECT_THAT(event, Says("trader", trader.Address()));
    EXPECT_THAT(event, Says("amount_in", in.str()));
    EXPECT_THAT(event, Says("amount_out", quote.out.str()));
    EXPECT_THAT(event, Says("fee", quote.fee.str()));
    EXPECT_THAT(event, Says("reserve_a", quote.after.reserve_a.str()));
    EXPECT_THAT(event, Says("reserve_b", quote.after.reserve_b.str()));
  }
  MsgSwap greedy = swap;  // more than the pool pays
  greedy.set_min_amount_out(Amount(2 * in).str());
  const TxFate failed = Must(chain().Send(trader, Paying(greedy)));
  ASSERT_THAT(failed, FailedWith(kSlippage));

  const Pool after = Must(chain().PoolAt(kFirstPool, failed.height));
  for (std::size_t i = 0; i < chain().validators(); ++i) {
    const MetricsPage page = Must(chain().Metrics(i, failed.height));
    const auto counted = [&](const std::string& series) {
      return page.Value(series) - pages[i].Value(series);
    };
    EXPECT_EQ(counted(SwapsOf(swap, "success")), kSwaps) << "validator " << i;
    EXPECT_EQ(counted(SwapsOf(swap, "failed")), 1) << "validator " << i;
    for (const std::string& token : {after.token_a, after.token_b}) {
      EXPECT_EQ(page.Value(ReserveOf(after, token)), after.ReserveOf(token).convert_to<double>())
          << "validator " << i;
    }
  }
}

TEST_F(LiveDex, BatchSwapsAllOrNothing) {
  const Key& trader = chain().account(0);
  const Pool pool = Must(chain().PoolAt(kFirstPool, chain().seen()));
  const DexFees fees = FeesOf(Must(DexParams(chain(), chain().seen())));
  const std::vector<Amount> amounts = {1000003, 2000003, 3000017};
  MsgBatchSwap batch;
  batch.set_trader(trader.Address());
  batch.set_deadline(InSeconds(300));
  for (const Amount& in : amounts) {
    auto* swap = batch.add_swaps();
    swap->set_pool_id(pool.id);
    swap->set_token_in(pool.token_a);
    swap->set_token_out(pool.token_b);
    swap->set_amount_in(in.str());
    swap->set_min_amount_out("1");
  }
  const TxFate swapped = Must(chain().Send(trader, Paying(batch)));
  ASSERT_THAT(swapped, Succeeded());
  const auto response = Must(ResponseOf<MsgBatchSwapResponse>(swapped.result, 0));
  ASSERT_EQ(response.results_size(), 3);
  EXPECT_EQ(response.successful_swaps(), 3u);
  Pool expected = Must(chain().PoolAt(pool.id, Before(swapped)));
  for (int i = 0; i < response.results_size(); ++i) {
    const Quote quote = QuoteOf(expected, fees, pool.token_a, amounts[static_cast<std::size_t>(i)]);
    EXPECT_EQ(response.results(i).amount_out(), quote.out.str());
    expected = quote.after;
  }
  EXPECT_EQ(Must(chain().PoolAt(pool.id, swapped.height)), expected);
  EXPECT_THAT(EventOf(swapped, "batch_swap"), Says("successful_swaps", "3"));

  batch.mutable_swaps(2)->set_min_amount_out("999999999");  // the last one fails
  const TxFate failed = Must(chain().Send(trader, Paying(batch)));
  EXPECT_THAT(failed, FailedWith(kBatchFailed));
  EXPECT_EQ(Must(chain().PoolAt(pool.id, failed.height)), expected);
  EXPECT_EQ(Gain(trader, "upaw", failed), -Amount(kFee));
}

}  // namespace
}  // namespace pawk8s::chain
