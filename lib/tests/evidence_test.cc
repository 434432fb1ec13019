// What is kept when a case fails: that it is all there, that it holds no secret, and that it costs
// nothing but a note where the cluster does not answer.
#include "pawk8s/deployment/evidence.h"

#include <gmock/gmock.h>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"
#include "pawk8s/verdict/record.h"
#include "test_folder.h"
#include "workload_fixture.h"

namespace pawk8s {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class EvidenceTest : public testing::Test {
 protected:
  EvidenceTest() {
    for (const auto& [ref, kind, name] :
         {std::tuple(&profile_.validators, WorkloadKind::kStatefulSet, "val"),
          std::tuple(&profile_.nodes, WorkloadKind::kDeployment, "node"),
          std::tuple(&profile_.api, WorkloadKind::kDeployment, "api")}) {
      *ref = {.kind = kind, .ns = "paw", .name = name, .container = "pawd"};
    }
    profile_.ns = "paw";
  }
  void Deploy() {
    PutStatefulSet(api_.store(), "val", 2);
    PutDeployment(api_.store(), "node", 1);
    PutDeployment(api_.store(), "api", 1);
  }
  Evidence Gather() {
    Deployment paw(profile_, kube::Client(api_.config()));
    return GatherEvidence(paw, folder_.path());
  }
  [[nodiscard]] std::string File(const std::string& name) const {
    return ReadFile(folder_.path() / name).value_or("");
  }

  fake::FakeApiServer api_;
  Profile profile_;
  const TestFolder folder_;
};

TEST_F(EvidenceTest, HoldsTheDeploymentAsItIs) {
  Deploy();
  const Evidence evidence = Gather();
  for (const char* name : {"pods.json", "workloads.json", "events.txt", "chain.json"}) {
    EXPECT_THAT(evidence.files, Contains(name));
  }
  EXPECT_THAT(File("pods.json"), HasSubstr("\"val-1\""));
  EXPECT_THAT(File("workloads.json"), HasSubstr("\"kind\": \"StatefulSet\""));
  EXPECT_THAT(evidence.now, HasSubstr("val 2/2 ready; node 1/1 ready; api 1/1 ready"));
  EXPECT_THAT(evidence.now, HasSubstr("val-0 does not answer")) << "there is no chain";
  EXPECT_THAT(File("chain.json"), HasSubstr("\"error\""));
}

TEST_F(EvidenceTest, HoldsNoSecret) {
  Deploy();
  const std::string path = "/api/v1/namespaces/paw/pods/val-0";
  kube::Json pod = {
      {"kind", "Pod"},
      {"metadata",
       {{"name", "val-0"},
        {"namespace", "paw"},
        {"uid", "uid-val-0"},
        {"labels", {{"app", "val"}, {"controller-revision-hash", "r"}}},
        {"annotations",
         {{"kubectl.kubernetes.io/last-applied-configuration", "TopSecretOne"},
          {"note", R"({"password":"TopSecretTwo"})"}}},
        {"ownerReferences", kube::Json::array({{{"kind", "StatefulSet"},
                                                {"name", "val"},
                                                {"uid", "uid-val"},
                                                {"controller", true}}})}}},
      {"spec",
       {{"containers",
         kube::Json::array({{{"name", "pawd"},
                             {"args", {"--vault-token=TopSecretThree"}},
                             {"env", kube::Json::array({{{"name", "KEYRING_PASSPHRASE"},
                                                         {"value", "TopSecretFour"}}})}}})}}}};
  api_.store().Put(path, pod);
  const Evidence evidence = Gather();
  EXPECT_THAT(File("pods.json"), HasSubstr("KEYRING_PASSPHRASE"));
  for (const std::string& file : evidence.files) {
    EXPECT_THAT(File(file), Not(HasSubstr("TopSecret"))) << file;
  }
}

TEST_F(EvidenceTest, WhatCannotBeReadIsNoted) {
  const Evidence evidence = Gather();
  EXPECT_THAT(evidence.files, Contains("missing.txt"));
  EXPECT_THAT(File("missing.txt"), HasSubstr("StatefulSet paw/val"));
  EXPECT_THAT(evidence.now, HasSubstr("val cannot be read"));
}

TEST_F(EvidenceTest, ABaselineInOneLine) {
  const Baseline baseline{.workloads = {{"StatefulSet paw/v", {.settled = true}}},
                          .heights = {{"v-0", 20}, {"v-1", 22}},
                          .advancing = true};
  EXPECT_EQ(InOneLine(baseline),
            "height 22, v-0 at 20 (lag 2), 2 validators answer; 1 of 1 workloads settled");
  EXPECT_THAT(InOneLine(Baseline{}), HasSubstr("no validator answers"));
  EXPECT_THAT(InOneLine(Baseline{}), HasSubstr("the chain makes no blocks"));
}

}  // namespace
}  // namespace pawk8s
