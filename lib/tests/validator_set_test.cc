// What is judged of the validators as a set: their order, their names in DNS.
#include <gmock/gmock.h>

#include "pawk8s/deployment/dns.h"
#include "pawk8s/deployment/scale_cycle.h"
#include "pawk8s/testing/stateful_set_matchers.h"

namespace pawk8s {
namespace {

using kube::Json;
using ::testing::Eq;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace std::chrono_literals;

SteadyTime At(int second) { return SteadyTime(std::chrono::seconds(second)); }

ScaleCycle Cycle() {
  return {.workload = "StatefulSet paw/v",
          .pods = {{"v-0", At(14), At(16), At(21), At(25)},
                   {"v-1", At(12), At(14), At(25), At(29)},
                   {"v-2", At(10), At(12), At(29), At(33)}},
          .down_at = At(10),
          .up_at = At(20),
          .blocks_after = Millis{2s}};
}

TEST(ScaleCycle, InOrderIsEachAtOnceAfterTheOther) {
  const ScaleCycle cycle = Cycle();
  EXPECT_THAT(cycle.WhyNotReverseOrder(), IsEmpty());
  EXPECT_THAT(cycle.WhyNotOrder(), IsEmpty());
}

TEST(ScaleCycle, TheFirstThatComesTooEarlyIsNamed) {
  ScaleCycle cycle = Cycle();
  cycle.pods[0].deleted = At(14) - 1ms;
  EXPECT_THAT(cycle.WhyNotReverseOrder(), Eq("the deletion of v-0 began before v-1 was gone"));
  cycle.pods[2].created = At(29) - 1ms;
  EXPECT_THAT(cycle.WhyNotOrder(), Eq("v-2 was created before v-1 was Ready"));
}

TEST(ScaleCycle, WhatNeverHappenedIsNotInOrder) {
  ScaleCycle cycle = Cycle();
  cycle.pods[1].gone.reset();
  EXPECT_THAT(cycle.WhyNotReverseOrder(), Not(IsEmpty()));
  EXPECT_EQ(cycle.AllGoneAfter(), std::nullopt);
  cycle.pods[1].created.reset();
  EXPECT_THAT(cycle.WhyNotOrder(), Eq("v-1 was never created"));
  cycle.pods[2].ready.reset();
  EXPECT_EQ(cycle.AllReadyAfter(), std::nullopt);
}

TEST(ScaleCycle, IsMeasuredFromTheScalingToTheLast) {
  using testing::MadeBlocksWithin;
  using testing::WasGoneWithin;
  using testing::WasReadyWithin;
  EXPECT_THAT(Cycle(), WasGoneWithin(Millis{6s}));
  EXPECT_THAT(Cycle(), Not(WasGoneWithin(Millis{5999ms})));
  EXPECT_THAT(Cycle(), WasReadyWithin(Millis{13s}));
  EXPECT_THAT(Cycle(), Not(WasReadyWithin(Millis{12999ms})));
  EXPECT_THAT(Cycle(), MadeBlocksWithin(Millis{2s}));
  EXPECT_THAT(Cycle(), Not(MadeBlocksWithin(Millis{1999ms})));
}

TEST(ScaleCycle, SurvivesItsJson) {
  ScaleCycle cycle = Cycle();
  cycle.pods[2].ready.reset();
  const auto again = ScaleCycle::FromJson(Json::parse(cycle.ToJson().dump()));
  EXPECT_EQ(again.ToJson(), cycle.ToJson());
  EXPECT_EQ(again.AllGoneAfter(), cycle.AllGoneAfter());
  EXPECT_THROW(ScaleCycle::FromJson(Json::object()), Json::exception);
}

kube::Change Change(kube::Change::Type type, const std::string& uid, int second, bool deleting,
                    bool ready = false) {
  Json pod = {
      {"metadata", {{"name", "v-0"}, {"uid", uid}}},
      {"status",
       {{"conditions", Json::array({{{"type", "Ready"}, {"status", ready ? "True" : "False"}}})}}}};
  if (deleting) pod["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z";
  return {.type = type, .object = kube::Object(pod), .at = At(second)};
}

TEST(ScaleCycle, FollowsThePodsOfBothLives) {
  using Type = kube::Change::Type;
  ScaleCycle cycle{.pods = {{.pod = "v-0"}}};
  const std::vector<kube::Change> changes = {
      Change(Type::kModified, "a", 1, false, true), Change(Type::kModified, "a", 2, true, true),
      Change(Type::kModified, "a", 3, true),        Change(Type::kDeleted, "a", 4, true),
      Change(Type::kAdded, "b", 5, false),          Change(Type::kModified, "b", 6, false, true),
      Change(Type::kModified, "b", 7, false, true)};
  Follow(changes, {"a"}, cycle);
  EXPECT_EQ(cycle.pods[0].deleted, At(2));
  EXPECT_EQ(cycle.pods[0].gone, At(4));
  EXPECT_EQ(cycle.pods[0].created, At(5));
  EXPECT_EQ(cycle.pods[0].ready, At(6));
}

TEST(Coverage, IsOfExactlyTheValidatorsByOneBudget) {
  using testing::AllowsDisruptions;
  using testing::CoversExactlyTheValidators;
  const BudgetCoverage sound{.budget = "b",
                             .replicas = 4,
                             .owned = 4,
                             .disruptions_allowed = 1,
                             .current_healthy = 4,
                             .desired_healthy = 3};
  EXPECT_THAT(sound, CoversExactlyTheValidators());
  EXPECT_THAT(sound, AllowsDisruptions(1));
  EXPECT_THAT(sound, Not(AllowsDisruptions(2)));
  for (auto list :
       {&BudgetCoverage::unprotected, &BudgetCoverage::strangers, &BudgetCoverage::also_by}) {
    BudgetCoverage other = sound;
    other.*list = {"x"};
    EXPECT_THAT(other, Not(CoversExactlyTheValidators()));
  }
  BudgetCoverage fewer = sound;
  fewer.owned = 3;
  fewer.disruptions_allowed = 2;
  EXPECT_THAT(fewer, Not(CoversExactlyTheValidators()));
  EXPECT_THAT(fewer, Not(AllowsDisruptions(1)));
}

ObservedMove Move() {
  const kube::Pod pod{
      kube::Object({{"metadata", {{"name", "v-3"}}}, {"status", {{"podIP", "10.0.0.9"}}}})};
  return {.pod = {.old_pod = pod, .last_of_old = pod, .new_pod = pod},
          .witness = "v-0",
          .id_before = {"aa"},
          .id_after = {"aa"},
          .peer_found = Millis{30s},
          .servers = {{.address = "10.0.1.1", .followed = Millis{40s}, .last = {}},
                      {.address = "10.0.1.2", .followed = Millis{1s}, .last = {}}}};
}

TEST(Move, AllServersMustFollowInTime) {
  using testing::IsFollowedByDnsWithin;
  ObservedMove move = Move();
  EXPECT_THAT(move, IsFollowedByDnsWithin(Millis{40s}));
  EXPECT_THAT(move, Not(IsFollowedByDnsWithin(Millis{39999ms})));
  move.servers[1].followed.reset();
  EXPECT_THAT(move, Not(IsFollowedByDnsWithin(Millis{40s})));
  move.servers.clear();
  EXPECT_THAT(move, Not(IsFollowedByDnsWithin(Millis{40s})));
}

TEST(Move, TheIdStaysAndIsFoundInTime) {
  using testing::IsFoundByItsPeerWithin;
  using testing::KeepsItsNodeId;
  ObservedMove move = Move();
  EXPECT_THAT(move, KeepsItsNodeId());
  EXPECT_THAT(move, IsFoundByItsPeerWithin(Millis{30s}));
  EXPECT_THAT(move, Not(IsFoundByItsPeerWithin(Millis{29999ms})));
  move.peer_found.reset();
  EXPECT_THAT(move, Not(IsFoundByItsPeerWithin(Millis{30s})));
  move.id_after = {"bb"};
  EXPECT_THAT(move, Not(KeepsItsNodeId()));
  move.id_before = move.id_after = {};
  EXPECT_THAT(move, Not(KeepsItsNodeId()));
}

TEST(Move, SurvivesItsJson) {
  ObservedMove move = Move();
  move.servers[1].followed.reset();
  move.servers[1].last = {.name = "n", .rcode = "NOERROR", .values = {"10.0.0.3"}, .ttl = 30};
  const auto again = ObservedMove::FromJson(Json::parse(move.ToJson().dump()));
  EXPECT_EQ(again.ToJson(), move.ToJson());
  EXPECT_THROW(ObservedMove::FromJson(Json::object()), Json::exception);
}

TEST(DnsNames, AreThoseOfTheHeadlessService) {
  Profile profile;
  profile.ns = "paw";
  profile.services.headless = "v-headless";
  EXPECT_EQ(HeadlessName(profile), "v-headless.paw.svc.cluster.local");
  EXPECT_EQ(DnsNameOf(profile, "v-3"), "v-3.v-headless.paw.svc.cluster.local");
}

}  // namespace
}  // namespace pawk8s
