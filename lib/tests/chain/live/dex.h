// The dex's rules, worked out anew in integers of any size: what a swap pays and leaves behind.
#pragma once

#include <algorithm>
#include <string>

#include "chain/live/live_chain.h"
#include "paw/dex/v1/tx.pb.h"
#include "pawk8s/base/status.h"

namespace pawk8s::chain {

// Codes of the codespace dex.
inline constexpr TxError kSwapTooLarge{"dex", 8};
inline constexpr TxError kSharesLocked{"dex", 10};
inline constexpr TxError kPoolOverflow{"dex", 11};
inline constexpr TxError kPoolExists{"dex", 15};
inline constexpr TxError kSlippage{"dex", 17};
inline constexpr TxError kWrongPair{"dex", 18};
inline constexpr TxError kSwapAmount{"dex", 22};
inline constexpr TxError kDeadlinePassed{"dex", 30};
inline constexpr TxError kCommitRequired{"dex", 40};
inline constexpr TxError kNoCommit{"dex", 41};
inline constexpr TxError kRevealTooEarly{"dex", 43};
inline constexpr TxError kCommitRevealOff{"dex", 47};
inline constexpr TxError kBatchFailed{"dex", 93};

// The pool that every network has from its first block.
inline constexpr std::uint64_t kFirstPool = 1;

inline const Amount kOne("1000000000000000000");  // 1 as a decimal of 18 places

// "0.003000000000000000" as 3000000000000000.
[[nodiscard]] inline Amount Scaled(std::string decimal) {
  decimal.erase(decimal.find('.'), 1);
  decimal.erase(0, std::min(decimal.find_first_not_of('0'), decimal.size() - 1));
  return Amount(decimal);
}

struct DexFees {
  Amount swap, protocol;  // parts of amount_in, scaled
};

[[nodiscard]] inline absl::StatusOr<Json> DexParams(LiveChain& chain, Height height) {
  ASSIGN_OR_RETURN(const Json answer, chain.Rest("/paw/dex/v1/params", height));
  return answer.at("params");
}
[[nodiscard]] inline DexFees FeesOf(const Json& params) {
  return {.swap = Scaled(params.at("swap_fee")), .protocol = Scaled(params.at("protocol_fee"))};
}

// What there is less of: selling it brings the price back to the middle, run after run.
[[nodiscard]] inline const std::string& ScarceToken(const Pool& pool) {
  return pool.reserve_a <= pool.reserve_b ? pool.token_a : pool.token_b;
}

struct Quote {
  Amount out;
  Amount fee;  // all of it, in the token that comes in
  Pool after;
};

// floor(in*(1-fee)*R_out / (R_in + in*(1-fee))), rounded once; what the protocol takes leaves the
// pool, the rest of the fee stays in it.
[[nodiscard]] inline Quote QuoteOf(const Pool& pool, const DexFees& fees,
                                   const std::string& token_in, const Amount& in) {
  Quote quote{.out = 0, .fee = in * fees.swap / kOne, .after = pool};
  const bool sells_a = token_in == pool.token_a;
  Amount& reserve_in = sells_a ? quote.after.reserve_a : quote.after.reserve_b;
  Amount& reserve_out = sells_a ? quote.after.reserve_b : quote.after.reserve_a;
  const Amount net = in * (kOne - fees.swap);
  quote.out = net * reserve_out / (reserve_in * kOne + net);
  reserve_in += in - in * fees.protocol / kOne;
  reserve_out -= quote.out;
  return quote;
}

[[nodiscard]] inline paw::dex::v1::MsgSwap SwapIn(const Pool& pool, const std::string& trader,
                                                  const std::string& token_in, const Amount& in,
                                                  const Amount& least, std::int64_t deadline) {
  paw::dex::v1::MsgSwap swap;
  swap.set_trader(trader);
  swap.set_pool_id(pool.id);
  swap.set_token_in(token_in);
  swap.set_token_out(token_in == pool.token_a ? pool.token_b : pool.token_a);
  swap.set_amount_in(in.str());
  swap.set_min_amount_out(least.str());
  swap.set_deadline(deadline);
  return swap;
}

}  // namespace pawk8s::chain
