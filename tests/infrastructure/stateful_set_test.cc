#include <gmock/gmock.h>

#include "pawk8s/deployment/own_pod.h"
#include "pawk8s/testing/case.h"
#include "pawk8s/testing/matchers.h"
#include "pawk8s/testing/pod_matchers.h"
#include "pawk8s/testing/stateful_set_matchers.h"

namespace pawk8s::testing {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::SizeIs;

constexpr Millis kFrozen{180'000};  // longer than any TTL that is waited out
constexpr Millis kEvery{1000};

class StatefulSet : public Case {
 protected:
  // Stimuli that two of these cases judge each.
  ScaleCycle Cycled() {
    return Shared<ScaleCycle>("scale-cycle",
                              [&] { return RunScaleCycle(paw(), faults(), deadline()); });
  }
  ObservedMove Moved() {
    return Shared<ObservedMove>("move", [&]() -> absl::StatusOr<ObservedMove> {
      const kube::Pod victim = Must(paw().SpareValidator(deadline()));
      const kube::Pod witness = Must(paw().OtherValidator(victim, deadline()));
      return ObserveMove(paw(), faults(),
                         Provides("agent") && Provides("dns") ? &agents() : nullptr, victim,
                         witness, deadline());
    });
  }
};

TEST_F(StatefulSet, StartsInOrdinalOrder) {
  const auto& limits = profile().thresholds.stateful_set;
  const ScaleCycle cycle = Cycled();
  EXPECT_THAT(cycle, CameInOrder());
  MeasureAtMost("all Ready", cycle.AllReadyAfter(), limits.all_ready);
  EXPECT_THAT(cycle, WasReadyWithin(limits.all_ready));
  MeasureAtMost("blocks resume", cycle.blocks_after, limits.blocks_resume);
  EXPECT_THAT(cycle, MadeBlocksWithin(limits.blocks_resume));
}

TEST_F(StatefulSet, TerminatesInReverseOrdinalOrder) {
  const Millis limit = profile().thresholds.stateful_set.all_gone;
  const ScaleCycle cycle = Cycled();
  MeasureAtMost("all gone", cycle.AllGoneAfter(), limit);
  EXPECT_THAT(cycle, WasGoneWithin(limit));
  EXPECT_THAT(cycle, WentInReverseOrder());
}

TEST_F(StatefulSet, PdbCoversExactlyTheValidators) {
  const BudgetCoverage coverage = Must(ReadBudgetCoverage(paw(), deadline()));
  EXPECT_THAT(coverage, CoversExactlyTheValidators());
  EXPECT_THAT(coverage, AllowsDisruptions(profile().thresholds.stateful_set.disruptions_allowed));
}

TEST_F(StatefulSet, PodDnsNamesResolveToPodIps) {
  const Within within{profile().thresholds.stateful_set.dns_follows};
  const OwnPod own = Must(OwnPod::Prepare(paw(), "dns-client", deadline()));
  const fault::Fault made = Stimulus(faults().Create(own.where(), own.manifest(), deadline()));
  const kube::Pod client = Must(AwaitRunning(paw(), own.name(), deadline()));
  const std::string server = Must(DnsService(paw(), deadline()));
  const auto ask = [&](const std::string& name) {
    return [&, name](const Deadline& d) {
      return AskDns(agents(), client, server, name, agent::DnsType::kA, d);
    };
  };
  const WorkloadState validators = Must(paw().Read(profile().validators, deadline()));
  ASSERT_THAT(validators, HasEveryPod());
  std::set<std::string> all;
  for (const kube::Pod& pod : validators.pods) {
    const std::set<std::string> own_ip = {pod.ip().value_or("")};
    all.insert(own_ip.begin(), own_ip.end());
    EXPECT_TRUE(Eventually(within, ask(DnsNameOf(profile(), pod.name())), ResolvesTo(own_ip)));
  }
  EXPECT_TRUE(Eventually(within, ask(HeadlessName(profile())), ResolvesTo(all)));
}

TEST_F(StatefulSet, DnsFollowsReplacedPod) {
  const Millis limit = profile().thresholds.stateful_set.dns_follows;
  const ObservedMove move = Moved();
  for (const ObservedMove::Server& server : move.servers) {
    MeasureAtMost("DNS server " + server.address, server.followed, limit);
  }
  EXPECT_THAT(move, IsFollowedByDnsWithin(limit));
}

TEST_F(StatefulSet, UnreadyValidatorStaysDiscoverable) {
  const kube::Pod victim = RestartableValidator();
  const kube::Pod client = Must(paw().OtherValidator(victim, deadline()));
  const auto in_service = [&](const std::string& service) {
    return [&](const Deadline& d) { return ReadListing(paw(), service, victim, d); };
  };
  // One server: what it keeps is known by the TTL that it tells.
  const std::string server = Must(DnsServers(paw(), deadline())).front();
  const std::string record = Must(PeerRecord(paw(), deadline()));
  const auto peers = [&](const Deadline& d) {
    return AskDns(agents(), client, server, record, agent::DnsType::kSrv, d);
  };

  fault::Fault frozen = Stimulus(
      faults().Freeze(victim, profile().validators.container, deadline(), {.hold = kFrozen}));
  ASSERT_TRUE(Eventually(Within{profile().thresholds.health_probes.unready},
                         in_service(profile().services.rpc), IsListedAsUnready()));
  ASSERT_THAT(Must(in_service(profile().services.headless)(deadline())), IsListed());
  const std::chrono::seconds ttl{Must(peers(deadline())).ttl + 1};
  EXPECT_TRUE(Consistently(For{ttl}, peers, Names(DnsNameOf(profile(), victim.name())), kEvery));
  Stimulus(frozen.Revert());
  EXPECT_TRUE(Eventually(Within{profile().thresholds.stateful_set.thawed_ready},
                         in_service(profile().services.rpc), IsListed()));
}

TEST_F(StatefulSet, NodeIdSurvivesReplacement) {
  ASSERT_THAT(Must(paw().ValidatorNodes(deadline())),
              AllOf(SizeIs(Ge(profile().validators.min_replicas)), HaveDistinctNodeIds()));
  const ObservedMove move = Moved();
  EXPECT_THAT(move, KeepsItsNodeId());
  MeasureAtMost("found by a peer", move.peer_found, profile().thresholds.peer_found);
  EXPECT_THAT(move, IsFoundByItsPeerWithin(profile().thresholds.peer_found));
}

}  // namespace
}  // namespace pawk8s::testing
