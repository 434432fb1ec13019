#include "pawk8s/kube/objects.h"

#include "kube/test_util.h"

namespace pawk8s::kube {
namespace {

using testing::ElementsAre;
using testing::Optional;

Object Parse(const char* text) { return Object(Json::parse(text)); }

constexpr char kPod[] = R"({
  "kind": "Pod", "apiVersion": "v1",
  "metadata": {"name": "paw-validator-2", "namespace": "paw", "uid": "u1", "generation": 1,
    "resourceVersion": "7", "creationTimestamp": "2026-01-02T03:04:05Z",
    "labels": {"app": "paw", "controller-revision-hash": "paw-validator-6f"},
    "ownerReferences": [{"kind": "X", "uid": "no"},
                        {"kind": "StatefulSet", "name": "paw-validator", "uid": "s1", "controller": true}]},
  "spec": {"nodeName": "worker-1", "serviceAccountName": "paw-validator"},
  "status": {"phase": "Running", "podIP": "10.0.0.7",
    "conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "2026-01-02T03:04:15.5Z"}],
    "containerStatuses": [
      {"name": "pawd", "image": "i", "imageID": "i@sha256:1", "ready": true, "restartCount": 2,
       "state": {"running": {"startedAt": "2026-01-02T03:04:10Z"}},
       "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}},
      {"name": "side", "ready": false, "restartCount": 1,
       "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]}})";

TEST(PodView, ShowsWhatTheApiServerSent) {
  const Pod pod(Parse(kPod));
  EXPECT_EQ(pod.ToString(), "paw/paw-validator-2");
  EXPECT_EQ(pod.uid(), "u1");
  EXPECT_THAT(pod.node(), Optional(std::string("worker-1")));
  EXPECT_THAT(pod.ip(), Optional(std::string("10.0.0.7")));
  EXPECT_THAT(pod.phase(), Optional(std::string("Running")));
  EXPECT_TRUE(pod.IsReady());
  EXPECT_THAT(pod.owner_uid(), Optional(std::string("s1")));
  EXPECT_THAT(pod.revision(), Optional(std::string("paw-validator-6f")));
  EXPECT_THAT(pod.ordinal(), Optional(2));
  EXPECT_THAT(pod.restart_count(), Optional(3));
  const auto ready = pod.condition("Ready");
  ASSERT_TRUE(ready && ready->last_transition && pod.creation_time());
  EXPECT_EQ(*ready->last_transition - *pod.creation_time(), std::chrono::milliseconds(10500));
  const auto pawd = pod.container_status("pawd");
  ASSERT_TRUE(pawd);
  EXPECT_EQ(pawd->state, "running");
  EXPECT_THAT(pawd->last_exit_code, Optional(137));
  EXPECT_EQ(pod.container_status("side")->reason, "CrashLoopBackOff");
}

TEST(PodView, PodThatIsBeingDeletedIsNotReady) {
  Json json = Json::parse(kPod);
  json["metadata"]["deletionTimestamp"] = "2026-01-02T03:05:00Z";
  EXPECT_FALSE(Pod(Object(json)).IsReady());
}

// The contract of every accessor: whatever the JSON is, no exception and no crash.
template <class View>
void Touch(const Object& object) {
  const View view(object);
  static_cast<void>(view.ToString() + view.uid() + view.kind() + view.api_version());
  static_cast<void>(view.generation());
  static_cast<void>(view.observed_generation());
  static_cast<void>(view.deletion_time());
  static_cast<void>(view.labels());
  static_cast<void>(view.annotations());
  static_cast<void>(view.controller());
  static_cast<void>(view.conditions());
}

TEST(Views, HostileJsonIsSurvived) {
  const std::vector<Json> poisons = {nullptr,
                                     7,
                                     -1,
                                     UINT64_MAX,
                                     1.5,
                                     true,
                                     "text",
                                     Json::array(),
                                     Json::object(),
                                     Json::array({nullptr, 1, "x", Json::array()}),
                                     Json{{"a", {{"b", 1}}}}};
  std::vector<Object> objects;
  const Json flat = Json::parse(kPod).flatten();
  for (const Json& poison : poisons) {
    objects.emplace_back(poison);
    for (const char* field : {"metadata", "spec", "status", "endpoints", "ports"}) {
      objects.emplace_back(Json{{field, poison}});
      for (const char* inner : {"conditions", "containerStatuses", "ownerReferences", "labels",
                                "taints", "addresses", "selector", "nodeInfo", "replicas"}) {
        objects.emplace_back(Json{{field, {{inner, poison}}}});
        objects.emplace_back(Json{{field, {{inner, Json::array({poison})}}}});
      }
    }
    for (const auto& [pointer, value] : flat.items()) {
      Json json = Json::parse(kPod);
      json[Json::json_pointer(pointer)] = poison;
      objects.emplace_back(std::move(json));
    }
  }
  for (const Object& object : objects) {
    Touch<Pod>(object);
    Touch<StatefulSet>(object);
    Touch<EndpointSlice>(object);
    const Pod pod(object);
    static_cast<void>(pod.IsReady());
    static_cast<void>(pod.restart_count());
    static_cast<void>(pod.init_container_statuses());
    static_cast<void>(pod.ordinal());
    static_cast<void>(pod.revision());
    static_cast<void>(pod.owner_uid());
    static_cast<void>(StatefulSet(object).IsRolledOut());
    static_cast<void>(StatefulSet(object).selector());
    static_cast<void>(Deployment(object).IsRolledOut());
    static_cast<void>(ReplicaSet(object).replicas());
    static_cast<void>(Node(object).taints());
    static_cast<void>(Node(object).internal_ip());
    static_cast<void>(Node(object).kubelet_version());
    static_cast<void>(EndpointSlice(object).endpoints());
    static_cast<void>(EndpointSlice(object).ports());
    static_cast<void>(PodDisruptionBudget(object).min_available());
    static_cast<void>(PodDisruptionBudget(object).disruptions_allowed());
  }
  EXPECT_GT(objects.size(), 1000u);
}

TEST(Views, WrongTypeIsNothingAndAbsentCounterIsZero) {
  const StatefulSet wrong(
      Parse(R"({"spec": {"replicas": "4"}, "status": {"readyReplicas": "4"}})"));
  EXPECT_EQ(wrong.replicas(), std::nullopt);
  EXPECT_EQ(wrong.ready_replicas(), std::nullopt);
  const StatefulSet absent(Parse(R"({"spec": {}, "status": {}})"));
  EXPECT_THAT(absent.replicas(), Optional(1));
  EXPECT_THAT(absent.ready_replicas(), Optional(0));
  EXPECT_FALSE(absent.IsRolledOut());
}

TEST(StatefulSetView, StatusOfAnOlderSpecIsNotBelieved) {
  Json json = Json::parse(R"({"metadata": {"generation": 3}, "spec": {"replicas": 4,
    "selector": {"matchLabels": {"app": "paw", "role": "validator"}}},
    "status": {"observedGeneration": 3, "readyReplicas": 4, "currentRevision": "a",
               "updateRevision": "a"}})");
  EXPECT_TRUE(StatefulSet(Object(json)).IsRolledOut());
  EXPECT_EQ(StatefulSet(Object(json)).selector(), "app=paw,role=validator");
  json["status"]["observedGeneration"] = 2;
  EXPECT_FALSE(StatefulSet(Object(json)).IsRolledOut());
}

TEST(EndpointSliceView, UnknownReadinessReadsAsReady) {
  const EndpointSlice slice(Parse(R"({"metadata": {"labels": {"kubernetes.io/service-name": "rpc"}},
    "endpoints": [{"addresses": ["10.0.0.1"], "targetRef": {"kind": "Pod", "name": "p", "uid": "u"}},
                  {"addresses": ["10.0.0.2"], "conditions": {"ready": false, "terminating": true}}],
    "ports": [{"name": "rpc", "port": 26657}]})"));
  ASSERT_EQ(slice.endpoints().size(), 2u);
  EXPECT_TRUE(slice.endpoints()[0].ready);
  EXPECT_EQ(slice.endpoints()[0].pod_uid, "u");
  EXPECT_FALSE(slice.endpoints()[1].ready);
  EXPECT_FALSE(slice.endpoints()[1].serving);
  EXPECT_THAT(slice.ports()[0].port, Optional(26657));
}

TEST(PodDisruptionBudgetView, NumbersAndPercentages) {
  EXPECT_THAT(PodDisruptionBudget(Parse(R"({"spec": {"minAvailable": 3}})")).min_available(),
              Optional(std::string("3")));
  EXPECT_THAT(
      PodDisruptionBudget(Parse(R"({"spec": {"maxUnavailable": "25%"}})")).max_unavailable(),
      Optional(std::string("25%")));
}

TEST(Time, OnlyRfc3339InUtc) {
  EXPECT_TRUE(ParseTime("2026-01-02T03:04:05Z"));
  EXPECT_EQ(*ParseTime("2026-01-02T03:04:05.250000Z") - *ParseTime("2026-01-02T03:04:05Z"),
            std::chrono::milliseconds(250));
  for (const char* bad :
       {"", "yesterday", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02T03:04:05+01:00",
        "2026-01-02T03:04:05.Z", "2026-13-02T03:04:05Z"}) {
    EXPECT_FALSE(ParseTime(bad)) << bad;
  }
}

}  // namespace
}  // namespace pawk8s::kube
