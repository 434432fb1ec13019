#include <gmock/gmock.h>

#include "pawk8s/deployment/rolling_update.h"
#include "pawk8s/testing/case.h"
#include "pawk8s/testing/matchers.h"
#include "pawk8s/testing/rollout_matchers.h"

namespace pawk8s::testing {
namespace {

using ::testing::AllOf;
using ::testing::Eq;
using ::testing::Ge;

class Rollback : public Case {
 protected:
  StuckUpdate StickAndRollBack() {
    return Shared<StuckUpdate>("stuck rollout", [&] {
      return RollOutAbsentImage(paw(), faults(), profile().thresholds.rollback.blocks_while_stuck,
                                profile().thresholds.rollback.restored, deadline());
    });
  }
};

TEST_F(Rollback, StuckRolloutBlocksEviction) {
  const StuckUpdate update = StickAndRollBack();
  EXPECT_THAT(update.stuck, ReplacesOnlyTheLastAndNeverReady());
  std::map<std::string, PodImage> kept = update.meanwhile;
  std::map<std::string, PodImage> expected = update.before;
  for (const PodTurn& turn : update.stuck.turns) {
    kept.erase(turn.pod);
    expected.erase(turn.pod);
  }
  EXPECT_THAT(kept, Eq(expected)) << "of the pods that were not to be replaced";
  const int blocks = profile().thresholds.rollback.blocks_while_stuck;
  MeasureAtLeast("blocks while stuck", static_cast<double>(update.blocks), blocks, "blocks");
  EXPECT_THAT(update.blocks, Ge(blocks));
  EXPECT_THAT(update.evictions, AllOf(WasAskedAtLeast(3), WasAlwaysRefused()));
}

}  // namespace
}  // namespace pawk8s::testing
