#include <gmock/gmock.h>

#include "pawk8s/testing/matchers.h"
#include "pawk8s/testing/rollout_matchers.h"
#include "rollout_case.h"

namespace pawk8s::testing {
namespace {

using ::testing::AllOf;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Le;
using ::testing::Not;

class PodDisruptionBudget : public RolloutCase {
 protected:
  int MinAvailable() {
    return static_cast<int>(Must(ReadBudgetCoverage(paw(), deadline())).desired_healthy);
  }
};

TEST_F(PodDisruptionBudget, MinAvailableExceedsTwoThirds) {
  const BudgetedPower power = Must(ReadBudgetedPower(paw(), deadline()));
  MeasureAtLeast("voting power left up", static_cast<double>(power.power),
                 2.0 * static_cast<double>(power.total) / 3);
  EXPECT_THAT(power, HoldsOverTwoThirds());
}

TEST_F(PodDisruptionBudget, SecondEvictionIsRefused) {
  const std::vector<kube::Pod> spare = Must(SpareValidators(paw(), deadline()));
  const kube::Pod witness = Must(paw().OtherValidator(spare, deadline()));
  const BudgetCoverage before = Must(ReadBudgetCoverage(paw(), deadline()));
  const PodNode first = Must(paw().NodeOf(witness, deadline()));

  const Evicted evicted =
      Stimulus(EvictAndAsk(paw(), faults(), spare, profile().thresholds.pod_ready, deadline()));

  EXPECT_THAT(evicted.answers, AllOf(WasAskedAtLeast(3), WasAlwaysRefused()));
  EXPECT_TRUE(Eventually(
      Within{profile().thresholds.pod_ready},
      [&](const Deadline& d) { return DisruptionsAllowed(paw(), d); },
      Eq(before.disruptions_allowed)));
  const PodNode last = Must(paw().NodeOf(witness, deadline()));
  EXPECT_THAT(Must(paw().Blocks(witness, first.status.latest + 1, last.status.latest, deadline())),
              HasAtLeastBlocks(profile().thresholds.blocks_during_outage));
}

TEST_F(PodDisruptionBudget, DrainKeepsQuorum) {
  const auto& limits = profile().thresholds;
  const int min_available = MinAvailable();
  const std::string worker = Must(BusiestWorker(paw(), deadline()));

  const DrainTrace trace =
      Stimulus(DrainAndFollow(paw(), faults(), worker, limits.disruption_budget.drain,
                              limits.disruption_budget.drained_ready, deadline()));

  ASSERT_THAT(trace.evicted, Not(IsEmpty())) << worker;
  EXPECT_THAT(trace.drained, AllOf(KeepsReadyAtLeast(min_available), PlacesNoneOn(worker)));
  MeasureAllAtMost("block gap", trace.block_gaps, limits.block_gap);
  EXPECT_THAT(trace.block_gaps, NonEmptyEach(Le(limits.block_gap)));
  MeasureAtMost("ready", trace.back.complete, limits.disruption_budget.drained_ready);
  EXPECT_THAT(trace.back, IsCompleteWithin(limits.disruption_budget.drained_ready));
}

TEST_F(PodDisruptionBudget, RolloutKeepsMinAvailable) {
  const auto& limits = profile().thresholds;
  const int min_available = MinAvailable();

  const RollingUpdate update = RolledOut();

  MeasureAtMost("rolled out", update.rollout.complete, limits.disruption_budget.rolled_out);
  EXPECT_THAT(update.rollout, IsCompleteWithin(limits.disruption_budget.rolled_out));
  EXPECT_THAT(update.rollout, KeepsReadyAtLeast(min_available));
  MeasureAllAtMost("block gap", update.block_gaps, limits.block_gap);
  EXPECT_THAT(update.block_gaps, NonEmptyEach(Le(limits.block_gap)));
}

}  // namespace
}  // namespace pawk8s::testing
