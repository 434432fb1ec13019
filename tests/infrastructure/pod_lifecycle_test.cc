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

  const auto replaced = Stimulus(faults().Replace(victim, profile().pod_ready, deadline()));
  const PodNode after = Must(paw().NodeOf(witness, deadline()));

  MeasureAtMost("running", replaced.RunningAfter(), profile().pod_running);
  EXPECT_THAT(replaced, IsRunningWithin(profile().pod_running));
  MeasureAtMost("ready", replaced.ReadyAfter(), profile().pod_ready);
  EXPECT_THAT(replaced, IsReadyWithin(profile().pod_ready));
  const BlockRange meanwhile =
      Must(paw().Blocks(witness, before.status.latest + 1, after.status.latest, deadline()));
  MeasureAtMost("largest block gap", meanwhile.LargestGap(), profile().block_gap);
  EXPECT_THAT(meanwhile, AllOf(HasAtLeastBlocks(profile().blocks_during_outage),
                               HasNoGapOver(profile().block_gap)));
}

}  // namespace
}  // namespace pawk8s::testing
