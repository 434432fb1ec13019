// Each kind of step and its lift, against the fake API server.
#include "prove/planter.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <functional>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"
#include "prove/content.h"
#include "prove/governance.h"
#include "prove/node_agent_verbs.h"
#include "prove/prove_fixture.h"
#include "prove/undo.h"
#include "test_folder.h"
#include "workload_fixture.h"

namespace pawk8s::prove {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kValidators = "StatefulSet paw/validators";

class Plant : public testing::Test {
 protected:
  Plant() {
    api_.doors().Open("", fake::kChainPort, {.pages = fake::ChainPages()});
    api_.store().Put(
        "/api/v1/namespaces/kube-system",
        {{"kind", "Namespace"}, {"metadata", {{"name", "kube-system"}, {"uid", "cluster"}}}});
    PutSmallDeployment(api_.store(), 1);
    Put("/api/v1/namespaces/paw/configmaps/scripts", "ConfigMap", {{"data", {{"run", "good"}}}});
    profile_.ns = "paw";
    profile_.validators = {.kind = WorkloadKind::kStatefulSet, .ns = "paw", .name = "validators"};
    profile_.nodes = {.ns = "paw", .name = "nodes"};
    profile_.api = {.ns = "paw", .name = "api"};
    profile_.budgets.restore = Millis{5000};
    paw_ = std::make_unique<Deployment>(profile_, kube::Client(api_.config()));
    site_ = std::make_unique<Site>(Site{*paw_, Kinds(paw_->kube()), Testbed("")});
  }

  void Put(const std::string& path, const std::string& kind, json object) {
    object["kind"] = kind;
    object["metadata"]["name"] = path.substr(path.rfind('/') + 1);
    object["metadata"]["uid"] = "uid-" + path;
    if (path.find("/namespaces/paw/") != path.npos) object["metadata"]["namespace"] = "paw";
    api_.store().Put(path, object);
  }
  json Live(const std::string& path) {
    fake::Target target;
    fake::ParseTarget(path, &target);
    const auto answer = api_.store().Get(target);
    return answer.status == 200 ? answer.body : json(nullptr);
  }
  Planter NewPlanter(std::vector<Step> lift = {}) {
    const Defect defect{.id = "INF-POD-01", .defect = "d", .lift = std::move(lift)};
    return {*site_, *Journal::Begin(folder_.path(), defect, "cluster")};
  }
  static Step New(const std::string& kind, json args) { return {kind, std::move(args)}; }

  // Plants the steps, lets `planted` look, lifts them: everything is as before.
  void ExpectRoundTrip(const std::vector<Step>& steps, const std::function<void()>& planted) {
    const auto contents = [&] {
      std::vector<json> all;
      for (const char* path :
           {"/api/v1/namespaces/paw/configmaps/scripts",
            "/apis/apps/v1/namespaces/paw/statefulsets/validators",
            "/apis/apps/v1/namespaces/paw/deployments/nodes", "/api/v1/namespaces/paw/services/rpc",
            "/apis/storage.k8s.io/v1/storageclasses/fast", "/apis/example.dev/v1/gadgets/g",
            "/api/v1/namespaces/paw/persistentvolumeclaims/data"}) {
        all.push_back(ContentOf(Live(path)));
      }
      return all;
    };
    const auto before = contents();
    Planter planter = NewPlanter();
    for (const Step& step : steps) EXPECT_EQ(CheckStep(step.kind, step.args), std::nullopt);
    ASSERT_THAT(planter.Plant(steps), IsOk());
    planted();
    ASSERT_OK_AND_ASSIGN(const std::string healed, planter.WhatHealed());
    EXPECT_EQ(healed, "");
    ASSERT_THAT(planter.Lift(nullptr), IsOk());
    EXPECT_EQ(contents(), before);
    EXPECT_FALSE(*Journal::Left(folder_.path()));
  }

  fake::FakeApiServer api_;
  const TestFolder folder_;
  Profile profile_;
  std::unique_ptr<Deployment> paw_;
  std::unique_ptr<Site> site_;
};

TEST_F(Plant, PatchOfEachType) {
  for (const char* type : {"merge", "strategic"}) {
    ExpectRoundTrip(
        {New("patch", {{"object", kValidators},
                       {"type", type},
                       {"body", {{"spec", {{"serviceName", "wrong"}}}}}})},
        [&] {
          EXPECT_EQ(
              Live("/apis/apps/v1/namespaces/paw/statefulsets/validators")["spec"]["serviceName"],
              "wrong");
        });
  }
  ExpectRoundTrip(
      {New(
          "patch",
          {{"object", "ConfigMap paw/scripts"},
           {"type", "json"},
           {"body", json::array({{{"op", "replace"}, {"path", "/data/run"}, {"value", "bad"}}})}})},
      [] {});
}

TEST_F(Plant, LabelAnnotateAndScale) {
  ExpectRoundTrip(
      {New("label", {{"object", "ConfigMap paw/scripts"}, {"labels", {{"a", "b"}}}}),
       New("annotate", {{"object", "ConfigMap paw/scripts"}, {"annotations", {{"c", "d"}}}}),
       New("scale", {{"object", "Deployment paw/nodes"}, {"replicas", 7}})},
      [&] {
        EXPECT_EQ(Live("/apis/apps/v1/namespaces/paw/deployments/nodes")["spec"]["replicas"], 7);
      });
}

TEST_F(Plant, CreateApplyAndDelete) {
  Put("/api/v1/namespaces/paw/services/rpc", "Service", {{"spec", {{"clusterIP", "10.0.0.1"}}}});
  const json manifest = {{"apiVersion", "v1"},
                         {"kind", "ConfigMap"},
                         {"metadata", {{"name", "extra"}}},
                         {"data", {{"x", "y"}}}};
  json apply = manifest;
  apply["metadata"]["name"] = "scripts";
  apply["data"] = {{"run", "bad"}};
  ExpectRoundTrip({New("create", {{"manifest", manifest}}), New("apply", {{"manifest", apply}}),
                   New("delete", {{"object", "Service paw/rpc"}})},
                  [&] {
                    EXPECT_EQ(Live("/api/v1/namespaces/paw/services/rpc"), nullptr);
                    EXPECT_EQ(Live("/api/v1/namespaces/paw/configmaps/scripts")["data"]["run"],
                              "bad");
                  });
  EXPECT_EQ(Live("/api/v1/namespaces/paw/configmaps/extra"), nullptr);
}

TEST_F(Plant, ReplaceOfImmutableFieldsIsReplacedBack) {
  Put("/api/v1/namespaces/paw/services/rpc", "Service", {{"spec", {{"clusterIP", "10.0.0.1"}}}});
  Put("/apis/storage.k8s.io/v1/storageclasses/fast", "StorageClass",
      {{"provisioner", "a"}, {"parameters", {{"fs", "ext4"}}}});
  Put("/api/v1/namespaces/paw/resourcequotas/quota", "ResourceQuota",
      {{"spec", {{"hard", {{"pods", "9"}}}}}});
  ExpectRoundTrip(
      {New("replace",
           {{"object", "Service paw/rpc"}, {"body", {{"spec", {{"clusterIP", "None"}}}}}}),
       New("replace",
           {{"object", "StorageClass fast"}, {"body", {{"parameters", {{"fs", "xfs"}}}}}}),
       New("replace", {{"object", "ResourceQuota paw/quota"},
                       {"propagation", "background"},
                       {"type", "json"},
                       {"body", json::array({{{"op", "add"},
                                              {"path", "/spec/scopes"},
                                              {"value", {"Terminating"}}}})}})},
      [&] { EXPECT_EQ(Live("/api/v1/namespaces/paw/services/rpc")["spec"]["clusterIP"], "None"); });
  EXPECT_EQ(ContentOf(Live("/api/v1/namespaces/paw/resourcequotas/quota"))["spec"],
            json({{"hard", {{"pods", "9"}}}}));
}

TEST_F(Plant, AReplacedClaimGetsItsVolumeBack) {
  Put("/api/v1/persistentvolumes/pv-1", "PersistentVolume",
      {{"spec", {{"claimRef", {{"name", "data"}, {"uid", "old"}}}}}});
  Put("/api/v1/namespaces/paw/persistentvolumeclaims/data", "PersistentVolumeClaim",
      {{"spec", {{"accessModes", {"ReadWriteOnce"}}, {"volumeName", "pv-1"}}}});
  ExpectRoundTrip(
      {New("replace", {{"object", "PersistentVolumeClaim paw/data"},
                       {"body", {{"spec", {{"accessModes", {"ReadWriteMany"}}}}}}})},
      [&] {
        EXPECT_FALSE(Live("/api/v1/persistentvolumes/pv-1")["spec"]["claimRef"].contains("uid"));
      });
}

TEST_F(Plant, AVolumeIsNamedByItsClaim) {
  Put("/api/v1/persistentvolumes/pv-1", "PersistentVolume",
      {{"spec", {{"capacity", {{"storage", "1Gi"}}}}}});
  Put("/api/v1/namespaces/paw/persistentvolumeclaims/data", "PersistentVolumeClaim",
      {{"spec", {{"volumeName", "pv-1"}}}});
  const auto capacity = [&] {
    return Live("/api/v1/persistentvolumes/pv-1")["spec"]["capacity"]["storage"];
  };
  ExpectRoundTrip({New("patch", {{"object", "PersistentVolume paw/data"},
                                 {"type", "merge"},
                                 {"body", {{"spec", {{"capacity", {{"storage", "9Gi"}}}}}}}})},
                  [&] { EXPECT_EQ(capacity(), "9Gi"); });
  EXPECT_EQ(capacity(), "1Gi");
  EXPECT_THAT(site_->kinds.Resolve("PersistentVolume paw/none", Soon()),
              Fails(absl::StatusCode::kNotFound, HasSubstr("none")));
}

TEST_F(Plant, WhatTheRedRunDestroysIsKept) {
  const json ref = {{"name", "data"}, {"uid", "old"}};
  Put("/api/v1/persistentvolumes/pv-1", "PersistentVolume", {{"spec", {{"claimRef", ref}}}});
  Put("/api/v1/persistentvolumes/pv-2", "PersistentVolume",
      {{"spec", {{"claimRef", ref}, {"persistentVolumeReclaimPolicy", "Retain"}}}});
  const std::string path = "/api/v1/namespaces/paw/persistentvolumeclaims/data";
  Put(path, "PersistentVolumeClaim",
      {{"spec", {{"accessModes", {"ReadWriteOnce"}}, {"volumeName", "pv-1"}}}});
  ExpectRoundTrip({New("keep", {{"object", "PersistentVolumeClaim paw/data"}})}, [&] {
    const kube::ObjectRef claim{kube::kPersistentVolumeClaims, "paw", "data"};
    ASSERT_THAT(paw_->kube().Delete(claim, Soon()), IsOk());
  });
  // Another one may have its name by then: it goes, and so does the volume that was made for it.
  ExpectRoundTrip({New("keep", {{"object", "PersistentVolumeClaim paw/data"}})}, [&] {
    Put(path, "PersistentVolumeClaim",
        {{"spec", {{"accessModes", {"ReadWriteMany"}}, {"volumeName", "pv-2"}}}});
  });
  EXPECT_EQ(Live("/api/v1/persistentvolumes/pv-2")["spec"]["persistentVolumeReclaimPolicy"],
            "Delete");
  EXPECT_THAT(NewPlanter().Plant({New("keep", {{"object", "ConfigMap paw/none"}})}),
              Fails(absl::StatusCode::kNotFound, HasSubstr("none")));
}

TEST_F(Plant, KindsOfCustomResourcesAreFound) {
  Put("/apis/example.dev/v1/gadgets/g", "Gadget", {{"spec", {{"size", 1}}}});
  ExpectRoundTrip(
      {New("patch",
           {{"object", "Gadget g"}, {"type", "merge"}, {"body", {{"spec", {{"size", 2}}}}}})},
      [] {});
  EXPECT_THAT(site_->kinds.Resolve("Widget w", Soon()),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("needs a namespace")));
  EXPECT_THAT(site_->kinds.Resolve("Gizmo a/b", Soon()),
              Fails(absl::StatusCode::kNotFound, HasSubstr("no kind Gizmo")));
}

TEST_F(Plant, ExecRunsWithItsCheckAndItsLift) {
  const std::string file = (folder_.path() / "touched").string();
  const auto exec = [&](std::vector<std::string> argv, json more = json::object()) {
    more.update({{"pod", "paw/validators-0"}, {"container", "pawd"}, {"argv", argv}});
    return New("exec", more);
  };
  Planter planter = NewPlanter({exec({"rm", file})});
  ASSERT_THAT(planter.Plant({exec({"touch", file}, {{"check", {"test", "-e", file}}})}), IsOk());
  EXPECT_EQ(*planter.WhatHealed(), "");
  std::filesystem::rename(file, file + "2");
  EXPECT_THAT(*planter.WhatHealed(), HasSubstr("the check in validators-0 exits with 1"));
  std::filesystem::rename(file + "2", file);
  ASSERT_THAT(planter.Lift(nullptr), IsOk());
  EXPECT_FALSE(std::filesystem::exists(file));
}

TEST_F(Plant, AHealedPlantIsSeen) {
  Planter planter = NewPlanter();
  ASSERT_THAT(planter.Plant({New("scale", {{"object", kValidators}, {"replicas", 3}})}), IsOk());
  json set = Live("/apis/apps/v1/namespaces/paw/statefulsets/validators");
  set["spec"]["replicas"] = 1;
  api_.store().Put("/apis/apps/v1/namespaces/paw/statefulsets/validators", set);
  EXPECT_THAT(*planter.WhatHealed(), HasSubstr("validators: /spec/replicas is no longer"));
  EXPECT_THAT(planter.Lift(nullptr), IsOk());
}

TEST_F(Plant, ADeletedObjectThatCameBackIsSeen) {
  Planter planter = NewPlanter();
  ASSERT_THAT(planter.Plant({New("delete", {{"object", "ConfigMap paw/scripts"}})}), IsOk());
  EXPECT_EQ(*planter.WhatHealed(), "");
  Put("/api/v1/namespaces/paw/configmaps/scripts", "ConfigMap", {{"data", {{"run", "good"}}}});
  EXPECT_EQ(*planter.WhatHealed(), "ConfigMap paw/scripts is there again");
  EXPECT_THAT(planter.Lift(nullptr), IsOk());
}

TEST_F(Plant, WhatChangesNothingIsAMistake) {
  Planter planter = NewPlanter();
  EXPECT_THAT(planter.Plant({New("scale", {{"object", kValidators}, {"replicas", 1}})}),
              Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("changes nothing")));
  EXPECT_THAT(planter.Lift(nullptr), IsOk());
  EXPECT_FALSE(*Journal::Left(folder_.path())) << "nothing is left to lift";
}

TEST_F(Plant, WaitsSayHowFarTheyCame) {
  Planter planter = NewPlanter();
  const auto wait = [](json args) {
    args["within"] = "400ms";
    return Step{"wait", args};
  };
  EXPECT_THAT(planter.Plant({wait({{"for", "rollout"}, {"object", kValidators}}),
                             wait({{"for", "observed"}, {"object", kValidators}}),
                             wait({{"for", "ready"}, {"object", "Pod paw/validators-0"}}),
                             wait({{"for", "gone"}, {"object", "Pod paw/validators-9"}}),
                             wait({{"for", "condition"},
                                   {"object", kValidators},
                                   {"path", "spec.replicas"},
                                   {"equals", 1}}),
                             Step{"wait", {{"for", "blocks"}, {"count", 2}}}}),
              IsOk());
  EXPECT_THAT(planter.Plant({wait({{"for", "condition"},
                                   {"object", kValidators},
                                   {"path", "spec.replicas"},
                                   {"equals", 4}})}),
              Fails(absl::StatusCode::kDeadlineExceeded, HasSubstr("spec.replicas is 1")));
  EXPECT_THAT(planter.Plant({wait({{"for", "gone"}, {"object", "Pod paw/validators-0"}})}),
              Fails(absl::StatusCode::kDeadlineExceeded, HasSubstr("is still there")));
}

TEST_F(Plant, AnotherProcessLiftsWhatWasPlanted) {
  {
    Planter killed = NewPlanter();
    ASSERT_THAT(killed.Plant({New("patch", {{"object", "ConfigMap paw/scripts"},
                                            {"type", "merge"},
                                            {"body", {{"data", {{"run", "bad"}}}}}})}),
                IsOk());
  }
  EXPECT_THAT(Journal::Begin(folder_.path(), {.id = "X"}, "cluster"),
              Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("prove --lift")));
  ASSERT_OK_AND_ASSIGN(auto left, Journal::Left(folder_.path()));
  ASSERT_TRUE(left);
  EXPECT_EQ(left->id(), "INF-POD-01");
  Planter next(*site_, *std::move(left));
  ASSERT_THAT(next.Lift(nullptr), IsOk());
  EXPECT_EQ(Live("/api/v1/namespaces/paw/configmaps/scripts")["data"]["run"], "good");
  EXPECT_FALSE(*Journal::Left(folder_.path()));
}

// A testbed's registry: a folder with a file a tag.
TEST_F(Plant, ATagThatMovesTwiceGoesBackToWhatItMeantAtFirst) {
  const auto script = folder_.Write("testbed.sh", R"sh(
cd "$(dirname "$0")"
tag=${2##*:}
if [ "$1" = image-digest ]; then
  cat "$tag" 2>/dev/null || echo none
elif [ "$3" = none ]; then
  rm "$tag"
else
  printf %s "$3" >"$tag"
fi
)sh");
  folder_.Write("deployed", "sha256:a");
  folder_.Write("rebuilt", "sha256:b");
  site_->testbed = Testbed("sh " + script.string());
  const auto moving = [&] { return site_->testbed.ImageDigest("pawd", "moving"); };
  const auto to = [](const char* from) {
    return New("registry", {{"image", "pawd"}, {"tag", "moving"}, {"from", from}});
  };
  Planter planter = NewPlanter();
  ASSERT_THAT(planter.Plant({to("deployed"), to("rebuilt")}), IsOk());
  EXPECT_EQ(*planter.WhatHealed(), "");
  EXPECT_EQ(*moving(), "sha256:b");
  ASSERT_THAT(site_->testbed.TagImage("pawd", "moving", "sha256:a"), IsOk());
  EXPECT_THAT(*planter.WhatHealed(), HasSubstr("pawd:moving"));
  ASSERT_THAT(planter.Lift(nullptr), IsOk());
  EXPECT_EQ(*moving(), Testbed::kNoImage);
}

TEST(Governance, HowManyBlocksMayBeMissed) {
  const auto infos = [](const char* worst) {
    return json{{"info",
                 {{{"index_offset", "410"}, {"missed_blocks_counter", "3"}},
                  {{"index_offset", "410"}, {"missed_blocks_counter", worst}}}}};
  };
  EXPECT_EQ(
      *JailingAfter(infos("95"), 5),
      (json{{"signed_blocks_window", "400"}, {"min_signed_per_window", "0.750000000000000000"}}));
  EXPECT_FALSE(JailingAfter(infos("395"), 5).ok()) << "nothing would be demanded";
  EXPECT_FALSE(JailingAfter(json::object(), 5).ok());
}

// One fault, known by its id.
class FakeAgent : public AgentVerbs {
 public:
  absl::Status Arm(const std::string& id, const json&, const Deadline&) override {
    armed_ = id;
    return absl::OkStatus();
  }
  absl::StatusOr<bool> IsActive(const std::string& id, const json&, const Deadline&) override {
    return armed_ == id;
  }
  absl::Status Revert(const std::string& id, const json&, const Deadline&) override {
    if (armed_ == id) armed_.clear();
    return absl::OkStatus();
  }
  absl::Status Remove(const Deadline&) override {
    removed_ = armed_.empty();
    return absl::OkStatus();
  }
  bool removed_ = false;
  std::string armed_;
};

TEST_F(Plant, AnAgentsFaultIsRevertedByItsId) {
  FakeAgent agent;
  site_->agent = &agent;
  Planter planter = NewPlanter();
  ASSERT_THAT(
      planter.Plant(
          {New("agent", {{"pod", "paw/validators-0"}, {"container", "pawd"}, {"verb", "freeze"}})}),
      IsOk());
  EXPECT_EQ(*planter.WhatHealed(), "");
  const std::string id = agent.armed_;
  agent.armed_.clear();
  EXPECT_THAT(*planter.WhatHealed(), HasSubstr("was reverted meanwhile"));
  agent.armed_ = id;
  ASSERT_THAT(planter.Lift(nullptr), IsOk());
  EXPECT_EQ(agent.armed_, "");
  EXPECT_TRUE(agent.removed_);
}

TEST_F(Plant, AnAgentStepNamesItsPodWithItsNamespace) {
  NodeAgentVerbs agent(site_->paw, {.image = "registry.example/agent:1"});
  const json step = {{"pod", "paw/absent-0"}, {"container", "pawd"}, {"verb", "freeze"}};
  EXPECT_THAT(agent.Arm("id", step, Soon()),
              Fails(absl::StatusCode::kNotFound, HasSubstr("namespaces/paw/pods/absent-0")));
}

TEST_F(Plant, WhatCannotBePlantedHereIsRefused) {
  const auto why = [&](const std::string& kind, json args) {
    return WhyRefused(*site_, {.plant = {New(kind, std::move(args))}});
  };
  EXPECT_THAT(why("component", {{"file", "audit-policy.yaml"}}), HasSubstr("testbed.command"));
  EXPECT_THAT(why("registry", {{"image", "pawd"}}), HasSubstr("testbed.command"));
  EXPECT_THAT(why("agent", {{"verb", "freeze"}}), HasSubstr("no agent"));
  EXPECT_THAT(why("vault", {{"path", "x"}}), HasSubstr("no Vault"));
  EXPECT_THAT(why("delete", {{"object", "Namespace paw"}}), HasSubstr("takes everything in it"));
  EXPECT_EQ(why("scale", {{"object", kValidators}}), "");
}

}  // namespace
}  // namespace pawk8s::prove
