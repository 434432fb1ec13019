#include <gmock/gmock.h>

#include "pawk8s/testing/case.h"
#include "pawk8s/testing/matchers.h"

namespace pawk8s::testing {
namespace {

using ::testing::AllOf;

class PodLifecycle : public Case {};

TEST_F(PodLifecycle, AllReplicasRunningAndReady) {
  for (const WorkloadRef& workload : {profile().validators, profile().nodes, profile().api}) {
    EXPECT_THAT(Must(paw().Read(workload, deadline())),
                AllOf(WantsAtLeast(workload.min_replicas), IsFullyReady()));
  }
}

TEST_F(PodLifecycle, ReplacementReadyWithinSla) {
  const kube::Pod victim = Must(paw().SpareValidator(deadline()));
  const kube::Pod witness = Must(paw().OtherValidator(victim, deadline()));
  const PodNode before = Must(paw().NodeOf(witness, deadline()));

  const auto replaced =
      Stimulus(faults().Replace(victim, profile().thresholds.pod_ready, deadline()));
  const PodNode after = Must(paw().NodeOf(witness, deadline()));

  MeasureAtMost("running", replaced.RunningAfter(), profile().thresholds.pod_running);
  EXPECT_THAT(replaced, IsRunningWithin(profile().thresholds.pod_running));
  MeasureAtMost("ready", replaced.ReadyAfter(), profile().thresholds.pod_ready);
  EXPECT_THAT(replaced, IsReadyWithin(profile().thresholds.pod_ready));
  const BlockRange meanwhile =
      Must(paw().Blocks(witness, before.status.latest + 1, after.status.latest, deadline()));
  MeasureAllAtMost("block gap", meanwhile.Gaps(), profile().thresholds.block_gap);
  EXPECT_THAT(meanwhile, AllOf(HasAtLeastBlocks(profile().thresholds.blocks_during_outage),
                               HasNoGapOver(profile().thresholds.block_gap)));
}

}  // namespace
}  // namespace pawk8s::testing
