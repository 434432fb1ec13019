#include <gmock/gmock.h>

#include "pawk8s/net/digest.h"
#include "pawk8s/testing/case.h"
#include "pawk8s/testing/matchers.h"
#include "pawk8s/testing/pod_matchers.h"
#include "pawk8s/testing/probe_matchers.h"

namespace pawk8s::testing {
namespace {

using ::testing::AllOf;
using ::testing::AnyOf;

class PodLifecycle : public Case {
 protected:
  // The deletion of one validator's pod that several of these cases judge.
  ObservedReplacement Replaced() {
    return Shared<ObservedReplacement>("replacement", [&]() -> absl::StatusOr<ObservedReplacement> {
      const kube::Pod victim = Must(paw().SpareValidator(deadline()));
      const kube::Pod witness = Must(paw().OtherValidator(victim, deadline()));
      return ObserveReplacement(paw(), faults(), Provides("agent") ? &agents() : nullptr, victim,
                                witness, deadline());
    });
  }
};

TEST_F(PodLifecycle, AllReplicasRunningAndReady) {
  for (const WorkloadRef& workload : {profile().validators, profile().nodes, profile().api}) {
    EXPECT_THAT(Must(paw().Read(workload, deadline())),
                AllOf(WantsAtLeast(workload.min_replicas), IsFullyReady()));
  }
}

TEST_F(PodLifecycle, ReplacementReadyWithinSla) {
  const ObservedReplacement seen = Replaced();
  MeasureAtMost("running", seen.pod.RunningAfter(), profile().thresholds.pod_running);
  EXPECT_THAT(seen.pod, IsRunningWithin(profile().thresholds.pod_running));
  MeasureAtMost("ready", seen.pod.ReadyAfter(), profile().thresholds.pod_ready);
  EXPECT_THAT(seen.pod, IsReadyWithin(profile().thresholds.pod_ready));
  MeasureAllAtMost("block gap", seen.blocks.Gaps(), profile().thresholds.block_gap);
  EXPECT_THAT(seen.blocks, AllOf(HasAtLeastBlocks(profile().thresholds.blocks_during_outage),
                                 HasNoGapOver(profile().thresholds.block_gap)));
}

TEST_F(PodLifecycle, InitContainersCompleteInOrder) {
  const std::vector<std::string> init = {profile().init.genesis_verifier,
                                         profile().init.config_init};
  const WorkloadState validators = Must(paw().Read(profile().validators, deadline()));
  ASSERT_THAT(validators, HasEveryPod());
  for (const kube::Pod& pod : validators.pods) {
    EXPECT_THAT(pod, StartedInOrder(init, profile().validators.container));
  }
}

TEST_F(PodLifecycle, GenesisDigestMatchesEverywhere) {
  const GenesisDemand demand = Must(ReadGenesisDemand(paw(), deadline()));
  EXPECT_THAT(demand, IsADigest());
  for (const WorkloadRef& workload : {profile().validators, profile().nodes}) {
    const WorkloadState state = Must(paw().Read(workload, deadline()));
    ASSERT_THAT(state, HasEveryPod());
    for (const kube::Pod& pod : state.pods) {
      EXPECT_THAT(Must(ReadPodGenesis(paw(), agents(), workload, pod, deadline())),
                  HasGenesis(demand));
    }
  }
}

TEST_F(PodLifecycle, WrongGenesisDigestBlocksStartup) {
  const auto& [verifier, config_init, _] = profile().init;
  const GenesisDemand demand = Must(ReadGenesisDemand(paw(), deadline()));
  const Rehearsed right = Stimulus(Rehearse(paw(), faults(), {.what = "right-digest"}, deadline()));
  ASSERT_THAT(right, CompletesInit(std::vector{verifier, config_init}));
  const Rehearsed wrong = Stimulus(Rehearse(
      paw(), faults(), {.what = "wrong-digest", .genesis_digest = WithAnotherDigit(demand.sha256)},
      deadline()));
  EXPECT_THAT(wrong, IsStoppedBy(verifier, config_init));
}

TEST_F(PodLifecycle, TamperedGenesisOnVolumeDoesNotSurvive) {
  const auto& [verifier, config_init, _] = profile().init;
  const GenesisDemand demand = Must(ReadGenesisDemand(paw(), deadline()));
  const std::string genesis = Must(ReadGenesis(paw(), deadline()));
  ASSERT_EQ(ChainIdOf(genesis), demand.chain_id);
  const std::string path = profile().validators.home + "/" + profile().genesis.path;
  const Rehearsed sound = Stimulus(
      Rehearse(paw(), faults(), {.what = "sound-genesis", .seed = {{path, genesis}}}, deadline()));
  ASSERT_THAT(sound, CompletesInit(std::vector{verifier, config_init}));
  const Rehearsed tampered = Stimulus(Rehearse(paw(), faults(),
                                               {.what = "tampered-genesis",
                                                .seed = {{path, Must(WithAnotherBalance(genesis))}},
                                                .read = {path}},
                                               deadline()));
  EXPECT_THAT(tampered, AnyOf(IsStoppedBy(verifier, config_init), LeavesFile(path, demand.sha256)));
}

TEST_F(PodLifecycle, SigtermStopsCleanlyWithinGrace) {
  const std::string& program = profile().validators.container;
  const Millis least = profile().thresholds.pod_lifecycle.stop_margin;
  const ObservedReplacement seen = Replaced();
  EXPECT_THAT(seen, EndedCleanly(program, profile().node.exit_codes));
  if (const auto margin = seen.StopMargin(program)) MeasureAtLeast("stop margin", *margin, least);
  EXPECT_THAT(seen, EndedBeforeItsGrace(program, least));
}

TEST_F(PodLifecycle, PreStopServesUntilEndpointIsGone) {
  const Millis least = profile().thresholds.pod_lifecycle.served_after_removal;
  const ObservedReplacement seen = Replaced();
  if (const auto served = seen.ServedAfterRemoval()) MeasureAtLeast("served", *served, least);
  EXPECT_THAT(seen, ServedAfterRemovalFor(least));
  EXPECT_THAT(seen, DeclaresPreStop(profile().validators.container));
  EXPECT_THAT(seen, HasNoFailedHook());
}

TEST_F(PodLifecycle, CrashedProcessRestartsInPlace) {
  constexpr int kKilled = 137;
  const std::string& program = profile().validators.container;
  const Millis limit = profile().thresholds.pod_lifecycle.restarted_ready;
  const kube::Pod victim = RestartableValidator();

  Stimulus(faults().Kill(victim, program, agent::SignalName::kKill, deadline()));
  const Deadline by = deadline().AtMost(limit);
  EXPECT_THAT(Stimulus(AwaitEnd(paw(), victim, program, limit, deadline())), EndedWith(kKilled));
  const auto comeback = [&](const Deadline& d) { return ReadComeback(paw(), victim, program, d); };
  ASSERT_TRUE(Eventually(Within{by.Remaining()}, comeback, IsBack()));
  MeasureAtMost("ready", limit - by.Remaining(), limit);
  EXPECT_TRUE(Eventually(
      Within{by.Remaining()}, [&](const Deadline& d) { return ReadLag(paw(), victim, d); },
      IsBehindByAtMost(profile().thresholds.height_lag)));
}

TEST_F(PodLifecycle, InitKeepsSigningState) {
  const auto& [verifier, config_init, _] = profile().init;
  const std::string home = profile().validators.home + "/";
  const std::string state = home + profile().node.signing_state;
  const std::string store = home + profile().node.block_store + "/000001.log";
  const std::map<std::string, std::string> used = {
      {home + profile().genesis.path, Must(ReadGenesis(paw(), deadline()))},
      {state, R"({"height": "4242", "round": 0, "step": 3})"},
      {store, "blocks of a used volume"}};
  const Rehearsed again = Stimulus(Rehearse(
      paw(), faults(), {.what = "used-volume", .seed = used, .read = {state, store}}, deadline()));
  EXPECT_THAT(again, CompletesInit(std::vector{verifier, config_init}));
  EXPECT_THAT(again, LeavesFile(state, net::Sha256Hex(used.at(state))));
  EXPECT_THAT(again, LeavesFile(store, net::Sha256Hex(used.at(store))));
}

TEST_F(PodLifecycle, ReplacementMountsSameVolume) {
  const ObservedReplacement seen = Replaced();
  EXPECT_THAT(seen, KeepsItsData());
  EXPECT_THAT(seen, KeepsItsClaim());
}

}  // namespace
}  // namespace pawk8s::testing
