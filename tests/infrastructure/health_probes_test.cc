#include <gmock/gmock.h>

#include <algorithm>

#include "pawk8s/testing/case.h"
#include "pawk8s/testing/matchers.h"
#include "pawk8s/testing/pod_matchers.h"
#include "pawk8s/testing/probe_matchers.h"
#include "pawk8s/testing/resource_matchers.h"
#include "steady_state_case.h"

namespace pawk8s::testing {
namespace {

using ::testing::AllOf;
using ::testing::SizeIs;

constexpr Millis kMargin{60'000};  // of what is injected, beyond what is waited for

class HealthProbes : public SteadyStateCase {
 protected:
  // The freeze of one validator that two of these cases judge.
  Hang Hung() {
    return Shared<Hang>("hang", [&] {
      return HangAndThaw(paw(), faults(), agents(), Must(paw().SpareValidator(deadline())),
                         deadline());
    });
  }
};

TEST_F(HealthProbes, EveryDeclaredProbeAnswers) {
  for (const WorkloadRef& workload : {profile().validators, profile().nodes}) {
    const WorkloadState state = Must(paw().Read(workload, deadline()));
    ASSERT_THAT(state, ServesWithEveryPod());
    for (const kube::Pod& pod : state.ReadyPods()) {
      EXPECT_THAT(Must(RunProbes(paw(), agents(), pod, workload.container, deadline())),
                  AllOf(DeclaresEveryProbe(), AnswersEveryProbe()));
    }
  }
}

TEST_F(HealthProbes, HungProcessTurnsUnready) {
  const auto& limits = profile().thresholds.health_probes;
  const Hang hang = Hung();
  const Millis unready = std::min(hang.readiness_budget + limits.unready_slack, limits.unready);
  MeasureAtMost("not Ready", hang.unready, unready);
  EXPECT_THAT(hang, TurnsUnreadyWithin(unready));
  MeasureAtMost("Ready again", hang.ready, limits.thawed_ready);
  EXPECT_THAT(hang, IsReadyAgainWithin(limits.thawed_ready));
}

TEST_F(HealthProbes, SlowStarterIsNotKilled) {
  const Millis within = profile().thresholds.pod_ready;
  const SlowStarter starter = Must(
      PrepareSlowStarter(paw(), profile().thresholds.health_probes.slow_start_margin, deadline()));
  const fault::Fault made =
      Stimulus(faults().Create(starter.pod.where(), starter.pod.manifest(), deadline(),
                               {.hold = starter.answers_after + within + kMargin}));
  EXPECT_THAT(Must(FollowSlowStart(paw(), starter, within, deadline())), IsReadyWithoutRestart());
}

TEST_F(HealthProbes, ProbesDoNotFlap) {
  std::size_t wanted = 0;
  for (const WorkloadRef& workload : {profile().validators, profile().nodes, profile().api}) {
    const WorkloadState state = Must(paw().Read(workload, deadline()));
    ASSERT_THAT(state, ServesWithEveryPod());
    wanted += state.ReadyPods().size();
  }
  const SteadyState steady = Watched();
  ASSERT_THAT(steady.pods, SizeIs(wanted));
  for (const SteadyPod& pod : steady.pods) EXPECT_THAT(pod, IsSteady());
  EXPECT_THAT(steady.progress, HasMadeBlocks(1));
}

TEST_F(HealthProbes, UnreadyValidatorLeavesRpcEndpoints) {
  const auto& limits = profile().thresholds.health_probes;
  const Hang hang = Hung();
  MeasureAtMost("not ready in the Service", hang.unlisted, limits.endpoint_gone);
  EXPECT_THAT(hang, LeavesItsServiceWithin(limits.endpoint_gone));
  MeasureAtLeast("connections answered", static_cast<double>(hang.Answered()), limits.connections);
  EXPECT_THAT(hang, IsSpared(limits.connections));
  EXPECT_THAT(hang, IsBackInItsService());
}

TEST_F(HealthProbes, LivenessRestartsHungProcess) {
  const auto& limits = profile().thresholds.health_probes;
  const std::string& program = profile().validators.container;
  const kube::Pod victim = RestartableValidator();
  const kube::Pod witness = Must(paw().OtherValidator(victim, deadline()));
  const PodNode node = Must(paw().NodeOf(victim, deadline()));
  const auto budget = RestartBudget(victim, program);
  const Millis limit = std::min(budget.value_or(limits.hang_restarted) + limits.unready_slack,
                                limits.hang_restarted);

  const fault::Fault frozen =
      Stimulus(faults().Freeze(victim, program, deadline(), {.hold = limit + kMargin}));
  const Deadline by = deadline().AtMost(limit);
  const auto restart = [&](const Deadline& d) { return ReadRestart(paw(), victim, program, d); };
  ASSERT_TRUE(Eventually(Within{limit}, restart, IsRestartedAlone()));
  MeasureAtMost("restarted", limit - by.Remaining(), limit);
  const chain::Height since = Must(paw().NodeOf(witness, deadline())).status.latest;
  const auto votes = [&](const Deadline& d) { return ReadVotes(paw(), witness, node, since, d); };
  EXPECT_TRUE(Eventually(Within{limits.votes_resume}, votes, HasVotes()));
}

}  // namespace
}  // namespace pawk8s::testing
