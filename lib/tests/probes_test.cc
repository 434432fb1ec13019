// What is judged of probes and of validators that hang or start slowly, from made-up pods, metrics
// and traces.
#include "pawk8s/deployment/probes.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include "pawk8s/deployment/hang.h"
#include "pawk8s/deployment/restart.h"
#include "pawk8s/deployment/slow_start.h"
#include "pawk8s/testing/probe_matchers.h"

namespace pawk8s {
namespace {

using kube::Json;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;

constexpr std::string_view kMetrics = R"(# HELP prober_probe_total Cumulative number of probes
# TYPE prober_probe_total counter
prober_probe_total{container="pawd",namespace="paw",pod="v-0",pod_uid="a",probe_type="Liveness",result="successful"} 12
prober_probe_total{container="pawd",namespace="paw",pod="v-0",pod_uid="a",probe_type="Readiness",result="successful"} 1.5e+02
prober_probe_total{container="pawd",namespace="paw",pod="v-0",pod_uid="a",probe_type="Readiness",result="failed"} 3
prober_probe_total{container="pawd",namespace="paw",pod="v-0",pod_uid="a",probe_type="Readiness",result="unknown"} 1
prober_probe_total{container="side",namespace="paw",pod="v-0",pod_uid="a",probe_type="Readiness",result="successful"} 7
prober_probe_duration_seconds_count{container="pawd",pod="v-0"} 9
)";

TEST(ProbeCounts, AreSummedByPodAndContainer) {
  const auto counts = ParseProbeCounts(kMetrics);
  ASSERT_TRUE(counts.ok());
  EXPECT_EQ(counts->size(), 2U);
  EXPECT_EQ(counts->at({"a", "pawd"}), (ProbeCount{.succeeded = 162, .failed = 4}));
  EXPECT_EQ(counts->at({"a", "side"}), (ProbeCount{.succeeded = 7}));
}

TEST(ProbeCounts, AnUnreadableSampleIsAnError) {
  EXPECT_TRUE(absl::IsDataLoss(ParseProbeCounts("prober_probe_total{a=\"b\"} x").status()));
  EXPECT_TRUE(absl::IsDataLoss(ParseProbeCounts("prober_probe_total{a=\"b").status()));
  const auto none = ParseProbeCounts("");
  ASSERT_TRUE(none.ok());
  EXPECT_TRUE(none->empty());
}

kube::Pod PodOf(bool ready, int ready_since, int restarts, const std::string& uid = "a",
                const std::string& state = "running") {
  return kube::Pod(kube::Object(
      {{"metadata", {{"name", "v-0"}, {"uid", uid}}},
       {"spec", {{"nodeName", "w1"}}},
       {"status",
        {{"phase", "Running"},
         {"conditions", Json::array({{{"type", "Ready"},
                                      {"status", ready ? "True" : "False"},
                                      {"lastTransitionTime",
                                       fmt::format("2026-01-01T00:00:{:02d}Z", ready_since)}}})},
         {"containerStatuses", Json::array({{{"name", "pawd"},
                                             {"ready", ready},
                                             {"restartCount", restarts},
                                             {"state", {{state, Json::object()}}}}})}}}}));
}

TEST(WhatChanged, IsTheConditionARestartOrThePodItself) {
  const kube::Pod before = PodOf(true, 1, 0);
  EXPECT_THAT(WhatChanged(before, PodOf(true, 1, 0)), IsEmpty());
  EXPECT_THAT(WhatChanged(before, PodOf(true, 1, 0, "other")), Eq("it was replaced"));
  EXPECT_THAT(WhatChanged(before, PodOf(false, 2, 0)), HasSubstr("Ready condition"));
  EXPECT_THAT(WhatChanged(before, PodOf(true, 3, 0)), HasSubstr("Ready condition"))
      << "it went and came back unseen";
  EXPECT_THAT(WhatChanged(before, PodOf(true, 1, 1)), Eq("pawd was restarted"));
}

TEST(SteadyPod, HasNewProbesAndNoFailedOne) {
  using testing::IsSteady;
  const auto pod = [](std::int64_t succeeded, std::int64_t failed) {
    return SteadyPod{.pod = "v-0", .probed = {{.container = "pawd", .grown = {succeeded, failed}}}};
  };
  EXPECT_THAT(pod(1, 0), IsSteady());
  EXPECT_THAT(pod(0, 0), Not(IsSteady()));
  EXPECT_THAT(pod(9, 1), Not(IsSteady()));
  EXPECT_THAT((SteadyPod{.pod = "v-0"}), Not(IsSteady())) << "nothing probed proves nothing";
  SteadyPod changed = pod(1, 0);
  changed.change = "pawd was restarted";
  EXPECT_THAT(changed, Not(IsSteady()));
}

TEST(SteadyState, IsReadAsItWasKept) {
  const SteadyState kept{
      .pods = {{.pod = "v-0",
                .change = "pawd was restarted",
                .probed = {{.container = "pawd", .grown = {.succeeded = 7, .failed = 1}}}}},
      .validators = {{.pod = "v-0",
                      .container = "pawd",
                      .limit = kube::Quantity{1500},
                      .over = 15s,
                      .used = 2s,
                      .periods = 150,
                      .throttled = 3},
                     {.pod = "v-1", .container = "pawd"}},
      .progress = {.told_by = "v-1", .blocks = 12},
      .signing = {.told_by = "v-2", .blocks = 11, .by_pod = {{"v-0", 10}, {"v-1", 11}}}};
  const SteadyState read = SteadyState::FromJson(kept.ToJson());
  EXPECT_EQ(read.pods, kept.pods);
  EXPECT_EQ(read.validators, kept.validators);
  EXPECT_EQ(read.progress, kept.progress);
  EXPECT_EQ(read.signing, kept.signing);
  EXPECT_THROW((void)SteadyState::FromJson(Json::object()), Json::exception);
}

TEST(ProbedContainer, MustDeclareAllAndAnswerEach) {
  using testing::AnswersEveryProbe;
  using testing::DeclaresEveryProbe;
  ProbedContainer probed{.pod = "v-0", .container = "pawd", .runs = {{.probe = "readinessProbe"}}};
  EXPECT_THAT(probed, DeclaresEveryProbe());
  EXPECT_THAT(probed, AnswersEveryProbe());
  probed.runs.push_back({.probe = "livenessProbe", .failure = "status 503"});
  EXPECT_THAT(probed, Not(AnswersEveryProbe()));
  probed.missing = {"startupProbe"};
  EXPECT_THAT(probed, Not(DeclaresEveryProbe()));
  EXPECT_THAT(ProbedContainer{}, Not(AnswersEveryProbe()));
}

Hang Good() {
  return {.pod = "v-3",
          .service = "rpc",
          .client = "n-0",
          .readiness_budget = 8s,
          .unready = 13s,
          .unlisted = 5s,
          .answered = std::vector<bool>(60, true),
          .ready = 20s,
          .listed = 21s};
}

TEST(Hang, TurnsUnreadyInTimeAndBeforeARestart) {
  using testing::TurnsUnreadyWithin;
  EXPECT_THAT(Good(), TurnsUnreadyWithin(Millis{13s}));
  EXPECT_THAT(Good(), Not(TurnsUnreadyWithin(Millis{12'999})));
  Hang hang = Good();
  hang.restarts_until_unready = 1;
  EXPECT_THAT(hang, Not(TurnsUnreadyWithin(Millis{13s})));
  hang = Good();
  hang.unready.reset();
  EXPECT_THAT(hang, Not(TurnsUnreadyWithin(Millis{13s})));
}

TEST(Hang, IsReadyAgainWithoutARestart) {
  using testing::IsReadyAgainWithin;
  EXPECT_THAT(Good(), IsReadyAgainWithin(Millis{20s}));
  EXPECT_THAT(Good(), Not(IsReadyAgainWithin(Millis{19'999})));
  Hang hang = Good();
  hang.restarts = 1;
  EXPECT_THAT(hang, Not(IsReadyAgainWithin(Millis{20s})));
}

TEST(Hang, LeavesItsServiceAndMeetsNobody) {
  using testing::IsBackInItsService;
  using testing::IsSpared;
  using testing::LeavesItsServiceWithin;
  EXPECT_THAT(Good(), LeavesItsServiceWithin(Millis{5s}));
  EXPECT_THAT(Good(), Not(LeavesItsServiceWithin(Millis{4'999})));
  EXPECT_THAT(Good(), IsSpared(60));
  EXPECT_THAT(Good(), Not(IsSpared(61))) << "too few were tried";
  EXPECT_THAT(Good(), IsBackInItsService());
  Hang hang = Good();
  hang.answered[7] = false;
  EXPECT_EQ(hang.Answered(), 59);
  EXPECT_THAT(hang, Not(IsSpared(60)));
  hang.unready.reset();
  EXPECT_THAT(hang, Not(LeavesItsServiceWithin(Millis{5s})));
}

TEST(Hang, SurvivesItsJson) {
  Hang hang = Good();
  hang.listed.reset();
  hang.answered[3] = false;
  hang.restarts = 2;
  const Hang again = Hang::FromJson(Json::parse(hang.ToJson().dump()));
  EXPECT_EQ(again.ToJson(), hang.ToJson());
  EXPECT_EQ(again.unready, hang.unready);
  EXPECT_EQ(again.listed, std::nullopt);
  EXPECT_THROW(Hang::FromJson(Json::object()), Json::exception);
}

TEST(RestartBudget, IsThatOfLivenessAndGrace) {
  Json pod = {{"spec",
               {{"terminationGracePeriodSeconds", 30},
                {"containers", Json::array({{{"name", "pawd"},
                                             {"livenessProbe",
                                              {{"tcpSocket", {{"port", 1}}},
                                               {"periodSeconds", 5},
                                               {"timeoutSeconds", 2},
                                               {"failureThreshold", 6}}}}})}}}};
  EXPECT_EQ(RestartBudget(kube::Pod(kube::Object(pod)), "pawd"), Millis{62s});
  EXPECT_EQ(RestartBudget(kube::Pod(kube::Object(pod)), "side"), std::nullopt);
  pod["spec"]["containers"][0].erase("livenessProbe");
  EXPECT_EQ(RestartBudget(kube::Pod(kube::Object(pod)), "pawd"), std::nullopt);
}

TEST(RestartOf, IsOneRestartOfAContainerThatRunsAgain) {
  const kube::Pod before = PodOf(true, 1, 2);
  const auto lacks = [&](const kube::Pod& now) { return RestartOf(before, now, "pawd").lacks; };
  EXPECT_THAT(lacks(PodOf(false, 5, 3)), IsEmpty()) << "Ready or not";
  EXPECT_THAT(lacks(PodOf(true, 1, 2)), HasSubstr("restarted 0 times"));
  EXPECT_THAT(lacks(PodOf(true, 1, 4)), HasSubstr("restarted 2 times"));
  EXPECT_THAT(lacks(PodOf(false, 5, 3, "b")), HasSubstr("another pod"));
  EXPECT_THAT(lacks(PodOf(false, 5, 3, "a", "waiting")), HasSubstr("does not run"));
}

kube::ContainerSpec Probed(
    const char* action = R"({"httpGet": {"path": "/health", "port": 26657}})") {
  Json liveness = Json::parse(action);
  liveness["initialDelaySeconds"] = 1;
  liveness["periodSeconds"] = 5;
  liveness["failureThreshold"] = 6;
  const Json spec = {
      {"containers",
       Json::array({{{"name", "pawd"},
                     {"startupProbe", {{"httpGet", {{"path", "/up/"}, {"port", 26660}}}}},
                     {"livenessProbe", liveness}}})}};
  return kube::ContainersOf(spec).front();
}

TEST(SlowStart, OutlastsTheLivenessProbe) {
  EXPECT_EQ(LivenessPatience(Probed()), Millis{31s});
  EXPECT_EQ(LivenessPatience({}), Millis{0});
}

TEST(SlowStart, StubAnswersEveryProbeAfterItsTime) {
  const auto script = StubScript(Probed(), "/stub", 35'500ms);
  ASSERT_TRUE(script.ok());
  EXPECT_THAT(*script, HasSubstr("sleep 36\n"));
  EXPECT_THAT(*script, HasSubstr(">'/stub/health'\n"));
  EXPECT_THAT(*script, HasSubstr(">'/stub/up/index.html'\n"));
  EXPECT_THAT(*script, HasSubstr("\nhttpd -p 26657 -h /stub\nexec httpd -f -p 26660 -h /stub\n"));
  EXPECT_TRUE(absl::IsFailedPrecondition(
      StubScript(Probed(R"({"exec": {"command": ["true"]}})"), "/stub", 1s).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(StubScript({}, "/stub", 1s).status()));
}

TEST(SlowStart, MustBeReadyAndNeverRestarted) {
  using testing::IsReadyWithoutRestart;
  EXPECT_THAT((SlowStart{.of = "s", .ready = 36s}), IsReadyWithoutRestart());
  EXPECT_THAT((SlowStart{.of = "s", .ready = 36s, .restarts = 1}), Not(IsReadyWithoutRestart()));
  EXPECT_THAT((SlowStart{.of = "s"}), Not(IsReadyWithoutRestart()));
}

TEST(Votes, OneIsEnough) {
  using testing::HasVotes;
  EXPECT_THAT((Votes{.pod = "v-3", .commits = 9, .signed_by_it = 1}), HasVotes());
  EXPECT_THAT((Votes{.pod = "v-3", .commits = 9}), Not(HasVotes()));
}

}  // namespace
}  // namespace pawk8s
