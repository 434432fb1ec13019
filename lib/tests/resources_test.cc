// What is judged of limits, processor time and quotas, from made-up specs, cgroups and objects.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "pawk8s/deployment/cpu_use.h"
#include "pawk8s/deployment/quota.h"
#include "pawk8s/testing/resource_matchers.h"

namespace pawk8s {
namespace {

using kube::Json;
using kube::Quantity;
using ::testing::ElementsAre;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;
using namespace std::chrono_literals;

ContainerLimits Limited(std::int64_t quota_us, std::int64_t memory) {
  const Json spec = {
      {"containers", Json::array({{{"name", "pawd"},
                                   {"resources",
                                    {{"requests", {{"cpu", "100m"}, {"memory", "192Mi"}}},
                                     {"limits", {{"cpu", "250m"}, {"memory", "512Mi"}}}}}}})}};
  return {.pod = "v-0",
          .declared = kube::ContainersOf(spec).front(),
          .enforced = {.cpu_quota_us = quota_us, .cpu_period_us = 100'000, .memory_limit = memory}};
}
constexpr std::int64_t kMemory = 512LL * 1024 * 1024;

TEST(ContainerLimits, AreEnforcedUpToRounding) {
  using testing::IsHeldToItsLimits;
  EXPECT_THAT(Limited(25'000, kMemory), IsHeldToItsLimits());
  EXPECT_THAT(Limited(26'000, kMemory), IsHeldToItsLimits()) << "as systemd rounds";
  EXPECT_THAT(Limited(26'001, kMemory), Not(IsHeldToItsLimits()));
  EXPECT_THAT(Limited(24'999, kMemory), IsHeldToItsLimits());
  EXPECT_THAT(Limited(24'998, kMemory), Not(IsHeldToItsLimits()));
  EXPECT_THAT(Limited(25'000, kMemory - 65535), IsHeldToItsLimits()) << "as large pages round";
  EXPECT_THAT(Limited(25'000, kMemory - 65536), Not(IsHeldToItsLimits()));
  EXPECT_THAT(Limited(25'000, kMemory + 1), Not(IsHeldToItsLimits()));
}

TEST(ContainerLimits, MustAllBeDeclaredAndThere) {
  ContainerLimits limits = Limited(25'000, kMemory);
  limits.enforced.cpu_quota_us.reset();
  EXPECT_THAT(WhyNotEnforced(limits), Eq("its cgroup has no CPU limit"));
  limits = Limited(25'000, kMemory);
  limits.enforced.memory_limit.reset();
  EXPECT_THAT(WhyNotEnforced(limits), Eq("its cgroup has no memory limit"));
  EXPECT_THAT(limits, Not(testing::IsHeldToItsMemoryLimit()));
  limits = Limited(25'000, kMemory);
  EXPECT_THAT(limits, testing::IsHeldToItsMemoryLimit());
  limits.declared.requests.erase("memory");
  EXPECT_THAT(WhyNotEnforced(limits), Eq("it declares no request of memory"));
  limits.declared.limits.erase("cpu");
  EXPECT_THAT(WhyNotEnforced(limits), Eq("it declares no limit of cpu"));
}

CpuUse Used(Millis used, std::int64_t throttled, std::int64_t periods = 100) {
  return {.pod = "v-0",
          .container = "pawd",
          .limit = Quantity{1000},
          .over = 10s,
          .used = used,
          .periods = periods,
          .throttled = throttled};
}

TEST(CpuUse, IsComparedWithTheLimit) {
  using testing::UsesAtMost;
  EXPECT_THAT(Used(11s, 1), UsesAtMost(Percent{110}));
  EXPECT_THAT(Used(11'001ms, 1), Not(UsesAtMost(Percent{110})));
  CpuUse use = Used(1s, 1);
  use.limit.reset();
  EXPECT_THAT(use, Not(UsesAtMost(Percent{110})));
  use = Used(0s, 0);
  use.over = 0s;
  EXPECT_THAT(use, Not(UsesAtMost(Percent{110}))) << "nothing was measured";
  EXPECT_THAT(Used(1s, 1), testing::IsThrottled());
  EXPECT_THAT(Used(1s, 0), Not(testing::IsThrottled()));
}

TEST(CpuUse, TellsWhetherAllWasAskedFor) {
  EXPECT_TRUE(WasAskedForAll(Used(9s, 0)));
  EXPECT_FALSE(WasAskedForAll(Used(8'999ms, 0))) << "a machine that is full, or no thread";
  EXPECT_TRUE(WasAskedForAll(Used(5s, 1))) << "held back, on a machine that is full";
  EXPECT_FALSE(WasAskedForAll(Used(4'999ms, 1))) << "what the program alone can bring about";
  CpuUse unlimited = Used(5s, 0);
  unlimited.limit.reset();
  EXPECT_TRUE(WasAskedForAll(unlimited));
  unlimited.used = 4'999ms;
  EXPECT_FALSE(WasAskedForAll(unlimited));
}

TEST(CpuUse, ThrottlingIsAShareOfPeriods) {
  using testing::IsThrottledAtMost;
  EXPECT_THAT(Used(1s, 10), IsThrottledAtMost(Percent{10}));
  EXPECT_THAT(Used(1s, 11), Not(IsThrottledAtMost(Percent{10})));
  EXPECT_THAT(Used(1s, 0, 0), Not(IsThrottledAtMost(Percent{10}))) << "no period passed";
}

TEST(CpuUse, IsWhatGrewBetweenTwoReadings) {
  const kube::Pod pod(kube::Object(
      {{"metadata", {{"name", "v-0"}}},
       {"spec",
        {{"containers",
          Json::array({{{"name", "pawd"}, {"resources", {{"limits", {{"cpu", "2"}}}}}}})}}}}));
  const agent::CgroupFacts before{
      .taken_ms = 1000, .cpu_usage_us = 5000, .periods = 7, .throttled_periods = 1};
  const agent::CgroupFacts after{
      .taken_ms = 3000, .cpu_usage_us = 1'005'000, .periods = 17, .throttled_periods = 3};
  const CpuUse use = UseBetween(pod, "pawd", before, after);
  EXPECT_EQ(use.limit, Quantity{2000});
  EXPECT_DOUBLE_EQ(use.Processors(), 0.5);
  EXPECT_DOUBLE_EQ(use.ThrottledPercent(), 20);
  EXPECT_EQ(UseBetween(pod, "side", before, after).limit, std::nullopt);
}

TEST(Signing, EveryValidatorSignsMoreThanHalf) {
  using testing::IsSignedByAll;
  EXPECT_THAT((SignedBlocks{.by_pod = {{"v-0", 0}}}), Not(IsSignedByAll())) << "no block";
  EXPECT_THAT((SignedBlocks{.blocks = 3}), Not(IsSignedByAll())) << "no validator";
  EXPECT_THAT((SignedBlocks{.blocks = 3, .by_pod = {{"v-0", 3}, {"v-1", 2}}}), IsSignedByAll());
  EXPECT_THAT((SignedBlocks{.blocks = 4, .by_pod = {{"v-0", 4}, {"v-1", 2}}}),
              Not(IsSignedByAll()));
}

TEST(Signing, IsCountedByPod) {
  const SigningHistory history{
      .validators = {{"A", "v-0"}, {"B", "v-1"}},
      .commits = {{.signers = {{"A"}, {"B"}}}, {.signers = {{"A"}}}, {.signers = {{"A"}}}}};
  EXPECT_THAT(history.SignedByPod(), UnorderedElementsAre(Pair("v-0", 3), Pair("v-1", 1)));
}

Json Amount(const char* cpu, const char* memory, const char* pods) {
  return {{"requests.cpu", cpu}, {"requests.memory", memory}, {"pods", pods}};
}
kube::Object QuotaObject(const Json& hard, const Json& status_hard, const Json& used) {
  return kube::Object({{"metadata", {{"name", "q"}}},
                       {"spec", {{"hard", hard}}},
                       {"status", {{"hard", status_hard}, {"used", used}}}});
}

TEST(Quota, HasCountedWhenItsStatusIsThatOfItsSpec) {
  using testing::HasCounted;
  const Json hard = Amount("4", "8Gi", "30");
  const Json used = Amount("550m", "1Gi", "8");
  const Quota quota = QuotaOf(QuotaObject(hard, hard, used));
  EXPECT_THAT(quota, HasCounted());
  EXPECT_EQ(quota.Left("cpu"), Quantity{3450});
  EXPECT_EQ(quota.Left("storage"), std::nullopt);
  EXPECT_THAT(QuotaOf(QuotaObject(hard, Amount("4", "9Gi", "30"), used)), Not(HasCounted()));
  EXPECT_THAT(QuotaOf(QuotaObject(hard, hard, {{"pods", "8"}})), Not(HasCounted()));
}

TEST(Quota, SharesOfARequestFitTheLargestContainer) {
  EXPECT_THAT(SharesOf({3451}, std::nullopt), ElementsAre(Quantity{3451}));
  EXPECT_THAT(SharesOf({2000}, Quantity{1000}), ElementsAre(Quantity{1000}, Quantity{1000}));
  EXPECT_THAT(SharesOf({2001}, Quantity{1000}),
              ElementsAre(Quantity{1000}, Quantity{1000}, Quantity{1}));
  const kube::Object range(
      Json{{"spec",
            {{"limits", Json::array({{{"type", "Container"}, {"max", {{"cpu", "2"}}}},
                                     {{"type", "Container"}, {"max", {{"cpu", "500m"}}}},
                                     {{"type", "Pod"}, {"max", {{"cpu", "100m"}}}}})}}}});
  EXPECT_EQ(MostAllowed({range}, "cpu"), Quantity{500});
  EXPECT_EQ(MostAllowed({range}, "memory"), std::nullopt);
}

kube::Object Workload() {
  return kube::Object(Json::parse(R"({
    "metadata": {"name": "v"},
    "spec": {"serviceName": "s", "replicas": 4,
      "template": {"metadata": {"labels": {"app": "v"}},
        "spec": {"containers": [{"name": "pawd", "resources": {"requests": {"cpu": "100m", "memory": "192Mi"}}}],
                 "initContainers": [{"name": "i", "resources": {"requests": {"cpu": "200m"}}}]}},
      "volumeClaimTemplates": [{"metadata": {"name": "data"},
                                "spec": {"resources": {"requests": {"storage": "1Gi"}}}}]}})"));
}

TEST(Quota, NextPodIsWhatTheControllerWouldMake) {
  const Json pod = NextPodManifest(Workload(), 4);
  EXPECT_EQ(pod.at("metadata").at("name"), "v-4");
  EXPECT_EQ(pod.at("metadata").at("labels").at("app"), "v");
  EXPECT_EQ(pod.at("spec").at("volumes").at(0).at("persistentVolumeClaim").at("claimName"),
            "data-v-4");
  const Amounts use = UseOfNextPod(Workload());
  EXPECT_EQ(use.at("requests.cpu"), Quantity{200}) << "its init container asks for more";
  EXPECT_EQ(use.at("pods"), Quantity{1000});
  EXPECT_EQ(use.at("persistentvolumeclaims"), Quantity{1000});
  EXPECT_EQ(use.at("requests.storage"), Quantity{(1LL << 30) * 1000});
}

QuotaUse Use() {
  const auto pod = [](const char* phase) {
    return kube::Object(Json{
        {"spec",
         {{"containers",
           Json::array({{{"name", "c"},
                         {"resources", {{"requests", {{"cpu", "300m"}, {"memory", "1Gi"}}}}}}})}}},
        {"status", {{"phase", phase}}}});
  };
  const Json hard = Amount("1", "4Gi", "3");
  return {.quota = QuotaOf(QuotaObject(hard, hard, Amount("600m", "2Gi", "2"))),
          .counted = CountedUse({pod("Running"), pod("Pending"), pod("Succeeded")}, {}, 1, 1),
          .next = {{"requests.cpu", {400}}, {"pods", {1000}}}};
}

TEST(QuotaUse, CountsPodsThatHaveNotEnded) {
  EXPECT_THAT(Use(), testing::CountsWhatIsThere());
  QuotaUse use = Use();
  use.quota.used["requests.cpu"] = Quantity{599};
  EXPECT_THAT(WhyNotCounted(use), Eq("requests.cpu used is 599m, and 600m is there"));
  use = Use();
  use.quota.hard.erase("requests.memory");
  EXPECT_THAT(WhyNotCounted(use), Eq("it has no key requests.memory"));
  use = Use();
  use.quota.hard["services"] = use.quota.used["services"] = Quantity{0};
  use.counted["services"] = Quantity{0};
  EXPECT_THAT(WhyNotCounted(use), Eq("nothing of services is used"));
  use = Use();
  use.quota.lags = "late";
  EXPECT_THAT(use, Not(testing::CountsWhatIsThere()));
}

TEST(QuotaUse, HasRoomForTheNextPods) {
  using testing::HasRoomForTheNextPods;
  EXPECT_THAT(Use(), HasRoomForTheNextPods()) << "to the last thousandth";
  QuotaUse use = Use();
  use.next["requests.cpu"] = Quantity{401};
  EXPECT_THAT(WhyNoRoom(use), HasSubstr("of requests.cpu 600m is used, 401m more is needed"));
  use = Use();
  use.next["pods"] = Quantity{2000};
  EXPECT_THAT(use, Not(HasRoomForTheNextPods()));
  EXPECT_THAT(QuotaUse{}, Not(HasRoomForTheNextPods()));
}

TEST(Admission, IsOneOrTheOther) {
  using testing::IsAdmitted;
  using testing::IsRefusedByQuota;
  const Admission admitted{.pod = "p", .admitted = true};
  const Admission over{.pod = "p", .over_quota = true, .refusal = "403: exceeded quota"};
  const Admission other{.pod = "p", .refusal = "403: violates PodSecurity"};
  EXPECT_THAT(admitted, IsAdmitted());
  EXPECT_THAT(admitted, Not(IsRefusedByQuota()));
  EXPECT_THAT(over, IsRefusedByQuota());
  EXPECT_THAT(over, Not(IsAdmitted()));
  EXPECT_THAT(other, Not(IsRefusedByQuota()));
}

}  // namespace
}  // namespace pawk8s
