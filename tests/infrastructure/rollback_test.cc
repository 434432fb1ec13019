#include <gmock/gmock.h>

#include "pawk8s/testing/matchers.h"
#include "pawk8s/testing/rollout_matchers.h"
#include "rollout_case.h"

namespace pawk8s::testing {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::SizeIs;

class Rollback : public RolloutCase {
 protected:
  StuckUpdate StickAndRollBack() {
    return Shared<StuckUpdate>("stuck rollout", [&] {
      return RollOutAbsentImage(paw(), faults(), profile().thresholds.rollback.blocks_while_stuck,
                                profile().thresholds.rollback.restored, deadline());
    });
  }
};

TEST_F(Rollback, RolloutReplacesOneByOneInReverse) {
  EXPECT_THAT(RolledOut().rollout,
              AllOf(ReplacesEachOnceInReverse(), TakesNoPodBeforeTheLastServes()));
}

TEST_F(Rollback, StuckRolloutBlocksEviction) {
  const StuckUpdate update = StickAndRollBack();
  EXPECT_THAT(update.stuck, ReplacesOnlyTheLastAndNeverReady());
  EXPECT_THAT(update, LeavesTheOthersAsTheyWere());
  const int blocks = profile().thresholds.rollback.blocks_while_stuck;
  MeasureAtLeast("blocks while stuck", static_cast<double>(update.blocks), blocks, "blocks");
  EXPECT_THAT(update.blocks, Ge(blocks));
  EXPECT_THAT(update.evictions, WasAskedAtLeast(3));
  EXPECT_THAT(update, KeepsWhatConsensusNeeds());
}

TEST_F(Rollback, RollbackRestoresOriginalRevision) {
  const Millis limit = profile().thresholds.rollback.restored;
  const StuckUpdate update = StickAndRollBack();
  ASSERT_THAT(update.stuck, ReplacesOnlyTheLastAndNeverReady());
  MeasureAtMost("restored", update.restored.complete, limit);
  EXPECT_THAT(update.restored, IsCompleteWithin(limit));
  ASSERT_THAT(update.before, SizeIs(update.restored.replicas));
  EXPECT_THAT(update, EndsAsItBegan());
  EXPECT_EQ(update.update_revision, update.revision_before);
  EXPECT_EQ(update.current_revision, update.update_revision);
}

TEST_F(Rollback, ConsensusResumesAfterRollback) {
  const auto& limits = profile().thresholds.rollback;
  const StuckUpdate update = StickAndRollBack();
  const auto signing = [&](const Deadline& d) { return ReadSigning(paw(), update.regained, d); };
  EXPECT_TRUE(Eventually(
      Within{limits.consensus_resumes}, signing,
      AllSignAgainWithin(limits.consensus_resumes, limits.signed_window, limits.signed_blocks)));
  std::vector<kube::Pod> pods = Must(paw().Read(profile().validators, deadline())).pods;
  for (const kube::Pod& node : Must(paw().Read(profile().nodes, deadline())).pods) {
    pods.push_back(node);
  }
  EXPECT_THAT(Must(AppHashes(paw(), pods, deadline())), AllAgree());
  EXPECT_EQ(Must(EvidenceSince(paw(), update.rolled_back, deadline())), 0U);
}

}  // namespace
}  // namespace pawk8s::testing
