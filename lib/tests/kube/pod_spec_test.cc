#include "pawk8s/kube/pod_spec.h"

#include <gmock/gmock.h>

namespace pawk8s::kube {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

const Json& Spec() {
  static const auto* spec = new Json(Json::parse(R"({
    "initContainers": [{"name": "init", "resources": {"requests": {"cpu": "500m", "memory": "1Mi"}}}],
    "containers": [
      {"name": "pawd", "image": "i",
       "ports": [{"name": "rpc", "containerPort": 26657}],
       "resources": {"requests": {"cpu": "100m", "memory": "1Gi"}, "limits": {"cpu": 1, "x": {}}},
       "startupProbe": {"httpGet": {"path": "/h", "port": "rpc"}, "periodSeconds": 1,
                        "failureThreshold": 120},
       "readinessProbe": {"tcpSocket": {"port": 7}, "timeoutSeconds": 2},
       "livenessProbe": {"exec": {"command": ["true", "x"]}},
       "lifecycle": {"preStop": {"sleep": {"seconds": 5}}},
       "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
      {"name": "side", "resources": {"requests": {"cpu": "50m"}}}]})"));
  return *spec;
}

TEST(PodSpecTest, ReadsContainers) {
  const auto containers = ContainersOf(Spec());
  ASSERT_THAT(containers, SizeIs(2));
  const ContainerSpec* pawd = FindContainer(containers, "pawd");
  ASSERT_NE(pawd, nullptr);
  EXPECT_EQ(pawd->limits.at("cpu"), Quantity{1000});
  EXPECT_EQ(pawd->limits.count("x"), 0U) << "no quantity";
  EXPECT_TRUE(pawd->has_pre_stop);
  EXPECT_EQ(pawd->volume_mounts.at("data"), "/data");
  EXPECT_EQ(FindContainer(containers, "other"), nullptr);
}

TEST(PodSpecTest, ReadsProbesWithTheApisDefaults) {
  const auto containers = ContainersOf(Spec());
  const ContainerSpec& pawd = containers.front();
  ASSERT_TRUE(pawd.startup && pawd.readiness && pawd.liveness);
  EXPECT_EQ(pawd.startup->port, 26657) << "by the port's name";
  EXPECT_EQ(pawd.startup->path, "/h");
  EXPECT_EQ(pawd.startup->Budget(), std::chrono::seconds(121));
  EXPECT_EQ(pawd.readiness->kind, Probe::Kind::kTcp);
  EXPECT_EQ(pawd.readiness->Budget(), std::chrono::seconds(32));
  EXPECT_EQ(pawd.liveness->kind, Probe::Kind::kExec);
  EXPECT_THAT(pawd.liveness->command, ElementsAre("true", "x"));
  EXPECT_FALSE(containers.back().liveness.has_value());
}

TEST(PodSpecTest, CountsRequestsAsAQuotaDoes) {
  const auto requests = RequestsOf(Spec());
  EXPECT_EQ(requests.at("cpu"), Quantity{500}) << "the init container wants more than both";
  EXPECT_EQ(requests.at("memory"), *ParseQuantity("1Gi"));
}

TEST(PodSpecTest, NonsenseIsNothing) {
  for (const char* text :
       {"{}", "[]", "1", R"({"containers":{}})", R"({"containers":[1,"x",null]})",
        R"({"containers":[{"ports":1,"resources":[],"livenessProbe":[]}]})"}) {
    for (const ContainerSpec& container : ContainersOf(Json::parse(text))) {
      EXPECT_THAT(container.requests, IsEmpty()) << text;
    }
  }
}

}  // namespace
}  // namespace pawk8s::kube
