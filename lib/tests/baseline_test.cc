#include "pawk8s/deployment/baseline.h"

#include <gmock/gmock.h>

namespace pawk8s {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Baseline Healthy() {
  return {.workloads = {{"StatefulSet paw/v", {.revision = "r1", .replicas = 4, .settled = true}}},
          .powers = {{"AA", 10}, {"BB", 10}},
          .heights = {{"v-0", 20}, {"v-1", 21}},
          .advancing = true};
}

TEST(Baseline, OfAHealthyDeploymentHasNoProblemsAndIsRegainedByItself) {
  EXPECT_THAT(Healthy().Problems(), IsEmpty());
  EXPECT_THAT(Healthy().LostSince(Healthy()), IsEmpty());
}

TEST(Baseline, NodesMayBeTwoBlocksApartAndNotThree) {
  Baseline now = Healthy();
  now.heights["v-1"] = 22;
  EXPECT_THAT(now.Problems(), IsEmpty());
  EXPECT_THAT(Healthy().LostSince(now), IsEmpty());
  now.heights["v-1"] = 23;
  EXPECT_THAT(now.Problems(), ElementsAre("v-0 is at height 20, v-1 at 23"));
  EXPECT_THAT(Healthy().LostSince(now), ElementsAre("v-0 is at height 20, v-1 at 23"));
}

TEST(Baseline, ANodeThatCatchesUpIsNotBackYetHoweverNearItIs) {
  Baseline now = Healthy();
  now.catching_up = {"v-1"};
  EXPECT_THAT(now.Problems(), ElementsAre("v-1 is catching up"));
  EXPECT_THAT(Healthy().LostSince(now), ElementsAre("v-1 is catching up"));
  EXPECT_THAT(now.LostSince(now), IsEmpty()) << "what was so before is not lost";
}

TEST(Baseline, NamesEachLoss) {
  Baseline now = Healthy();
  now.workloads["StatefulSet paw/v"].revision = "r2";
  now.powers.erase("AA");
  now.powers["BB"] = 9;
  now.heights.erase("v-0");
  now.advancing = false;
  EXPECT_THAT(
      Healthy().LostSince(now),
      ElementsAre(HasSubstr("is at revision r2 with 4 replicas, was at r1 with 4"),
                  "validator AA is no longer in the set", "validator BB has power 9, had 10",
                  "the chain makes no blocks", "v-0 does not answer"));
}

TEST(Baseline, NobodyAnsweringIsAProblem) {
  Baseline now = Healthy();
  now.heights.clear();
  now.silence = "v-0: refused";
  EXPECT_THAT(now.Problems(), ElementsAre("no validator answers: v-0: refused"));
}

}  // namespace
}  // namespace pawk8s
