#include "pawk8s/discovery/discovery.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <regex>
#include <sstream>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"
#include "pawk8s/deployment/profile.h"
#include "reference_deployment.h"

namespace pawk8s {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr const char* kBase = PAWK8S_SOURCE_DIR "/fixtures/deployment/base";

std::string Same(std::string text) { return text; }

// Every word that only this project would use, and the ports.
std::string Renamed(std::string text) {
  for (const auto& [from, to] :
       {std::pair{"\\bpaw-validator\\b", "meadow"}, std::pair{"\\bpaw-node\\b", "brook"},
        std::pair{"\\bpaw-api\\b", "gatepost"}, std::pair{"\\bpaw-", "k7-"},
        std::pair{"\\bpaw\\b(?!-)", "field"}, std::pair{"\\bpawd\\b", "miller"},
        std::pair{"genesis-verifier", "look"}, std::pair{"config-init", "write"},
        std::pair{"\\brpc\\b", "q1"}, std::pair{"\\bp2p\\b", "q2"}, std::pair{"/data", "/srv/x"},
        std::pair{"26657", "4101"}, std::pair{"26656", "4102"}, std::pair{"26660", "4103"},
        std::pair{"36660", "4104"}, std::pair{"36661", "4105"}, std::pair{"1317", "4106"},
        std::pair{"9090", "4107"}}) {
    text = std::regex_replace(text, std::regex(from), to);
  }
  return text;
}

class Discovery : public testing::Test {
 protected:
  absl::StatusOr<ProfileLines> Find(const std::string& ns = "") {
    kube::Client client(api_.config());
    return Discover(client, {.ns = ns}, In(std::chrono::seconds(60)));
  }
  // The keys in which the draft differs from the testbed's profile under these names.
  std::string Differences(const ProfileLines& draft, const Rename& rename) {
    std::ifstream in(PAWK8S_SOURCE_DIR "/fixtures/profiles/testbed.yaml");
    std::ostringstream text;
    text << in.rdbuf();
    const auto truth = ReadLines(ReferenceProfile(text.str(), rename));
    EXPECT_TRUE(truth.ok()) << truth.status();
    std::string differences;
    for (const auto& [path, line] : *truth) {
      if (!path.starts_with("deployment.") && !path.starts_with("dns.")) continue;
      const auto found = draft.find(path);
      if (found == draft.end()) continue;  // it has a default
      if (found->second.value == line.value) continue;
      differences +=
          fmt::format("{}: {} instead of {} ({})\n", path, found->second.value.value_or("nothing"),
                      line.value.value_or(""), found->second.note);
    }
    return differences;
  }
  fake::FakeApiServer api_;
};

TEST_F(Discovery, FindsTheReferenceDeployment) {
  PutReferenceDeployment(api_, kBase, Same);
  ASSERT_OK_AND_ASSIGN(const ProfileLines draft, Find());
  EXPECT_EQ(Differences(draft, Same),
            "dns.config_map: nothing instead of coredns (the ConfigMap "
            "that the DNS pods mount)\n");
  EXPECT_EQ(draft.at("identity.chain_id").value, kFakeChain);
  EXPECT_EQ(draft.at("allow.disruption").value, "false");
  EXPECT_THAT(draft.at("dns.service").note, StartsWith("guessed: by its label"));
}

TEST_F(Discovery, NamesDecideNothing) {
  PutReferenceDeployment(api_, kBase, Renamed);
  ASSERT_OK_AND_ASSIGN(const ProfileLines draft, Find());
  EXPECT_EQ(draft.at("deployment.validators.name").value, "meadow");
  EXPECT_EQ(draft.at("deployment.ports.rpc").value, "4101");
  EXPECT_EQ(Differences(draft, Renamed),
            "dns.config_map: nothing instead of coredns (the ConfigMap that the DNS pods mount)\n");
}

TEST_F(Discovery, ADraftCanBeLoaded) {
  PutReferenceDeployment(api_, kBase, Renamed);
  ASSERT_OK_AND_ASSIGN(const ProfileLines draft, Find());
  ASSERT_OK_AND_ASSIGN(const Profile profile, Profile::Parse(WriteProfile("x", draft), "draft"));
  EXPECT_EQ(profile.validators.ToString(), "StatefulSet field/meadow");
  EXPECT_FALSE(profile.allow.agent);
}

TEST_F(Discovery, WithoutAChainItSaysWhatItLookedFor) {
  EXPECT_THAT(Find(), Fails(absl::StatusCode::kNotFound,
                            HasSubstr("no workload of this cluster runs a CometBFT validator: of 0 "
                                      "with running pods none answers /status")));
  EXPECT_THAT(Find("paw"),
              Fails(absl::StatusCode::kNotFound, HasSubstr("no workload in namespace paw")));
}

TEST_F(Discovery, ASecondSetOfValidatorsIsADoubt) {
  PutReferenceDeployment(api_, kBase, Same);
  auto set = api_.store().Get(
      {.collection = "/apis/apps/v1/namespaces/paw/statefulsets", .name = "paw-validator"});
  set.body["metadata"]["name"] = "other";
  api_.store().Put("/apis/apps/v1/namespaces/paw/statefulsets/other", set.body);
  ASSERT_OK_AND_ASSIGN(const ProfileLines draft, Find());
  EXPECT_THAT(draft.at("deployment.validators.name").note,
              HasSubstr("guessed: so signs blocks StatefulSet paw/"));
}

TEST_F(Discovery, ChainsInTwoNamespacesAskForOne) {
  PutReferenceDeployment(api_, kBase, Same);
  PutReferenceDeployment(api_, kBase, Renamed);
  EXPECT_THAT(Find(),
              Fails(absl::StatusCode::kFailedPrecondition,
                    HasSubstr("several namespaces, field, paw: name one with --namespace")));
  ASSERT_OK_AND_ASSIGN(const ProfileLines draft, Find("field"));
  EXPECT_EQ(draft.at("deployment.namespace").value, "field");
}

TEST_F(Discovery, WithoutNodesAndGatewayTheseAreNotFound) {
  PutReferenceDeployment(api_, kBase, Same);
  for (const char* name : {"paw-node", "paw-api"}) {
    api_.store().Delete({.collection = "/apis/apps/v1/namespaces/paw/deployments", .name = name},
                        kube::Json::object());
  }
  ASSERT_OK_AND_ASSIGN(const ProfileLines draft, Find());
  EXPECT_FALSE(draft.at("deployment.nodes.name").value);
  const std::string text = WriteProfile("", draft);
  EXPECT_THAT(text,
              HasSubstr("# NOT FOUND: name: a workload that answers RPC and signs no blocks"));
  EXPECT_THAT(Profile::Parse(text, "draft"),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("is missing")));
}

TEST_F(Discovery, GibberishIsAnErrorOrAGap) {
  PutReferenceDeployment(api_, kBase, Same);
  for (const auto how : {fake::Misbehaviour::kGarbageJson, fake::Misbehaviour::kNotJsonList,
                         fake::Misbehaviour::kInternalError, fake::Misbehaviour::kHalfBody}) {
    api_.Misbehave(how, 1, "/statefulsets");
    EXPECT_FALSE(Find().ok());
  }
  api_.Misbehave(fake::Misbehaviour::kHostileJson, 1, "/statefulsets");
  EXPECT_FALSE(Find().ok());
  api_.Misbehave(fake::Misbehaviour::kHostileJson, 4, "/configmaps/");
  api_.Misbehave(fake::Misbehaviour::kGarbageJson, 1, "/poddisruptionbudgets");
  ASSERT_OK_AND_ASSIGN(const ProfileLines draft, Find());
  EXPECT_FALSE(draft.at("deployment.policies.disruption_budget").value);
}

TEST_F(Discovery, HostileTemplatesAreSurvived) {
  PutReferenceDeployment(api_, kBase, Same);
  const kube::Json odd = {{"metadata", {{"name", "odd"}, {"namespace", "paw"}}},
                          {"spec",
                           {{"selector", {{"matchLabels", {{"app", 7}}}}},
                            {"template", {{"spec", {{"containers", {1, "x", {{"ports", "y"}}}}}}}},
                            {"volumeClaimTemplates", {{"a", 1}}}}}};
  api_.store().Put("/apis/apps/v1/namespaces/paw/statefulsets/odd", odd);
  api_.store().Put("/api/v1/namespaces/paw/services/odd",
                   {{"metadata", {{"name", "odd"}, {"namespace", "paw"}}},
                    {"spec", {{"selector", "x"}, {"ports", {1, {{"port", -1}}}}}}});
  EXPECT_THAT(Find(), IsOk());
}

}  // namespace
}  // namespace pawk8s
