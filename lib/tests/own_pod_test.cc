#include "pawk8s/deployment/own_pod.h"

#include <gmock/gmock.h>

#include "kube/test_util.h"

namespace pawk8s {
namespace {

using kube::Json;
using kube::Quantity;
using testing::HasSubstr;

const Json& Template() {
  static const auto* spec = new Json(Json::parse(R"({
    "securityContext": {"runAsNonRoot": true, "fsGroup": 1000},
    "tolerations": [{"key": "paw"}],
    "serviceAccountName": "paw-validator",
    "affinity": {"podAntiAffinity": {}},
    "initContainers": [{"name": "genesis-verifier"}],
    "volumes": [{"name": "keys"}],
    "containers": [
      {"name": "sidecar", "image": "s"},
      {"name": "pawd", "image": "registry/pawd@sha256:1", "command": ["pawd"],
       "securityContext": {"readOnlyRootFilesystem": true},
       "resources": {"requests": {"cpu": "4"}},
       "volumeMounts": [{"name": "keys", "mountPath": "/keys"}]}]})"));
  return *spec;
}

TEST(OwnPod, HasTheImageAndTheSecurityOfTheValidatorsAndNothingElse) {
  ASSERT_OK_AND_ASSIGN(const Json pod, OwnPodManifest("pawk8s-x", Template(), "pawd", {}));
  const Json& spec = pod.at("spec");
  const Json& own = spec.at("containers").at(0);
  EXPECT_EQ(own.at("image"), "registry/pawd@sha256:1");
  EXPECT_EQ(own.at("securityContext"), Template().at("containers").at(1).at("securityContext"));
  EXPECT_EQ(spec.at("securityContext"), Template().at("securityContext"));
  EXPECT_EQ(spec.at("tolerations"), Template().at("tolerations"));
  EXPECT_EQ(spec.at("automountServiceAccountToken"), false);
  for (const char* key : {"serviceAccountName", "affinity", "initContainers"}) {
    EXPECT_FALSE(spec.contains(key)) << key;
  }
  EXPECT_TRUE(spec.at("volumes").empty()) << "a validator's keys";
  EXPECT_TRUE(pod.at("metadata").at("labels").empty());
}

TEST(OwnPod, AsksForWhatTheLimitRangesDemand) {
  const auto range = [](const char* min) {
    return kube::Object(
        Json{{"spec",
              {{"limits", Json::array({{{"type", "Container"}, {"min", Json::parse(min)}},
                                       {{"type", "Pod"}, {"min", {{"cpu", "9"}}}}})}}}});
  };
  const auto least = LeastRequests(
      {range(R"({"cpu": "5m", "memory": "8Mi"})"), range(R"({"cpu": "60m", "storage": "1Gi"})")});
  EXPECT_EQ(least.at("cpu"), Quantity{60});
  ASSERT_OK_AND_ASSIGN(const Json pod, OwnPodManifest("p", Template(), "pawd", least));
  const Json& resources = pod.at("spec").at("containers").at(0).at("resources");
  EXPECT_EQ(resources.at("requests").at("cpu"), "60m");
  EXPECT_EQ(resources.at("requests").at("memory"), "33554432") << "more than demanded";
  EXPECT_EQ(resources.at("limits"), resources.at("requests"));
}

TEST(OwnPod, NeedsTheContainerThatItImitates) {
  EXPECT_THAT(OwnPodManifest("p", Template(), "other", {}),
              Fails(absl::StatusCode::kNotFound, HasSubstr("other")));
}

}  // namespace
}  // namespace pawk8s
