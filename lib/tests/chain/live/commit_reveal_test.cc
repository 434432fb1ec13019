// Large swaps are committed to before they are shown. The dex has that switched off at first, so
// governance switches it on for these tests, and back.
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "chain/keccak.h"
#include "chain/live/dex.h"
#include "chain/live/live_test.h"
#include "cosmos/gov/v1/tx.pb.h"
#include "paw/dex/v1/tx.pb.h"

namespace pawk8s::chain {
namespace {

using paw::dex::v1::MsgCommitSwap;
using paw::dex::v1::MsgCommitSwapResponse;
using paw::dex::v1::MsgRevealSwap;
using paw::dex::v1::MsgRevealSwapResponse;
using paw::dex::v1::MsgSwap;

constexpr const char* kDeposit = "10000000";  // upaw; given back when a proposal passes

// The parameters of REST as a message has them.
paw::dex::v1::Params ToMessage(const Json& json) {
  paw::dex::v1::Params params;
  const auto* reflection = params.GetReflection();
  for (int i = 0; i < params.GetDescriptor()->field_count(); ++i) {
    const auto* field = params.GetDescriptor()->field(i);
    if (field->is_repeated()) continue;
    const Json& value = json.at(field->name());
    if (value.is_boolean()) {
      reflection->SetBool(&params, field, value.get<bool>());
    } else if (field->cpp_type() == google::protobuf::FieldDescriptor::CPPTYPE_UINT64) {
      reflection->SetUInt64(&params, field, std::stoull(value.get<std::string>()));
    } else {
      const std::string text = value;
      const bool decimal = text.find('.') != std::string::npos;
      reflection->SetString(&params, field, decimal ? Scaled(text).str() : text);
    }
  }
  return params;
}

// keccak256(trader|pool_id|token_in|token_out|amount_in|min_amount_out|deadline|nonce)
std::string SwapHash(const MsgRevealSwap& m) {
  return Keccak256Hex(fmt::format("{}|{}|{}|{}|{}|{}|{}|{}", m.trader(), m.pool_id(), m.token_in(),
                                  m.token_out(), m.amount_in(), m.min_amount_out(), m.deadline(),
                                  m.nonce()));
}

class LiveCommitReveal : public LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    was_on_ = IsOn();
  }
  void TearDown() override {
    Switch(was_on_);
    LiveTest::TearDown();
  }

  [[nodiscard]] bool IsOn() {
    return Must(DexParams(chain(), chain().seen())).at("enable_commit_reveal");
  }
  // By a proposal for which all validators vote; nothing if it is so already.
  void Switch(bool on);
  // What `swap` is once it is committed to, under a nonce of its own.
  [[nodiscard]] MsgRevealSwap Hidden(const MsgSwap& swap) {
    MsgRevealSwap reveal;
    reveal.set_trader(swap.trader());
    reveal.set_pool_id(swap.pool_id());
    reveal.set_token_in(swap.token_in());
    reveal.set_token_out(swap.token_out());
    reveal.set_amount_in(swap.amount_in());
    reveal.set_min_amount_out(swap.min_amount_out());
    reveal.set_deadline(swap.deadline());
    reveal.set_nonce(fmt::format("nonce-of-block-{:016}", chain().seen().value));
    return reveal;
  }

 private:
  bool was_on_ = false;
};

void LiveCommitReveal::Switch(bool on) {
  if (IsOn() == on) return;
  const Json gov = Must(chain().Rest("/cosmos/auth/v1beta1/module_accounts/gov", chain().seen()));
  paw::dex::v1::MsgUpdateParams update;
  update.set_authority(gov.at("account").at("base_account").at("address").get<std::string>());
  *update.mutable_params() = ToMessage(Must(DexParams(chain(), chain().seen())));
  update.mutable_params()->set_enable_commit_reveal(on);

  const Key& proposer = chain().account(3);
  cosmos::gov::v1::MsgSubmitProposal proposal;
  auto* message = proposal.add_messages();
  message->set_type_url("/" + update.GetTypeName());
  message->set_value(update.SerializeAsString());
  proposal.add_initial_deposit()->set_denom(kFeeDenom);
  proposal.mutable_initial_deposit(0)->set_amount(kDeposit);
  proposal.set_proposer(proposer.Address());
  proposal.set_title("commit and reveal");
  proposal.set_summary(on ? "on" : "off");
  const TxFate proposed = Must(chain().Send(proposer, Paying(proposal)));
  ASSERT_THAT(proposed, Succeeded());
  const auto id = Must(ResponseOf<cosmos::gov::v1::MsgSubmitProposalResponse>(proposed.result, 0))
                      .proposal_id();

  std::vector<std::string> votes;
  for (const Key& voter : chain().operators()) {
    cosmos::gov::v1::MsgVote vote;
    vote.set_proposal_id(id);
    vote.set_voter(voter.Address());
    vote.set_option(cosmos::gov::v1::VOTE_OPTION_YES);
    votes.push_back(Must(chain().Offer(voter, Paying(vote))));
  }
  for (const std::string& vote : votes) ASSERT_THAT(Must(chain().Await(vote)), Succeeded());
  const BlockEvent end = Must(
      chain().AwaitEvent(proposed.height, "active_proposal", "proposal_id", std::to_string(id)));
  ASSERT_THAT(end.event, Says("proposal_result", "proposal_passed"));
  ASSERT_EQ(Must(DexParams(chain(), end.height)).at("enable_commit_reveal"), on);
}

TEST_F(LiveCommitReveal, LargeSwapIsMadeAtItsReveal) {
  const Key& trader = chain().account(2);
  const Pool pool = Must(chain().PoolAt(kFirstPool, chain().seen()));
  const std::string token_in = ScarceToken(pool);
  const Amount in = pool.ReserveOf(token_in) / 15;  // 1/20 may be swapped openly, 1/10 at all
  const MsgSwap swap = SwapIn(pool, trader.Address(), token_in, in, 1, InSeconds(600));
  const MsgRevealSwap reveal = Hidden(swap);
  MsgCommitSwap commit;
  commit.set_trader(trader.Address());
  commit.set_swap_hash(SwapHash(reveal));

  ASSERT_NO_FATAL_FAILURE(Switch(false));
  EXPECT_THAT(Must(chain().Send(trader, Paying(reveal))), FailedWith(kCommitRevealOff));
  ASSERT_NO_FATAL_FAILURE(Switch(true));
  EXPECT_THAT(Must(chain().Send(trader, Paying(swap))), FailedWith(kCommitRequired));
  EXPECT_THAT(Must(chain().Send(trader, Paying(reveal))), FailedWith(kNoCommit));

  const Json params = Must(DexParams(chain(), chain().seen()));
  const std::int64_t delay = std::stoll(params.at("commit_reveal_delay").get<std::string>());
  const std::int64_t timeout = std::stoll(params.at("commit_timeout_blocks").get<std::string>());
  const TxFate committed = Must(chain().Send(trader, Paying(commit)));
  ASSERT_THAT(committed, Succeeded());
  const auto promise = Must(ResponseOf<MsgCommitSwapResponse>(committed.result, 0));
  EXPECT_EQ(promise.commit_height(), committed.height.value);
  EXPECT_EQ(promise.earliest_reveal_height(), committed.height.value + delay);
  EXPECT_EQ(promise.expiry_height(), committed.height.value + timeout);
  EXPECT_THAT(EventOf(committed, "swap_committed"), Says("swap_hash", commit.swap_hash()));
  EXPECT_EQ(Must(chain().PoolAt(kFirstPool, committed.height)), pool);
  EXPECT_THAT(Must(chain().Send(trader, Paying(reveal))), FailedWith(kRevealTooEarly));

  Must(chain().AwaitHeight({promise.earliest_reveal_height() - 1}));
  const TxFate revealed = Must(chain().Send(trader, Paying(reveal)));
  ASSERT_THAT(revealed, Succeeded());
  const Quote quote = QuoteOf(pool, FeesOf(params), token_in, in);
  EXPECT_EQ(Must(ResponseOf<MsgRevealSwapResponse>(revealed.result, 0)).amount_out(),
            quote.out.str());
  EXPECT_EQ(Must(chain().PoolAt(kFirstPool, revealed.height)), quote.after);
  const Event& event = EventOf(revealed, "swap_revealed");
  EXPECT_THAT(event, Says("amount_out", quote.out.str()));
  EXPECT_THAT(event, Says("commit_height", std::to_string(committed.height.value)));
  EXPECT_THAT(event, Says("reveal_height", std::to_string(revealed.height.value)));

  EXPECT_THAT(Must(chain().Send(trader, Paying(reveal))), FailedWith(kNoCommit));  // used up
}

}  // namespace
}  // namespace pawk8s::chain
