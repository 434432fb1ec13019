// What is applied for the agent, and how its client explains that it does not run.
#include "pawk8s/agent/daemon_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "fake/fake_api_server.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

using testing::HasSubstr;

const Options kOptions{.image = "registry.example/agent@sha256:00", .run_id = "r1"};

Deadline Soon() { return Deadline::After(std::chrono::seconds(10)); }

kube::Pod PodWith(const Json& status) {
  Json container = {{"name", "agent"}, {"restartCount", status.value("restartCount", 0)}};
  container["state"] = status["state"];
  if (status.contains("lastState")) container["lastState"] = status["lastState"];
  return kube::Pod(
      kube::Object(Json{{"metadata", {{"name", "a"}}},
                        {"spec", {{"nodeName", "worker-1"}}},
                        {"status", {{"containerStatuses", Json::array({container})}}}}));
}

std::string Why(const Json& status) {
  const absl::Status why = WhyNotRunning(PodWith(status), "registry.example/agent:1");
  EXPECT_TRUE(why.ok() || absl::IsFailedPrecondition(why)) << why;
  return std::string(MessageOf(why));
}

TEST(AgentManifests, AskForNoMoreThanTheyNeed) {
  const auto manifests = Manifests(kOptions);
  ASSERT_EQ(manifests.size(), 3u);
  EXPECT_EQ(manifests[0]["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "privileged");
  EXPECT_EQ(manifests[1]["automountServiceAccountToken"], false);
  const Json& spec = manifests[2]["spec"]["template"]["spec"];
  EXPECT_EQ(spec["automountServiceAccountToken"], false);
  EXPECT_EQ(spec["tolerations"], Json::parse(R"([{"operator":"Exists"}])"));
  ASSERT_EQ(spec["containers"].size(), 1u);
  const Json& container = spec["containers"][0];
  EXPECT_EQ(container["image"], kOptions.image);
  EXPECT_EQ(container["imagePullPolicy"], "IfNotPresent");
  EXPECT_EQ(container["args"], Json::array({"serve"}));
  EXPECT_FALSE(container.contains("ports"));
  const Json& security = container["securityContext"];
  EXPECT_FALSE(security.contains("privileged"));
  EXPECT_EQ(security["capabilities"]["drop"], Json::array({"ALL"}));
  EXPECT_EQ(security["capabilities"]["add"].size(), 7u);
  EXPECT_EQ(security["readOnlyRootFilesystem"], true);
  EXPECT_EQ(container["volumeMounts"].size(), spec["volumes"].size());
  EXPECT_FALSE(spec.contains("imagePullSecrets"));
}

TEST(AgentManifests, ATagIsPulledAnewAndASecretIsNamed) {
  Options options = kOptions;
  options.image = "registry.example/agent:1";
  options.pull_secret = "pull";
  const Json spec = Manifests(options)[2]["spec"]["template"]["spec"];
  EXPECT_EQ(spec["containers"][0]["imagePullPolicy"], "Always");
  EXPECT_EQ(spec["imagePullSecrets"], Json::parse(R"([{"name":"pull"}])"));
}

TEST(AgentStart, NamesTheImageThatCannotBePulled) {
  for (const char* reason : {"ErrImagePull", "ImagePullBackOff", "InvalidImageName"}) {
    const std::string why =
        Why({{"state", {{"waiting", {{"reason", reason}, {"message", "not found"}}}}}});
    EXPECT_THAT(why, HasSubstr("on node worker-1 cannot start: image registry.example/agent:1"));
    EXPECT_THAT(why, HasSubstr("not found"));
  }
}

TEST(AgentStart, WaitsForWhatMayStillCome) {
  EXPECT_EQ(Why({{"state", {{"waiting", {{"reason", "ContainerCreating"}}}}}}), "");
  EXPECT_EQ(Why({{"state", {{"running", {{"startedAt", "2026-01-01T00:00:00Z"}}}}}}), "");
  EXPECT_EQ(Why({{"state", {{"terminated", {{"exitCode", 1}}}}}, {"restartCount", 1}}), "");
}

TEST(AgentStart, TellsWhyItEndsAgainAndAgain) {
  const Json ended = {{"terminated", {{"exitCode", 1}, {"message", "no /state"}}}};
  EXPECT_THAT(Why({{"state", {{"waiting", {{"reason", "CrashLoopBackOff"}}}}},
                   {"lastState", ended},
                   {"restartCount", 3}}),
              HasSubstr("ends again and again: no /state"));
}

TEST(AgentClient, WithoutAnImageTouchesNothing) {
  fake::FakeApiServer api;
  Agent agents(kube::Client(api.config()), {.run_id = "r1"});
  const absl::Status none = agents.On("worker-1", Soon()).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(none)) << none;
  EXPECT_THAT(std::string(MessageOf(none)), HasSubstr("agent.image"));
}

TEST(AgentClient, LeavesANamespaceAloneThatIsNotItsOwn) {
  fake::FakeApiServer api;
  api.store().Put(
      "/api/v1/namespaces/pawk8s-agent",
      {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", "pawk8s-agent"}}}});
  Agent agents(kube::Client(api.config()), kOptions);
  EXPECT_TRUE(absl::IsFailedPrecondition(agents.On("worker-1", Soon()).status()));
  EXPECT_TRUE(absl::IsFailedPrecondition(agents.Remove(Soon())));
}

TEST(AgentClient, LeavesAKeptNamespaceWhenItIsRemoved) {
  fake::FakeApiServer api;
  const std::string home = "/api/v1/namespaces/pawk8s-agent";
  const std::string daemon_set = "/apis/apps/v1/namespaces/pawk8s-agent/daemonsets/pawk8s-agent";
  api.store().Put(
      home, {{"apiVersion", "v1"},
             {"kind", "Namespace"},
             {"metadata",
              {{"name", "pawk8s-agent"},
               {"labels", {{"app.kubernetes.io/managed-by", "pawk8s"}, {kKeptLabel, "true"}}}}}});
  api.store().Put(daemon_set, Manifests(kOptions)[2]);
  api.Deny("delete", "namespaces", "");
  kube::Client client(api.config());
  EXPECT_THAT(DaemonSet(client, kOptions).CheckRights(Soon()), absl::OkStatus());
  EXPECT_THAT(Agent(kube::Client(api.config()), kOptions).Remove(Soon()), absl::OkStatus());
  EXPECT_TRUE(client.Get({kube::kNamespaces, "", "pawk8s-agent"}, Soon()).ok());
  EXPECT_TRUE(absl::IsNotFound(
      client.Get({kube::kDaemonSets, "pawk8s-agent", "pawk8s-agent"}, Soon()).status()));
}

TEST(AgentClient, WantsRightsOverANamespaceThatItMustMake) {
  fake::FakeApiServer api;
  api.Deny("delete", "namespaces", "");
  kube::Client client(api.config());
  const absl::Status lacks = DaemonSet(client, kOptions).CheckRights(Soon());
  EXPECT_THAT(std::string(MessageOf(lacks)), HasSubstr("may not delete namespaces pawk8s-agent"));
}

TEST(AgentClient, RemovingNothingIsFine) {
  fake::FakeApiServer api;
  Agent agents(kube::Client(api.config()), kOptions);
  const absl::Status removed = agents.Remove(Soon());
  EXPECT_TRUE(removed.ok()) << removed;
}

TEST(AgentTarget, IsARunningContainerByItsId) {
  const kube::Pod pod(kube::Object(
      Json{{"metadata", {{"name", "p"}, {"namespace", "paw"}, {"uid", "u1"}}},
           {"status",
            {{"containerStatuses",
              Json::array(
                  {{{"name", "pawd"},
                    {"containerID", "containerd://abc"},
                    {"state", {{"running", Json::object()}}}},
                   {{"name", "sidecar"}, {"state", {{"waiting", {{"reason", "Crash"}}}}}}})}}}}));
  const auto target = TargetOf(pod, "pawd", "pawd");
  ASSERT_TRUE(target.ok()) << target.status();
  EXPECT_EQ(*target, (Target{"u1", "abc", "pawd"}));
  EXPECT_THAT(std::string(MessageOf(TargetOf(pod, "sidecar").status())), HasSubstr("Crash"));
  EXPECT_TRUE(absl::IsFailedPrecondition(TargetOf(pod, "none").status()));
}

}  // namespace
}  // namespace pawk8s::agent
