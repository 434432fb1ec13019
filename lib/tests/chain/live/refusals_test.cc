// What a chain must refuse, each with its documented code, and that nothing but a fee changes
// hands.
#include <gmock/gmock.h>

#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "chain/live/dex.h"
#include "chain/live/live_test.h"
#include "paw/dex/v1/tx.pb.h"

namespace pawk8s::chain {
namespace {

using paw::dex::v1::MsgAddLiquidity;
using paw::dex::v1::MsgSwap;

constexpr TxError kUndecodable{"sdk", 2};
constexpr TxError kOutOfGas{"sdk", 11};
constexpr TxError kNotFound{"sdk", 38};

const Amount kMax256 = (Amount(1) << 256) - 1;

class LiveRefusals : public LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    pool_ = Must(chain().PoolAt(kFirstPool, chain().seen()));
  }

  [[nodiscard]] const Key& trader() { return chain().account(2); }
  // A swap that would succeed.
  [[nodiscard]] MsgSwap Swap() {
    return SwapIn(pool_, trader().Address(), pool_.token_a, 1'000'000, 1, InSeconds(300));
  }
  [[nodiscard]] Tx Swapping(const std::function<void(MsgSwap&)>& change) {
    MsgSwap swap = Swap();
    change(swap);
    return Paying(swap);
  }

  // What the trader has of both tokens of the pool, and the pool.
  struct State {
    Amount a, b;
    Pool pool;
    std::uint64_t sequence = 0;
    friend bool operator==(const State&, const State&) = default;
    friend void PrintTo(const State& state, std::ostream* out) {
      *out << "has " << state.a << " and " << state.b << ", sequence " << state.sequence << ", ";
      PrintTo(state.pool, out);
    }
  };
  [[nodiscard]] State StateAt(Height height) {
    const Json account =
        Must(chain().Rest("/cosmos/auth/v1beta1/account_info/" + trader().Address(), height));
    return {.a = Balance(trader(), pool_.token_a, height),
            .b = Balance(trader(), pool_.token_b, height),
            .pool = Must(chain().PoolAt(kFirstPool, height)),
            .sequence = std::stoull(account.at("info").at("sequence").get<std::string>())};
  }

  Pool pool_;
};

// Refused by the node that is asked: in no block, and without a fee.
TEST_F(LiveRefusals, RejectionsChangeNothing) {
  struct Input {
    const char* what;
    Tx tx;
    LiveChain::ChangeSigner signer;
    TxError error;
  };
  const auto as_is = [](MsgSwap&) {};
  Tx eleven = Swapping(as_is);
  for (int i = 0; i < 10; ++i) eleven.Add(Swap());
  const std::vector<Input> inputs = {
      {"a sequence too high", Swapping(as_is), [](Signer& s) { ++s.sequence; }, kWrongSequence},
      {"another chain", Swapping(as_is), [](Signer& s) { s.chain_id += "x"; }, kUnauthorized},
      {"another account", Swapping(as_is), [](Signer& s) { ++s.account_number; }, kUnauthorized},
      {"a fee too low", Swapping(as_is).Fee("999", "upaw"), {}, kInsufficientFee},
      {"a fee in another token", Swapping(as_is).Fee("1000", "uatom"), {}, kInsufficientFee},
      {"a long memo", Swapping(as_is).Memo(std::string(257, 'm')), {}, kMemoTooLarge},
      {"11 messages", eleven, {}, kInvalidRequest},
      {"too much gas", Swapping(as_is).Gas(10'000'001).Fee("10001", "upaw"), {}, kInvalidRequest},
      {"too little gas", Swapping(as_is).Gas(1000), {}, kOutOfGas},
      {"no such pool", Swapping([](MsgSwap& s) { s.set_pool_id(999'999); }), {}, kNotFound},
      {"nothing to swap", Swapping([](MsgSwap& s) { s.set_amount_in("0"); }), {}, kSwapAmount},
      {"less than nothing", Swapping([](MsgSwap& s) { s.set_amount_in("-1"); }), {}, kSwapAmount},
      {"a token for itself",
       Swapping([](MsgSwap& s) { s.set_token_out(s.token_in()); }),
       {},
       kWrongPair},
      {"257 bits",
       Swapping([](MsgSwap& s) { s.set_amount_in(Amount(kMax256 + 1).str()); }),
       {},
       kUndecodable},
  };
  const Height before = chain().seen();
  for (const Input& input : inputs) {
    EXPECT_THAT(Must(chain().Send(trader(), input.tx, input.signer)), RejectedWith(input.error))
        << input.what;
  }
  const Height after = chain().seen() + 2;  // nothing of it comes later either
  Must(chain().AwaitHeight(after));
  EXPECT_EQ(StateAt(after), StateAt(before));
}

// Refused when a block executes it: exactly the fee is gone.
TEST_F(LiveRefusals, FailuresCostTheFeeAlone) {
  struct Input {
    const char* what;
    Tx tx;
    TxError error;
  };
  MsgAddLiquidity add;
  add.set_provider(trader().Address());
  add.set_pool_id(kFirstPool);
  add.set_amount_a(kMax256.str());
  add.set_amount_b(kMax256.str());
  cosmos::bank::v1beta1::MsgSend send = Transfer(trader().Address(), trader().Address(), 1);
  send.mutable_amount(0)->set_amount(kMax256.str());
  const Amount tenth = pool_.reserve_a / 10;
  const std::vector<Input> inputs = {
      {"an expired deadline", Swapping([](MsgSwap& s) { s.set_deadline(1); }), kDeadlinePassed},
      {"a price far off", Swapping([](MsgSwap& s) { s.set_min_amount_out("999999999"); }),
       kSlippage},
      {"a token that the pool has not", Swapping([](MsgSwap& s) { s.set_token_out("uatom"); }),
       kWrongPair},
      {"more than a tenth of the reserve",
       Swapping([&](MsgSwap& s) { s.set_amount_in(Amount(tenth + 1).str()); }), kSwapTooLarge},
      {"256 bits to swap", Swapping([](MsgSwap& s) { s.set_amount_in(kMax256.str()); }),
       kSwapTooLarge},
      {"256 bits to provide", Paying(add), kPoolOverflow},
      {"256 bits to send", Paying(send), kInsufficientFunds},
  };
  for (const Input& input : inputs) {
    const TxFate fate = Must(chain().Send(trader(), input.tx));
    ASSERT_THAT(fate, FailedWith(input.error)) << input.what;
    State expected = StateAt(Before(fate));
    ++expected.sequence;
    (pool_.token_a == kFeeDenom ? expected.a : expected.b) -= kFee;
    EXPECT_EQ(StateAt(fate.height), expected) << input.what;
  }
}

}  // namespace
}  // namespace pawk8s::chain
