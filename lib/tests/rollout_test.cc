// Rollouts, windows of signed blocks and budgets, from made-up watch events and commits.
#include "pawk8s/deployment/rollout.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "pawk8s/deployment/budget.h"
#include "pawk8s/deployment/signing.h"
#include "pawk8s/testing/rollout_matchers.h"

namespace pawk8s {
namespace {

using std::chrono::seconds;
using testing::AllAgree;
using testing::AllSignAgainWithin;
using ::testing::ElementsAre;
using testing::EndsAsItBegan;
using ::testing::Field;
using testing::HoldsOverTwoThirds;
using testing::IsCompleteWithin;
using testing::KeepsReadyAtLeast;
using testing::KeepsWhatConsensusNeeds;
using testing::LeavesTheOthersAsTheyWere;
using ::testing::Not;
using testing::PlacesNoneOn;
using testing::ReplacesEachOnceInReverse;
using testing::ReplacesOnlyTheLastAndNeverReady;
using testing::TakesNoPodBeforeTheLastServes;
using testing::WasAlwaysRefused;

using Type = kube::Change::Type;

kube::Object Pod(int ordinal, const std::string& uid, const std::string& revision, bool ready,
                 bool leaving = false, const std::string& node = "worker-0") {
  kube::Json json = {
      {"metadata",
       {{"name", fmt::format("v-{}", ordinal)},
        {"uid", uid},
        {"labels",
         {{"controller-revision-hash", revision},
          {"apps.kubernetes.io/pod-index", std::to_string(ordinal)}}}}},
      {"spec", {{"nodeName", node}}},
      {"status",
       {{"phase", "Running"},
        {"conditions", {{{"type", "Ready"}, {"status", ready ? "True" : "False"}}}}}}};
  if (leaving) json["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  return kube::Object(std::move(json));
}

// Three pods a, b, c of revision old; each line of a test is one watch event, a second apart.
class RolloutLogTest : public ::testing::Test {
 protected:
  void See(Type type, kube::Object pod) {
    log_.Take({.type = type, .object = std::move(pod), .at = began_ + seconds(++now_)});
  }
  void Replace(int ordinal, const std::string& old_uid, const std::string& uid) {
    See(Type::kModified, Pod(ordinal, old_uid, "old", false, true));
    See(Type::kDeleted, Pod(ordinal, old_uid, "old", false, true));
    See(Type::kAdded, Pod(ordinal, uid, "new", false));
    See(Type::kModified, Pod(ordinal, uid, "new", true));
  }

  SteadyTime began_ = SteadyTime(seconds(1000));
  int now_ = 0;
  bool answers_ = true;
  RolloutLog log_{
      {Pod(0, "a", "old", true), Pod(1, "b", "old", true), Pod(2, "c", "old", true)},
      "new",
      3,
      began_,
      [this](PodTurn& turn, const kube::Pod&) { turn.forerunner->answered = answers_; }};
};

TEST_F(RolloutLogTest, OfAnOrderlyRollout) {
  Replace(2, "c", "c2");
  Replace(1, "b", "b2");
  Replace(0, "a", "a2");
  const Rollout& rollout = log_.rollout();
  EXPECT_THAT(rollout, ReplacesEachOnceInReverse());
  EXPECT_THAT(rollout, TakesNoPodBeforeTheLastServes());
  EXPECT_THAT(rollout, IsCompleteWithin(seconds(12)));
  EXPECT_THAT(rollout, Not(IsCompleteWithin(Millis{11'999})));
  EXPECT_THAT(rollout, KeepsReadyAtLeast(2));
  EXPECT_THAT(rollout, Not(KeepsReadyAtLeast(3)));
  EXPECT_EQ(rollout.turns[1].deleted, seconds(5));
  EXPECT_EQ(rollout.turns[1].ready, seconds(8));

  EXPECT_EQ(Rollout::FromJson(rollout.ToJson()).ToJson(), rollout.ToJson());
}

TEST_F(RolloutLogTest, OfTwoAtATime) {
  See(Type::kModified, Pod(2, "c", "old", false, true));
  See(Type::kModified, Pod(1, "b", "old", false, true));
  EXPECT_EQ(log_.rollout().fewest_ready, 1);
  EXPECT_THAT(log_.rollout(), Not(TakesNoPodBeforeTheLastServes()));
  EXPECT_FALSE(log_.rollout().complete);
}

TEST_F(RolloutLogTest, AReadyPodThatDoesNotAnswerDoesNotServe) {
  Replace(2, "c", "c2");
  answers_ = false;
  Replace(1, "b", "b2");
  EXPECT_THAT(log_.rollout(), Not(TakesNoPodBeforeTheLastServes()));
}

TEST_F(RolloutLogTest, InTheWrongOrderOrTwice) {
  Replace(1, "b", "b2");
  Replace(2, "c", "c2");
  Replace(0, "a", "a2");
  EXPECT_THAT(log_.rollout(), Not(ReplacesEachOnceInReverse()));
  Replace(0, "a2", "a3");
  EXPECT_THAT(log_.rollout(), Not(ReplacesEachOnceInReverse()));
}

TEST_F(RolloutLogTest, OfOneThatIsStuck) {
  See(Type::kModified, Pod(2, "c", "old", false, true));
  EXPECT_THAT(log_.rollout(), Not(ReplacesOnlyTheLastAndNeverReady())) << "no successor yet";
  See(Type::kAdded, Pod(2, "c2", "new", false, false, "worker-1"));
  EXPECT_THAT(log_.rollout(), ReplacesOnlyTheLastAndNeverReady());
  EXPECT_THAT(log_.rollout(), PlacesNoneOn("worker-0"));
  EXPECT_THAT(log_.rollout(), Not(PlacesNoneOn("worker-1")));
  See(Type::kModified, Pod(2, "c2", "new", true));
  EXPECT_THAT(log_.rollout(), Not(ReplacesOnlyTheLastAndNeverReady()));
}

TEST_F(RolloutLogTest, AnInterruptedWatchShowsTheSuccessorAlone) {
  See(Type::kModified, Pod(2, "c2", "new", true));
  EXPECT_THAT(log_.rollout().turns, ElementsAre(Field(&PodTurn::old_uid, "c")));
  EXPECT_EQ(log_.rollout().turns.front().uid, "c2");
}

TEST(RolloutMatchers, NothingSeenIsNoProof) {
  const Rollout nothing{.to = "new", .replicas = 3};
  EXPECT_THAT(nothing, Not(ReplacesEachOnceInReverse()));
  EXPECT_THAT(nothing, Not(TakesNoPodBeforeTheLastServes()));
  EXPECT_THAT(nothing, Not(PlacesNoneOn("worker-0")));
  EXPECT_THAT(nothing, Not(IsCompleteWithin(seconds(1000))));
  EXPECT_THAT(EvictionAnswers{}, Not(WasAlwaysRefused()));
  EXPECT_THAT((EvictionAnswers{.asked = 3, .refused = 2, .others = {"v-1: allowed"}}),
              Not(WasAlwaysRefused()));
}

TEST(StuckUpdate, AnotherImageUnderTheOldRevisionIsNotAsBefore) {
  using Images = std::map<std::string, PodImage>;
  const Images before = {{"v-0", {"r1", "a"}}, {"v-1", {"r1", "a"}}};
  EXPECT_EQ(WhyNotAsBefore(before, before), "");
  EXPECT_EQ(WhyNotAsBefore(before, {{"v-0", {"r1", "a"}}, {"v-1", {"r1", "b"}}}),
            "v-1 runs image b, not a");
  EXPECT_EQ(WhyNotAsBefore(before, {{"v-0", {"r2", "a"}}, {"v-1", {"r1", "a"}}}),
            "v-0 is of revision r2, not r1");
  EXPECT_EQ(WhyNotAsBefore(before, {{"v-0", {"r1", "a"}}}), "v-1 is not there");
  EXPECT_EQ(WhyNotAsBefore({{"v-0", {"r1", "a"}}}, before), "v-1 is new");
  EXPECT_NE(WhyNotAsBefore({}, {}), "");
}

TEST(StuckUpdate, OnlyThePodThatIsReplacedMayDiffer) {
  StuckUpdate update{.stuck = {.turns = {{.pod = "v-1"}}},
                     .before = {{"v-0", {"r1", "a"}}, {"v-1", {"r1", "a"}}},
                     .meanwhile = {{"v-0", {"r1", "a"}}, {"v-1", {"r2", ""}}}};
  EXPECT_THAT(update, LeavesTheOthersAsTheyWere());
  update.after = update.meanwhile;
  EXPECT_THAT(update, Not(EndsAsItBegan()));
  update.meanwhile["v-0"].revision = "r2";
  EXPECT_THAT(update, Not(LeavesTheOthersAsTheyWere()));
  update.after = update.before;
  EXPECT_THAT(update, EndsAsItBegan());
}

TEST(StuckUpdate, NoEvictionMayTakeWhatConsensusNeeds) {
  const EvictionAnswers refused{.asked = 3, .refused = 3};
  const EvictionAnswers allowed{.asked = 3, .refused = 2, .others = {"v-1: allowed"}};
  EXPECT_THAT((StuckUpdate{.evictions = refused}), KeepsWhatConsensusNeeds());
  EXPECT_THAT((StuckUpdate{.evictions = allowed}), Not(KeepsWhatConsensusNeeds()));
  EXPECT_THAT((StuckUpdate{.evictions = refused, .allowed = 1}), Not(KeepsWhatConsensusNeeds()));
  EXPECT_THAT((StuckUpdate{.evictions = allowed, .spare = 1, .allowed = 1}),
              KeepsWhatConsensusNeeds());
  EXPECT_THAT((StuckUpdate{.evictions = allowed, .spare = 1, .allowed = 2}),
              Not(KeepsWhatConsensusNeeds()));
  EXPECT_THAT((StuckUpdate{.spare = 1}), Not(KeepsWhatConsensusNeeds())) << "nobody was asked";
}

TEST(RolloutMatchers, OneDisagreementIsNamed) {
  using Hashes = std::map<std::string, std::string>;
  EXPECT_THAT((Hashes{{"v-0", "a"}, {"n-0", "a"}}), AllAgree());
  EXPECT_THAT((Hashes{{"v-0", "a"}, {"n-0", "b"}}), Not(AllAgree()));
  EXPECT_THAT((Hashes{{"v-0", "a"}}), Not(AllAgree())) << "one alone always agrees";
}

// Blocks a second apart, signed by A always and by B where `b` has a 1.
SigningHistory Signed(const std::string& b) {
  SigningHistory history{.validators = {{"A", "v-0"}, {"B", "v-1"}}};
  for (std::size_t i = 0; i < b.size(); ++i) {
    const auto height = static_cast<std::int64_t>(i) + 1;
    history.blocks.push_back({.height = {height}, .time = history.since.time + seconds(height)});
    chain::Commit commit{.height = {height}, .signers = {{"A"}}};
    if (b[i] == '1') commit.signers.push_back({"B"});
    history.commits.push_back(std::move(commit));
  }
  return history;
}

TEST(SigningHistory, FirstWindowThatAllSignedEnough) {
  EXPECT_EQ(Signed("1111").AllSignedAfter(4, 3), seconds(4));
  EXPECT_EQ(Signed("0111").AllSignedAfter(4, 3), seconds(4));
  EXPECT_EQ(Signed("001101110").AllSignedAfter(4, 3), seconds(6));
  EXPECT_EQ(Signed("0011").AllSignedAfter(4, 3), std::nullopt);
  EXPECT_EQ(Signed("111").AllSignedAfter(4, 3), std::nullopt) << "not four blocks yet";
  EXPECT_EQ(SigningHistory{}.AllSignedAfter(4, 3), std::nullopt);
}

TEST(SigningHistory, ItsLimitIsAnEdge) {
  EXPECT_THAT(Signed("001101110"), AllSignAgainWithin(seconds(6), 4, 3));
  EXPECT_THAT(Signed("001101110"), Not(AllSignAgainWithin(Millis{5999}, 4, 3)));
  SigningHistory jailed = Signed("1111");
  jailed.not_in_set = {"v-1"};
  EXPECT_THAT(jailed, Not(AllSignAgainWithin(seconds(60), 4, 3)));
}

TEST(BudgetedPower, TwoThirdsAreNotEnough) {
  EXPECT_THAT((BudgetedPower{.power = 2, .total = 3}), Not(HoldsOverTwoThirds()));
  EXPECT_THAT((BudgetedPower{.power = 667, .total = 1000}), HoldsOverTwoThirds());
  EXPECT_THAT(BudgetedPower{}, Not(HoldsOverTwoThirds()));
}

TEST(BudgetedPower, CountsAndPercentagesAsKubernetesReadsThem) {
  EXPECT_EQ(CountOf("3", 4), 3);
  EXPECT_EQ(CountOf("50%", 5), 3);
  EXPECT_EQ(CountOf("0%", 5), 0);
  EXPECT_EQ(CountOf("", 5), std::nullopt);
  EXPECT_EQ(CountOf("-1", 5), std::nullopt);
  EXPECT_EQ(CountOf("1.5", 5), std::nullopt);
}

}  // namespace
}  // namespace pawk8s
