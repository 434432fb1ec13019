#include <gmock/gmock.h>

#include "pawk8s/deployment/restart.h"
#include "pawk8s/testing/case.h"
#include "pawk8s/testing/matchers.h"
#include "pawk8s/testing/pod_matchers.h"
#include "pawk8s/testing/probe_matchers.h"
#include "pawk8s/testing/resource_matchers.h"
#include "steady_state_case.h"

namespace pawk8s::testing {
namespace {

using ::testing::AllOf;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

constexpr Millis kMargin{60'000};  // of a fault, beyond what is waited for
constexpr int kKilled = 137;       // exit code of a process that SIGKILL ended

class Resources : public SteadyStateCase {
 protected:
  // The deployment's workloads, each with all its pods Ready.
  std::vector<WorkloadRef> Workloads() {
    return {profile().validators, profile().nodes, profile().api};
  }
};

TEST_F(Resources, LimitsReachTheCgroup) {
  for (const WorkloadRef& workload : Workloads()) {
    const WorkloadState state = Must(paw().Read(workload, deadline()));
    ASSERT_THAT(state, ServesWithEveryPod());
    for (const kube::Pod& pod : state.ReadyPods()) {
      const std::vector<ContainerLimits> containers = Must(ReadLimits(agents(), pod, deadline()));
      ASSERT_THAT(containers, Not(IsEmpty()));
      for (const ContainerLimits& one : containers) EXPECT_THAT(one, IsHeldToItsLimits());
    }
  }
}

TEST_F(Resources, CpuHogIsHeldAtLimit) {
  const auto& limits = profile().thresholds.resources;
  const kube::Pod victim = Must(paw().SpareValidator(deadline()));
  const kube::Pod witness = Must(paw().OtherValidator(victim, deadline()));

  const HoggedCpu hogged =
      Stimulus(HogCpu(paw(), faults(), agents(), victim, witness, limits.hog, deadline()));

  if (const auto limit = hogged.use.limit) {
    MeasureAtMost("used", hogged.use.Processors(),
                  limits.hog_usage.Of(static_cast<double>(limit->milli) / 1000), "processors");
  }
  EXPECT_THAT(hogged.use, UsesAtMost(limits.hog_usage));
  EXPECT_THAT(hogged.use, IsThrottled());
  EXPECT_THAT(hogged, IsNotRestarted());
  EXPECT_THAT(hogged.blocks, HasAtLeastBlocks(profile().thresholds.blocks_during_outage));
}

TEST_F(Resources, SteadyStateIsNotThrottled) {
  const Percent most = profile().thresholds.resources.throttled;
  const WorkloadState validators = Must(paw().Read(profile().validators, deadline()));
  ASSERT_THAT(validators, HasEveryPod());

  const SteadyState steady = Watched();

  ASSERT_THAT(steady.validators, SizeIs(validators.pods.size()));
  for (const CpuUse& use : steady.validators) {
    MeasureAtMost("throttled periods of " + use.pod, use.ThrottledPercent(), most.of_hundred, "%");
    EXPECT_THAT(use, IsThrottledAtMost(most));
  }
  EXPECT_THAT(steady.signing, IsSignedByAll());
}

TEST_F(Resources, OomKilledValidatorRecovers) {
  const auto& limits = profile().thresholds.resources;
  const std::string& program = profile().validators.container;
  const kube::Pod victim = RestartableValidator();
  const kube::Pod witness = Must(paw().OtherValidator(victim, deadline()));
  const chain::Height first = Must(paw().NodeOf(witness, deadline())).status.latest;
  const auto comeback = [&](const Deadline& d) { return ReadComeback(paw(), victim, program, d); };
  const auto progress = [&](const Deadline& d) { return ReadProgress(paw(), witness, first, d); };

  const fault::Fault lowered = Stimulus(faults().LimitMemory(
      victim, program, std::nullopt, deadline(), {.hold = limits.oom_killed + kMargin}));
  const RunEnd end = Stimulus(AwaitEnd(paw(), victim, program, limits.oom_killed, deadline()));
  const Deadline by = deadline().AtMost(limits.oom_ready);
  ASSERT_TRUE(Eventually(Within{limits.oom_ready}, comeback, IsBack()));
  MeasureAtMost("Ready", limits.oom_ready - by.Remaining(), limits.oom_ready);
  const kube::Pod now(Must(kube().Get({kube::kPods, victim.ns(), victim.name()}, deadline())));
  EXPECT_THAT(end, AllOf(EndedWith(kKilled), EndedFor("OOMKilled")));
  EXPECT_THAT(Must(ReadLimitsOf(agents(), now, program, deadline())), IsHeldToItsMemoryLimit());
  EXPECT_TRUE(Eventually(Within{by.Remaining()}, progress,
                         HasMadeBlocks(profile().thresholds.blocks_during_outage)));
}

TEST_F(Resources, QuotaRejectsExcess) {
  ASSERT_TRUE(Eventually(
      Within{profile().thresholds.resources.quota_settles},
      [&](const Deadline& d) { return ReadQuota(paw(), d); }, HasCounted()));
  EXPECT_THAT(Must(AskForLeastPod(paw(), deadline())), IsAdmitted());
  EXPECT_THAT(Must(AskForExcessPod(paw(), deadline())), IsRefusedByQuota());
}

TEST_F(Resources, QuotaLeavesRoomForSurge) {
  const auto use = [&](const Deadline& d) { return ReadQuotaUse(paw(), d); };
  EXPECT_TRUE(
      Eventually(Within{profile().thresholds.resources.quota_settles}, use, CountsWhatIsThere()));
  EXPECT_THAT(Must(use(deadline())), HasRoomForTheNextPods());
  for (const WorkloadRef& workload : Workloads()) {
    EXPECT_THAT(Must(AskForNextPod(paw(), workload, deadline())), IsAdmitted());
  }
}

}  // namespace
}  // namespace pawk8s::testing
