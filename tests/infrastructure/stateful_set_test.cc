#include <gmock/gmock.h>

#include "pawk8s/testing/case.h"
#include "pawk8s/testing/matchers.h"

namespace pawk8s::testing {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::SizeIs;

class StatefulSet : public Case {};

TEST_F(StatefulSet, NodeIdSurvivesReplacement) {
  ASSERT_THAT(Must(paw().ValidatorNodes(deadline())),
              AllOf(SizeIs(Ge(profile().validators.min_replicas)), HaveDistinctNodeIds()));
  const kube::Pod victim = Must(paw().SpareValidator(deadline()));
  const kube::Pod witness = Must(paw().OtherValidator(victim, deadline()));
  const chain::NodeId id = Must(paw().NodeOf(victim, deadline())).status.id;

  const auto replaced =
      Stimulus(faults().Replace(victim, profile().thresholds.pod_ready, deadline()));
  ASSERT_THAT(replaced, IsReadyWithin(profile().thresholds.pod_ready));

  const PodNode successor = Must(paw().NodeOf(replaced.new_pod, deadline()));
  ASSERT_THAT(successor, HasNodeId(id));
  EXPECT_TRUE(Eventually(
      Within{profile().thresholds.peer_found},
      [&](const Deadline& d) { return paw().PeersOf(witness, d); }, ListsPeer(id, successor.ip)));
}

}  // namespace
}  // namespace pawk8s::testing
