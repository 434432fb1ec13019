// How failures read: the first line names the claim and the object that breaks it.
#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>

#include "pawk8s/testing/matchers.h"
#include "pawk8s/testing/pod_matchers.h"
#include "pawk8s/testing/recorder.h"
#include "pawk8s/testing/rollout_matchers.h"

namespace pawk8s::testing {
namespace {

using ::testing::Eq;
using ::testing::HasSubstr;
using namespace std::chrono_literals;

// What a failed EXPECT_THAT says, in the one line that goes into the record.
template <class T, class M>
std::string SummaryOfThat(const T& value, const M& matcher) {
  ::testing::TestPartResultArray failures;
  {
    const ::testing::ScopedFakeTestPartResultReporter intercept(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &failures);
    EXPECT_THAT(value, matcher);
  }
  return failures.size() == 1 ? FailureOf(failures.GetTestPartResult(0).message()).summary
                              : "passed";
}

kube::Pod MakePod(const std::string& name, const std::string& uid, const std::string& revision,
                  bool ready) {
  const std::string status = ready ? "True" : "False";
  return kube::Pod(kube::Object(
      {{"metadata",
        {{"name", name},
         {"namespace", "paw"},
         {"uid", uid},
         {"labels", {{"controller-revision-hash", revision}}}}},
       {"status",
        {{"phase", "Running"},
         {"conditions", kube::Json::array({{{"type", "Ready"}, {"status", status}}})},
         {"containerStatuses",
          kube::Json::array({{{"name", "pawd"}, {"ready", ready}, {"restartCount", 0}}})}}}}));
}

WorkloadState MakeState(std::vector<kube::Pod> pods, int replicas = 2) {
  return {.ref = {.kind = WorkloadKind::kStatefulSet, .ns = "paw", .name = "val"},
          .replicas = replicas,
          .revision = "r2",
          .pods = std::move(pods)};
}

TEST(FailureText, NamesThePodThatIsNotReady) {
  EXPECT_THAT(
      SummaryOfThat(
          MakeState({MakePod("val-0", "a", "r2", true), MakePod("val-1", "b", "r2", false)}),
          IsFullyReady()),
      Eq("Expected: exactly spec.replicas pods, all of the present revision, Running and Ready; "
         "is: "
         "StatefulSet paw/val: 1 of 2 pods of revision r2 Running and Ready; val-1 (container pawd "
         "not ready)"));
}

TEST(FailureText, NamesThePodOfAnOldRevision) {
  EXPECT_THAT(SummaryOfThat(
                  MakeState({MakePod("val-0", "a", "r2", true), MakePod("val-1", "b", "r1", true)}),
                  IsFullyReady()),
              HasSubstr("val-1 (of revision r1)"));
}

TEST(Matchers, AWorkloadWithTooFewOrTooManyPodsIsNotSettled) {
  const auto a = MakePod("val-0", "a", "r2", true);
  const auto b = MakePod("val-1", "b", "r2", true);
  EXPECT_THAT(MakeState({a, b}), IsFullyReady());
  EXPECT_THAT(MakeState({a}), ::testing::Not(IsFullyReady()));
  EXPECT_THAT(MakeState({}), ::testing::Not(IsFullyReady()));
  EXPECT_THAT(MakeState({a, b}, 1), ::testing::Not(IsFullyReady()));
  EXPECT_THAT(MakeState({}, 0), ::testing::Not(WantsAtLeast(1)));
}

fault::PodReplacement Trace(std::optional<Millis> running, std::optional<Millis> ready) {
  fault::PodReplacement trace{.old_pod = MakePod("val-3", "a", "r", true),
                              .last_of_old = MakePod("val-3", "a", "r", false),
                              .new_pod = MakePod("val-3", "b", "r", true)};
  const SteadyTime removed = std::chrono::steady_clock::now();
  trace.removed_at = removed;
  if (running) trace.running_at = removed + *running;
  if (ready) trace.ready_at = removed + *ready;
  return trace;
}

TEST(Matchers, ReplacementAtTheEdgeOfItsLimits) {
  EXPECT_THAT(Trace(30s, 60s), IsRunningWithin(Millis{30s}));
  EXPECT_THAT(Trace(30'001ms, 60s), ::testing::Not(IsRunningWithin(Millis{30s})));
  EXPECT_THAT(Trace(30s, 60s), IsReadyWithin(Millis{60s}));
  EXPECT_THAT(Trace(30s, 60'001ms), ::testing::Not(IsReadyWithin(Millis{60s})));
  EXPECT_THAT(Trace(30s, {}), ::testing::Not(IsReadyWithin(Millis{60s})));
}

TEST(FailureText, NamesThePodThatIsNotReplacedInTime) {
  EXPECT_THAT(SummaryOfThat(Trace(3s, {}), IsReadyWithin(Millis{60s})),
              Eq("Expected: a successor that is Ready within 60.0s of the old pod's removal; is: "
                 "val-3 (Running after 3.0s, Ready after never)"));
}

PodNode Node(const std::string& pod, const std::string& id) {
  return {.pod = pod, .ip = "10.0.0.1", .status = {.id = {id}}};
}

TEST(FailureText, NamesThePodsThatShareANodeId) {
  EXPECT_THAT(std::vector<PodNode>{Node("val-0", "aa")}, HaveDistinctNodeIds());
  EXPECT_THAT(std::vector<PodNode>{}, ::testing::Not(HaveDistinctNodeIds()));
  EXPECT_THAT(SummaryOfThat(std::vector<PodNode>{Node("val-0", "aa"), Node("val-1", "aa")},
                            HaveDistinctNodeIds()),
              HasSubstr("val-0 and val-1 share aa"));
  EXPECT_THAT(SummaryOfThat(Node("val-2", "bb"), HasNodeId(chain::NodeId{"aa"})),
              Eq("Expected: a pod with node id aa; is: val-2 (node id bb, 10.0.0.1)"));
}

BlockRange Blocks(const std::vector<Millis>& times) {
  BlockRange range{.told_by = "val-0"};
  for (const Millis t : times)
    range.blocks.push_back({.time = std::chrono::system_clock::time_point(t)});
  return range;
}

TEST(Matchers, BlocksAtTheEdgeOfTheirLimits) {
  EXPECT_THAT(Blocks({0s, 1s, 11s}), HasNoGapOver(Millis{10s}));
  EXPECT_THAT(Blocks({0s, 1s, 11'001ms}), ::testing::Not(HasNoGapOver(Millis{10s})));
  EXPECT_THAT(Blocks({0s}), ::testing::Not(HasNoGapOver(Millis{10s}))) << "nothing to judge";
  EXPECT_THAT(Blocks({0s, 1s}), HasAtLeastBlocks(2));
  EXPECT_THAT(Blocks({0s}), ::testing::Not(HasAtLeastBlocks(2)));
}

TEST(Matchers, CountsAtTheEdgeOfTheirLimits) {
  EXPECT_THAT((Lag{.pod = "val-3", .blocks = 2}), IsBehindByAtMost(2));
  EXPECT_THAT((Lag{.pod = "val-3", .blocks = 3}), ::testing::Not(IsBehindByAtMost(2)));
  EXPECT_THAT(EvictionAnswers{.asked = 3}, WasAskedAtLeast(3));
  EXPECT_THAT(EvictionAnswers{.asked = 2}, ::testing::Not(WasAskedAtLeast(3)));
  EXPECT_THAT(std::vector<Millis>{10s}, NonEmptyEach(::testing::Le(Millis{10s})));
  EXPECT_THAT((std::vector<Millis>{10s, 10'001ms}),
              ::testing::Not(NonEmptyEach(::testing::Le(Millis{10s}))));
}

TEST(Matchers, APeerIsFoundByIdAndAddress) {
  const std::vector<chain::Peer> peers = {{.id = {"aa"}, .remote_ip = "10.0.0.1"}};
  EXPECT_THAT(peers, ListsPeer(chain::NodeId{"aa"}, "10.0.0.1"));
  EXPECT_THAT(peers, ::testing::Not(ListsPeer(chain::NodeId{"aa"}, "10.0.0.2")));
  EXPECT_THAT(std::vector<chain::Peer>{}, ::testing::Not(ListsPeer(chain::NodeId{"aa"}, "")));
}

TEST(Matchers, NonEmptyEachRefusesNothing) {
  EXPECT_THAT(std::vector<int>{}, ::testing::Not(NonEmptyEach(1)));
  EXPECT_THAT(std::vector<int>{1}, NonEmptyEach(1));
}

TEST(Failure, IsTakenApartIntoClaimAndValue) {
  const Failure waited = FailureOf(
      "Value of: Eventually(x)\n  Actual: false (Expected within 30.0s: y\n"
      "  Actual after 30.0s, 9 polls: z, why\n\n2 of the polls failed)\nExpected: true");
  EXPECT_THAT(waited.expected, Eq("within 30.0s: y"));
  EXPECT_THAT(waited.actual, Eq("after 30.0s, 9 polls: z, why"));
  EXPECT_THAT(waited.summary, Eq("Expected within 30.0s: y; is: after 30.0s, 9 polls: z, why"));
  const Failure matched = FailureOf(
      "Value of: v\nExpected: is 3\n  Actual: 4 (of type std::vector<int>), which is 1 more");
  EXPECT_THAT(matched.expected, Eq("is 3"));
  EXPECT_THAT(matched.actual, Eq("4, which is 1 more"));
  EXPECT_THAT(FailureOf("Failed\nnot restored: x\nmore").summary, Eq("not restored: x"));
  EXPECT_THAT(FailureOf("").summary, Eq(""));
}

}  // namespace
}  // namespace pawk8s::testing
