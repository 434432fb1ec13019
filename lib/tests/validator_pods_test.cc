// What is judged of single pods: how they start, end, restart and are replaced.
#include <gmock/gmock.h>

#include "pawk8s/deployment/genesis.h"
#include "pawk8s/deployment/own_pod.h"
#include "pawk8s/deployment/rehearsal.h"
#include "pawk8s/deployment/replacement.h"
#include "pawk8s/deployment/restart.h"
#include "pawk8s/deployment/start_order.h"
#include "pawk8s/testing/pod_matchers.h"
#include "pawk8s/testing/probe_matchers.h"

namespace pawk8s {
namespace {

using kube::Json;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;

std::string At(int second) { return fmt::format("2026-01-01T00:00:{:02d}Z", second); }

Json Ended(const std::string& name, int from, int to, int code = 0) {
  return {
      {"name", name},
      {"restartCount", 0},
      {"state",
       {{"terminated", {{"exitCode", code}, {"startedAt", At(from)}, {"finishedAt", At(to)}}}}}};
}
Json Running(const std::string& name, int since, int restarts = 0) {
  return {{"name", name},
          {"ready", true},
          {"restartCount", restarts},
          {"state", {{"running", {{"startedAt", At(since)}}}}}};
}

struct Start {
  std::vector<std::string> listed = {"verify", "configure"};
  std::vector<Json> init = {Ended("verify", 1, 2), Ended("configure", 2, 3)};
  Json program = Running("pawd", 3);

  [[nodiscard]] std::string Why() const {
    Json pod = {{"metadata", {{"name", "v-0"}}},
                {"spec", {{"initContainers", Json::array()}}},
                {"status",
                 {{"initContainerStatuses", init}, {"containerStatuses", Json::array({program})}}}};
    for (const auto& name : listed) pod["spec"]["initContainers"].push_back({{"name", name}});
    return WhyNotStartedInOrder(kube::Pod(kube::Object(pod)), {"verify", "configure"}, "pawd");
  }
};

TEST(StartOrder, OneAfterAnotherInWholeSeconds) {
  EXPECT_THAT(Start{}.Why(), IsEmpty());
  EXPECT_THAT((Start{.init = {Ended("verify", 1, 2), Ended("configure", 1, 3)}}).Why(),
              HasSubstr("configure began at"));
  EXPECT_THAT((Start{.program = Running("pawd", 2)}).Why(), HasSubstr("pawd began at"));
}

TEST(StartOrder, WhatIsMissingOrFailedIsNamed) {
  EXPECT_THAT((Start{.listed = {"configure", "verify"}}).Why(),
              Eq("configure is listed before verify"));
  EXPECT_THAT((Start{.listed = {"configure"}}).Why(), Eq("it has no init container verify"));
  EXPECT_THAT((Start{.init = {Ended("verify", 1, 2, 3), Ended("configure", 2, 3)}}).Why(),
              Eq("verify ended with exit code 3"));
  EXPECT_THAT((Start{.init = {Ended("verify", 1, 2)}}).Why(), Eq("configure has no status"));
  EXPECT_THAT((Start{.init = {Ended("verify", 1, 2), Running("configure", 2)}}).Why(),
              Eq("configure is running"));
  EXPECT_THAT((Start{.program = {{"name", "pawd"}}}).Why(), Eq("pawd has not started"));
}

TEST(Genesis, DigestIs64LowerCaseHexDigits) {
  EXPECT_TRUE(IsSha256(std::string(64, 'a')));
  EXPECT_FALSE(IsSha256(std::string(63, 'a')));
  EXPECT_FALSE(IsSha256(std::string(64, 'A')));
  EXPECT_FALSE(IsSha256(""));
}

TEST(Genesis, BytesChainAndNetworkMustAllBeAsDemanded) {
  const GenesisDemand demand{.where = "w", .sha256 = "d1", .chain_id = "paw-1"};
  const PodGenesis good{.pod = "v-0", .sha256 = "d1", .chain_id = "paw-1", .network = "paw-1"};
  EXPECT_THAT(WhyNotTheGenesis(demand, good), IsEmpty());
  PodGenesis other = good;
  other.sha256 = "d2";
  EXPECT_THAT(WhyNotTheGenesis(demand, other), HasSubstr("sha256 d2"));
  other = good;
  other.chain_id = "";
  EXPECT_THAT(WhyNotTheGenesis(demand, other), HasSubstr("of chain ''"));
  other = good;
  other.network = "paw-2";
  EXPECT_THAT(WhyNotTheGenesis(demand, other), HasSubstr("runs on chain 'paw-2'"));
  EXPECT_THAT(ChainIdOf(R"({"chain_id": "paw-1"})"), Eq("paw-1"));
  EXPECT_THAT(ChainIdOf("no json"), IsEmpty());
}

kube::Pod PodWith(const std::string& uid, const std::vector<Json>& statuses, bool ready = true) {
  return kube::Pod(kube::Object(
      {{"metadata", {{"name", "v-3"}, {"uid", uid}}},
       {"spec", {{"nodeName", "w1"}}},
       {"status",
        {{"phase", "Running"},
         {"conditions", Json::array({{{"type", "Ready"}, {"status", ready ? "True" : "False"}}})},
         {"containerStatuses", statuses}}}}));
}
Json Restarted(const std::string& name, int restarts, int code) {
  Json status = Running(name, 30, restarts);
  status["lastState"] = {{"terminated", {{"exitCode", code}, {"finishedAt", At(20)}}}};
  return status;
}

TEST(Comeback, IsOneRestartOfOneContainerInTheSamePod) {
  const kube::Pod before = PodWith("a", {Running("pawd", 1, 2), Running("side", 1)});
  const auto lacks = [&](const kube::Pod& now) { return ComebackOf(before, now, "pawd").lacks; };
  EXPECT_THAT(lacks(PodWith("a", {Restarted("pawd", 3, 137), Running("side", 1)})), IsEmpty());
  EXPECT_THAT(lacks(before), HasSubstr("pawd has restarted 0 times"));
  EXPECT_THAT(lacks(PodWith("a", {Restarted("pawd", 4, 137), Running("side", 1)})),
              HasSubstr("pawd has restarted 2 times"));
  EXPECT_THAT(lacks(PodWith("a", {Restarted("pawd", 3, 137), Running("side", 1, 1)})),
              HasSubstr("side has restarted 1 times"));
  EXPECT_THAT(lacks(PodWith("b", {Restarted("pawd", 3, 137), Running("side", 1)})),
              HasSubstr("another pod"));
  EXPECT_THAT(lacks(PodWith("a", {Restarted("pawd", 3, 137), Running("side", 1)}, false)),
              HasSubstr("Ready"));
}

TEST(RunEnd, IsThatOfThePresentRunOrOfTheOneBefore) {
  using testing::EndedFor;
  using testing::EndedWith;
  const auto before =
      EndShownBy(PodWith("a", {Running("side", 1), Restarted("pawd", 1, 137)}), "pawd");
  ASSERT_TRUE(before);
  EXPECT_THAT(*before, EndedWith(137));
  EXPECT_THAT(*before, Not(EndedWith(1)));
  Json now = Restarted("pawd", 1, 137);
  now["state"] = {{"terminated", {{"exitCode", 1}, {"reason", "Error"}}}};
  const auto present = EndShownBy(PodWith("a", {now}), "pawd");
  ASSERT_TRUE(present);
  EXPECT_THAT(*present, EndedWith(1));
  EXPECT_THAT(*present, EndedFor("Error"));
  EXPECT_THAT(*present, Not(EndedFor("OOMKilled")));
  Json forgotten = Running("pawd", 30, 1);
  forgotten["lastState"] = Json::object();
  EXPECT_FALSE(EndShownBy(PodWith("a", {forgotten}), "pawd"));
  EXPECT_FALSE(EndShownBy(PodWith("a", {now}), "side"));
}

TEST(EndedWithin, CountsFromTheEndOfTheRunBefore) {
  const kube::Pod pod = PodWith("a", {Restarted("pawd", 1, 137)});
  const auto end = *kube::ParseTime(At(20));
  EXPECT_TRUE(EndedWithin(pod, "pawd", 10s, end + 10s));
  EXPECT_FALSE(EndedWithin(pod, "pawd", 10s, end + 11s));
  EXPECT_FALSE(EndedWithin(PodWith("a", {Running("pawd", 1)}), "pawd", 10s, end));
}

ObservedReplacement Replacement(int ended_at, int code = 0) {
  Json old = {{"metadata", {{"name", "v-3"}, {"uid", "a"}}},
              {"status", {{"containerStatuses", Json::array({Ended("pawd", 1, ended_at, code)})}}}};
  const kube::Pod last{kube::Object(old)};
  return {.pod = {.old_pod = last,
                  .last_of_old = last,
                  .grace_ends = kube::ParseTime(At(40)),
                  .new_pod = last}};
}

TEST(Replacement, EndsCleanlyWithATimeToSpare) {
  using testing::EndedBeforeItsGrace;
  using testing::EndedCleanly;
  const std::vector<int> codes = {0};
  EXPECT_THAT(Replacement(38), EndedBeforeItsGrace("pawd", Millis{2s}));
  EXPECT_THAT(Replacement(39), Not(EndedBeforeItsGrace("pawd", Millis{2s})));
  EXPECT_THAT(Replacement(38), Not(EndedBeforeItsGrace("other", Millis{2s})));
  EXPECT_THAT(Replacement(38), EndedCleanly("pawd", codes));
  EXPECT_THAT(Replacement(38, 143), Not(EndedCleanly("pawd", codes)));
  EXPECT_THAT(Replacement(38, 137), Not(EndedCleanly("pawd", std::vector<int>{0, 137})));
  EXPECT_THAT(Replacement(38), Not(EndedCleanly("other", codes)));
}

ObservedReplacement Served(Millis last) {
  ObservedReplacement seen = Replacement(38);
  const kube::SystemTime left{100s};
  seen.left_endpoints = left;
  for (int i = -3; i < 0; ++i) seen.health.push_back({.at = left + i * 100ms, .ok = true});
  seen.health.push_back({.at = left + last, .ok = true});
  seen.health.push_back({.at = left + last + 100ms, .ok = false});
  return seen;
}

TEST(Replacement, ServesForATimeAfterItLeft) {
  using testing::ServedAfterRemovalFor;
  EXPECT_THAT(Served(3s), ServedAfterRemovalFor(Millis{3s}));
  EXPECT_THAT(Served(2999ms), Not(ServedAfterRemovalFor(Millis{3s})));
  ObservedReplacement never_asked = Served(3s);
  never_asked.health.erase(never_asked.health.begin());
  EXPECT_THAT(never_asked, Not(ServedAfterRemovalFor(Millis{3s})));
  ObservedReplacement never_left = Served(3s);
  never_left.left_endpoints.reset();
  EXPECT_THAT(never_left, Not(ServedAfterRemovalFor(Millis{3s})));
}

TEST(Replacement, KeepsClaimAndDataOrSaysWhatItFound) {
  using testing::KeepsItsClaim;
  using testing::KeepsItsData;
  ObservedReplacement seen = Replacement(38);
  seen.claim_before = seen.claim_after = {.claim = "c", .uid = "u", .volume = "pv"};
  seen.mark = "m";
  seen.mark_in_next = "m";
  EXPECT_THAT(seen, KeepsItsClaim());
  EXPECT_THAT(seen, KeepsItsData());
  seen.claim_after.volume = "other";
  EXPECT_THAT(seen, Not(KeepsItsClaim()));
  seen.claim_before = seen.claim_after = {};
  EXPECT_THAT(seen, Not(KeepsItsClaim()));
  seen.mark_in_next.reset();
  EXPECT_THAT(seen, Not(KeepsItsData()));
  seen.mark = "";
  seen.mark_in_next = "";
  EXPECT_THAT(seen, Not(KeepsItsData()));
}

TEST(Replacement, SurvivesItsJson) {
  ObservedReplacement seen = Served(3s);
  seen.blocks = {.told_by = "v-1", .blocks = {{.height = {7}, .time = kube::SystemTime(70s)}}};
  seen.mark_in_next = "m";
  seen.pod.ready_at = SteadyTime(12345ns);
  const auto again = ObservedReplacement::FromJson(Json::parse(seen.ToJson().dump()));
  EXPECT_EQ(again.ToJson(), seen.ToJson());
  EXPECT_EQ(again.pod.ready_at, seen.pod.ready_at);
  EXPECT_EQ(again.ServedAfterRemoval(), seen.ServedAfterRemoval());
  EXPECT_THROW(ObservedReplacement::FromJson(Json::object()), Json::exception);
}

kube::Object Slice(const std::string& name, const std::string& uid, bool ready) {
  return kube::Object(
      {{"metadata", {{"name", name}}},
       {"endpoints", Json::array({{{"addresses", {"10.0.0.1"}},
                                   {"conditions", {{"ready", ready}}},
                                   {"targetRef", {{"kind", "Pod"}, {"uid", uid}}}}})}});
}
kube::Change Seen(const kube::Object& object, int second) {
  return {.type = kube::Change::Type::kModified,
          .object = object,
          .wall = kube::SystemTime(std::chrono::seconds(second))};
}

TEST(WhenNotReady, IsWhenTheLastSliceLeavesItOut) {
  const std::vector<kube::Object> both = {Slice("s1", "a", true), Slice("s2", "a", true)};
  const std::vector<kube::Change> changes = {Seen(Slice("s1", "b", true), 1),
                                             Seen(Slice("s2", "a", false), 2),
                                             Seen(Slice("s2", "c", true), 3)};
  EXPECT_EQ(WhenNotReady(both, changes, "a"), kube::SystemTime(2s));
  EXPECT_EQ(WhenNotReady(both, {changes[0]}, "a"), std::nullopt);
  EXPECT_EQ(WhenNotReady({}, changes, "a"), std::nullopt);
}

TEST(ClaimAt, FollowsTheMountToItsVolume) {
  const Json spec = {
      {"containers",
       {{{"name", "pawd"},
         {"volumeMounts",
          {{{"name", "scratch"}, {"mountPath", "/tmp"}},
           {{"name", "data"}, {"mountPath", "/data"}}}}}}},
      {"volumes",
       {{{"name", "scratch"}, {"emptyDir", Json::object()}},
        {{"name", "data"}, {"persistentVolumeClaim", {{"claimName", "data-v-0"}}}}}}};
  const kube::Pod pod(kube::Object(Json{{"spec", spec}}));
  EXPECT_EQ(ClaimAt(pod, "pawd", "/data"), "data-v-0");
  EXPECT_EQ(ClaimAt(pod, "pawd", "/tmp"), "");
  EXPECT_EQ(ClaimAt(pod, "side", "/data"), "");
}

class RehearsalTest : public ::testing::Test {
 protected:
  RehearsalTest() {
    profile_.validators.name = "v";
    profile_.genesis.digest_map = "genesis";
    profile_.genesis.digest_key = "SHA";
    profile_.storage.claim = "data";
    profile_.storage.path = "/data";
  }
  [[nodiscard]] absl::StatusOr<Json> Manifest(const Rehearsal& rehearsal) const {
    return RehearsalManifest(profile_, spec_, *OwnPodManifest("pawk8s-x", spec_, "pawd", {}),
                             rehearsal);
  }

  Profile profile_;
  Json spec_ = {
      {"initContainers",
       {{{"name", "verify"},
         {"env",
          {{{"name", "WANTED"},
            {"valueFrom", {{"configMapKeyRef", {{"name", "genesis"}, {"key", "SHA"}}}}}},
           {{"name", "OTHER"}, {"value", "1"}}}}},
        {{"name", "configure"}, {"envFrom", {{{"configMapRef", {{"name", "genesis"}}}}}}}}},
      {"containers", {{{"name", "pawd"}, {"image", "i"}, {"command", {"pawd", "start"}}}}},
      {"volumes", {{{"name", "keys"}, {"secret", {{"secretName", "k"}}}}}}};
};

TEST_F(RehearsalTest, RunsTheTemplatesInitContainersAndNoProgram) {
  const auto pod = Manifest({.what = "x"});
  ASSERT_TRUE(pod.ok());
  const Json& spec = pod->at("spec");
  EXPECT_EQ(spec.at("initContainers").size(), 2);
  EXPECT_EQ(spec.at("initContainers").at(0).at("env"), spec_["initContainers"][0]["env"]);
  EXPECT_EQ(spec.at("containers").at(0).at("command").at(0), "/bin/sh");
  EXPECT_EQ(spec.at("hostname"), "v-0");
  EXPECT_EQ(spec.at("restartPolicy"), "Never");
  EXPECT_EQ(spec.at("volumes").at(0), (Json{{"name", "data"}, {"emptyDir", Json::object()}}));
  EXPECT_EQ(spec.at("volumes").at(1), spec_["volumes"][0]);
}

TEST_F(RehearsalTest, TellsThemAnotherDigestWhereverTheyTakeItFrom) {
  const auto pod = Manifest({.what = "x", .genesis_digest = "d"});
  ASSERT_TRUE(pod.ok());
  const Json& init = pod->at("spec").at("initContainers");
  EXPECT_EQ(init.at(0).at("env").at(0), (Json{{"name", "WANTED"}, {"value", "d"}}));
  EXPECT_EQ(init.at(1).at("env").at(0), (Json{{"name", "SHA"}, {"value", "d"}}));
  spec_["initContainers"] = {{{"name", "verify"}}};
  EXPECT_TRUE(absl::IsNotFound(Manifest({.what = "x", .genesis_digest = "d"}).status()));
}

TEST_F(RehearsalTest, SeedsTheVolumeFirst) {
  const auto pod = Manifest({.what = "x", .seed = {{"/data/config/genesis.json", "{}"}}});
  ASSERT_TRUE(pod.ok());
  const Json& seed = pod->at("spec").at("initContainers").at(0);
  EXPECT_EQ(seed.at("name"), "seed");
  EXPECT_THAT(seed.at("command").at(2).get<std::string>(),
              HasSubstr("'/data/config/genesis.json'"));
}

TEST(Rehearsed, IsCompletedOrStopped) {
  const auto status = [](const Json& json) {
    return kube::Pod(kube::Object(Json{{"status", {{"initContainerStatuses", json}}}}))
        .init_container_statuses();
  };
  const Json waiting = {{"name", "configure"},
                        {"state", {{"waiting", {{"reason", "PodInitializing"}}}}}};
  const Rehearsed done{.init = status({Ended("verify", 1, 2), Ended("configure", 2, 3)})};
  const Rehearsed stopped{.init = status({Ended("verify", 1, 2, 1), waiting})};
  const Rehearsed passed_on{.init = status({Ended("verify", 1, 2, 1), Ended("configure", 2, 3)})};
  EXPECT_THAT(WhyNotCompleted(done, {"verify", "configure"}), IsEmpty());
  EXPECT_THAT(WhyNotCompleted(stopped, {"verify", "configure"}), Not(IsEmpty()));
  EXPECT_THAT(WhyNotCompleted(done, {"other"}), Not(IsEmpty()));
  EXPECT_THAT(WhyNotStopped(stopped, "verify", "configure"), IsEmpty());
  EXPECT_THAT(WhyNotStopped(done, "verify", "configure"), Eq("verify ended with exit code 0"));
  EXPECT_THAT(WhyNotStopped(passed_on, "verify", "configure"), Eq("configure ran all the same"));
}

TEST(AnotherGenesis, DiffersInOneBalance) {
  const std::string genesis =
      R"({"chain_id":"c","app_state":{"bank":{"balances":[{"coins":[{"amount":"5"}]}]}}})";
  const auto other = WithAnotherBalance(genesis);
  ASSERT_TRUE(other.ok());
  EXPECT_EQ(ChainIdOf(*other), "c");
  EXPECT_THAT(*other, HasSubstr(R"("amount": "15")"));
  EXPECT_TRUE(absl::IsInvalidArgument(WithAnotherBalance("{}").status()));
  EXPECT_NE(WithAnotherDigit("ab"), "ab");
  EXPECT_EQ(WithAnotherDigit("ab").size(), 2U);
}

}  // namespace
}  // namespace pawk8s
