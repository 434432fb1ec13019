// A leftover of each kind, planted on a live deployment, is found by the baseline and named.
#include <gmock/gmock.h>

#include <memory>
#include <string>

#include "kube/test_util.h"
#include "pawk8s/deployment/baseline.h"

namespace pawk8s::selftest {
namespace {

using kube::Json;
using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;

Deadline Within() { return In(std::chrono::seconds(30)); }

class Leftovers : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_OK_AND_ASSIGN(profile_, Profile::FromEnvironment());
    ASSERT_OK_AND_ASSIGN(paw_, Deployment::Connect(profile_));
    ASSERT_OK_AND_ASSIGN(before_, Baseline::Read(*paw_, Within()));
    ASSERT_THAT(before_.Problems(), IsEmpty());
  }
  std::vector<std::string> Lost() {
    const auto now = Baseline::Read(*paw_, Within());
    EXPECT_THAT(now, IsOk());
    return now.ok() ? before_.LostSince(*now) : std::vector<std::string>{};
  }
  // Creates, looks, deletes, looks again.
  void ExpectFoundWhenMade(const kube::GroupVersionResource& kind, Json object) {
    const kube::Collection in{kind, kind.namespaced ? profile_.ns : ""};
    const kube::ObjectRef ref = in.Named("pawk8s-leftover");
    object["apiVersion"] = kind.ApiVersion();
    object["kind"] = kind.kind;
    object["metadata"]["name"] = ref.name;
    ASSERT_THAT(paw_->kube().Create(in, object, Within()), IsOk());
    EXPECT_THAT(Lost(), Contains(HasSubstr("pawk8s-leftover was left behind")));
    ASSERT_THAT(paw_->kube().Delete(ref, Within(), {.grace = std::chrono::seconds(0)}), IsOk());
    EXPECT_THAT(Lost(), IsEmpty());
  }
  // Merges `change`, looks, merges `back`, looks again.
  void ExpectFoundWhenChanged(const kube::ObjectRef& ref, const Json& change, const Json& back) {
    ASSERT_THAT(paw_->kube().Patch(ref, kube::PatchType::kMerge, change, Within()), IsOk());
    EXPECT_THAT(Lost(), Contains(HasSubstr(ref.name + " changed: /")));
    ASSERT_THAT(paw_->kube().Patch(ref, kube::PatchType::kMerge, back, Within()), IsOk());
    EXPECT_THAT(Lost(), IsEmpty());
  }
  static Json Label(const Json& value) {
    return {{"metadata", {{"labels", {{"pawk8s.dev/leftover", value}}}}}};
  }
  static Json Annotation(const Json& value) {
    return {{"metadata", {{"annotations", {{"pawk8s.dev/leftover", value}}}}}};
  }

  Profile profile_;
  std::unique_ptr<Deployment> paw_;
  Baseline before_;
};

TEST_F(Leftovers, OfAQuietDeploymentThereAreNone) { EXPECT_THAT(Lost(), IsEmpty()); }

TEST_F(Leftovers, ConfigMap) { ExpectFoundWhenMade(kube::kConfigMaps, {{"data", {{"a", "b"}}}}); }

TEST_F(Leftovers, Service) {
  ExpectFoundWhenMade(kube::kServices, {{"spec", {{"ports", {{{"port", 80}}}}}}});
}

TEST_F(Leftovers, ServiceAccount) { ExpectFoundWhenMade(kube::kServiceAccounts, Json::object()); }

TEST_F(Leftovers, NetworkPolicy) {
  ExpectFoundWhenMade(kube::kNetworkPolicies,
                      {{"spec", {{"podSelector", {{"matchLabels", {{"no", "pod"}}}}}}}});
}

TEST_F(Leftovers, DisruptionBudget) {
  ExpectFoundWhenMade(
      kube::kPodDisruptionBudgets,
      {{"spec", {{"maxUnavailable", 1}, {"selector", {{"matchLabels", {{"no", "pod"}}}}}}}});
}

TEST_F(Leftovers, Quota) {
  ExpectFoundWhenMade(kube::kResourceQuotas, {{"spec", {{"hard", {{"pods", "1000"}}}}}});
}

TEST_F(Leftovers, StorageClass) {
  ExpectFoundWhenMade(kube::kStorageClasses, {{"provisioner", "example.invalid"}});
}

TEST_F(Leftovers, ChangedStatefulSet) {
  const kube::ObjectRef set{kube::kStatefulSets, profile_.ns, profile_.validators.name};
  ExpectFoundWhenChanged(set, Annotation("x"), Annotation(nullptr));
}

TEST_F(Leftovers, ChangedDeployment) {
  const kube::ObjectRef ref{kube::kDeployments, profile_.ns, profile_.api.name};
  ExpectFoundWhenChanged(ref, {{"spec", {{"minReadySeconds", 1}}}},
                         {{"spec", {{"minReadySeconds", nullptr}}}});
}

TEST_F(Leftovers, CordonedNode) {
  const auto nodes = paw_->kube().List({kube::kNodes}, Within());
  ASSERT_THAT(nodes, IsOk());
  const kube::ObjectRef node{kube::kNodes, "", nodes->items.back().name()};
  ExpectFoundWhenChanged(node, {{"spec", {{"unschedulable", true}}}},
                         {{"spec", {{"unschedulable", nullptr}}}});
  ExpectFoundWhenChanged(node, Label("x"), Label(nullptr));
}

TEST_F(Leftovers, ChangedClaimAndVolume) {
  const auto claims = paw_->kube().List({kube::kPersistentVolumeClaims, profile_.ns}, Within());
  ASSERT_THAT(claims, IsOk());
  ASSERT_FALSE(claims->items.empty());
  const kube::Object& claim = claims->items.front();
  ExpectFoundWhenChanged({kube::kPersistentVolumeClaims, profile_.ns, claim.name()}, Label("x"),
                         Label(nullptr));
  const std::string volume = kube::FindString(claim.json(), {"spec", "volumeName"}).value_or("");
  const kube::ObjectRef ref{kube::kPersistentVolumes, "", volume};
  ExpectFoundWhenChanged(ref, {{"spec", {{"persistentVolumeReclaimPolicy", "Delete"}}}},
                         {{"spec", {{"persistentVolumeReclaimPolicy", "Retain"}}}});
}

TEST_F(Leftovers, PodOfOnesOwn) {
  ExpectFoundWhenMade(
      kube::kPods,
      {{"spec",
        {{"nodeSelector", {{"no", "node"}}},
         {"securityContext",
          {{"runAsNonRoot", true}, {"seccompProfile", {{"type", "RuntimeDefault"}}}}},
         {"containers",
          {{{"name", "c"},
            {"image", "example.invalid/none"},
            {"resources",
             {{"requests", {{"cpu", "10m"}, {"memory", "16Mi"}}},
              {"limits", {{"cpu", "10m"}, {"memory", "16Mi"}}}}},
            {"securityContext",
             {{"allowPrivilegeEscalation", false}, {"capabilities", {{"drop", {"ALL"}}}}}}}}}}}});
}

}  // namespace
}  // namespace pawk8s::selftest
