// A round of the oracle: what the validators submit becomes a price at the round's end.
#include <gmock/gmock.h>

#include <algorithm>
#include <string>
#include <vector>

#include "chain/live/dex.h"
#include "chain/live/live_test.h"
#include "paw/oracle/v1/tx.pb.h"

namespace pawk8s::chain {
namespace {

using paw::oracle::v1::MsgSubmitPrice;

constexpr TxError kFeederNotAuthorized{"oracle", 5};
constexpr TxError kAlreadySubmitted{"oracle", 15};
constexpr std::int64_t kBlocksToSubmit = 6;
constexpr const char* kOperatorPrefix = "pawtestvaloper";

struct Vote {
  Amount price;  // scaled
  Amount power;
};

// The lowest price with at least half of the power at it or below it.
Amount WeightedMedian(std::vector<Vote> votes) {
  std::ranges::sort(votes, {}, &Vote::price);
  Amount total = 0, below = 0;
  for (const Vote& vote : votes) total += vote.power;
  for (const Vote& vote : votes) {
    below += vote.power;
    if (2 * below >= total) return vote.price;
  }
  return 0;
}

// A scaled decimal as the chain prints it.
std::string Decimal(const Amount& scaled) {
  const Amount fraction = scaled % kOne;
  return fmt::format("{}.{:0>18}", Amount(scaled / kOne).str(), fraction.str());
}

class LiveOracle : public LiveTest {
 protected:
  // Waits for a block after which all submissions get into one round; the height of its end.
  [[nodiscard]] Height AwaitRound() {
    const Json params = Must(chain().Rest("/paw/oracle/v1/params", chain().seen()))["params"];
    const std::int64_t period = std::stoll(params["vote_period"].get<std::string>());
    const auto left = [&] { return period - chain().seen().value % period; };
    while (left() <= kBlocksToSubmit) Must(chain().AwaitHeight(chain().seen() + 1));
    return chain().seen() + left();
  }

  [[nodiscard]] Amount PowerOf(const Key& validator) {
    const Json answer = Must(
        chain().Rest("/cosmos/staking/v1beta1/validators/" + validator.Address(kOperatorPrefix),
                     chain().seen()));
    return Amount(answer["validator"]["tokens"].get<std::string>()) / 1'000'000;
  }

  static MsgSubmitPrice Submission(const Key& validator, const std::string& asset,
                                   const Amount& price) {
    MsgSubmitPrice submit;
    submit.set_validator(validator.Address(kOperatorPrefix));
    submit.set_feeder(validator.Address());
    submit.set_asset(asset);
    submit.set_price(price.str());
    return submit;
  }
};

TEST_F(LiveOracle, RoundGivesTheWeightedMedian) {
  const std::vector<Key>& validators = chain().operators();
  const Height end = AwaitRound();
  const std::string asset = fmt::format("R{}/USD", end.value);  // of this round alone
  std::vector<Vote> votes;
  std::vector<std::string> hashes;
  for (std::size_t i = 0; i < validators.size(); ++i) {
    // Not in the order of the validators: 60000.5, 60003.5, 60001.5, 60004.5 ...
    const Amount price = (60'000 + (3 * i) % 5) * kOne + kOne / 2;
    votes.push_back({.price = price, .power = PowerOf(validators[i])});
    hashes.push_back(
        Must(chain().Offer(validators[i], Paying(Submission(validators[i], asset, price)))));
  }
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    const TxFate fate = Must(chain().Await(hashes[i]));
    ASSERT_THAT(fate, Succeeded());
    ASSERT_LE(fate.height, end);
    const Event& event = EventOf(fate, "oracle_price_submitted");
    EXPECT_THAT(event, Says("validator", validators[i].Address(kOperatorPrefix)));
    EXPECT_THAT(event, Says("feeder", validators[i].Address()));
    EXPECT_THAT(event, Says("asset", asset));
    EXPECT_THAT(event, Says("price", Decimal(votes[i].price)));
    EXPECT_THAT(event, Says("voting_power", votes[i].power.str()));
  }
  MsgSubmitPrice strange = Submission(validators[0], asset, votes[0].price);
  strange.set_feeder(chain().account(0).Address());
  EXPECT_THAT(Must(chain().Send(chain().account(0), Paying(strange))),
              FailedWith(kFeederNotAuthorized));
  const TxFate again =
      Must(chain().Send(validators[0], Paying(Submission(validators[0], asset, votes[0].price))));
  ASSERT_LE(again.height, end);
  EXPECT_THAT(again, FailedWith(kAlreadySubmitted));

  Must(chain().AwaitHeight(end));
  const std::string price = Decimal(WeightedMedian(votes));
  const std::string path = "/paw/oracle/v1/price/" + asset;
  EXPECT_TRUE(absl::IsNotFound(chain().Rest(path, end + -1).status()));
  const Json told = Must(chain().Rest(path, end))["price"];
  EXPECT_EQ(told["price"], price);
  EXPECT_EQ(told["block_height"], std::to_string(end.value));
  EXPECT_EQ(told["num_validators"], validators.size());
  const BlockEvent updated = Must(chain().AwaitEvent(end, "oracle_price_update", "asset", asset));
  EXPECT_EQ(updated.height, end);
  EXPECT_THAT(updated.event, Says("price", price));
  EXPECT_THAT(updated.event, Says("num_validators", std::to_string(validators.size())));

  const double shown = std::stod(price);
  for (const MetricsPage& page : Must(chain().MetricsOfAll(end))) {
    EXPECT_EQ(page.Value(fmt::format(R"(paw_oracle_aggregated_price{{asset="{}"}})", asset)),
              shown);
    EXPECT_EQ(page.Value(fmt::format(
                  R"(paw_oracle_price_aggregations_total{{asset="{}",status="success"}})", asset)),
              1);
    for (const Key& validator : validators) {
      EXPECT_EQ(page.Value(fmt::format(
                    R"(paw_oracle_price_submissions_total{{asset="{}",validator="{}"}})", asset,
                    validator.Address(kOperatorPrefix))),
                1);
    }
  }
}

}  // namespace
}  // namespace pawk8s::chain
