// The programs as a user starts them, against the fake API server: exit codes, the one sentence of
// each bad input, and that nothing passes where there is nothing to see.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"
#include "kubeconfig_text.h"
#include "pawk8s/net/process.h"
#include "test_folder.h"
#include "workload_fixture.h"

namespace pawk8s {
namespace {

using testing::HasSubstr;
using testing::Not;

class Program : public testing::Test {
 protected:
  Program() {
    Write("kubeconfig", KubeconfigText(api_.config()));
    Profile("");
    api_.store().Put("/api/v1/namespaces/kube-system",
                     {{"kind", "Namespace"},
                      {"metadata", {{"name", "kube-system"}, {"uid", "uid-of-kube-system"}}}});
  }

  void Write(const std::string& name, const std::string& text) const {
    own_folder_.Write(name, text);
  }
  // A profile with these lines under `identity`.
  void Profile(const std::string& identity, const std::string& more = "") const {
    std::string text = "cluster:\n  kubeconfig: " + (folder_ / "kubeconfig").string() +
                       "\nidentity:\n  chain_id: paw-1\n" + identity + "deployment:\n" +
                       "  namespace: " + ns_ + "\n";
    for (const auto& [role, kind] :
         {std::pair{"validators", "StatefulSet"}, std::pair{"nodes", "Deployment"},
          std::pair{"api", "Deployment"}}) {
      text += std::string("  ") + role + ": {kind: " + kind + ", name: " + role +
              ", container: pawd}\n";
    }
    Write("profile.yaml", text + more);
  }
  void Deploy() {
    Namespace();
    PutStatefulSet(api_.store(), "validators", 4);
    PutDeployment(api_.store(), "nodes", 2);
    PutDeployment(api_.store(), "api", 2);
  }
  void Namespace() {
    api_.store().Put("/api/v1/namespaces/paw",
                     {{"kind", "Namespace"}, {"metadata", {{"name", "paw"}, {"uid", "u"}}}});
  }

  net::ProcessResult Run(std::vector<std::string> argv) const {
    argv[0] = std::string(PAWK8S_BIN_DIR) + "/" + argv[0];
    const auto result =
        net::RunProcess({.argv = std::move(argv),
                         .env = {{"PAWK8S_PROFILE", (folder_ / "profile.yaml").string()},
                                 {"PAWK8S_RESULTS", (folder_ / "results").string()}}},
                        In(std::chrono::seconds(60)));
    EXPECT_TRUE(result.ok()) << result.status();
    return result.value_or(net::ProcessResult{.exit_code = -1});
  }
  net::ProcessResult Case(const std::string& test) const {
    return Run({"pawk8s_infrastructure", "--gtest_filter=" + test});
  }
  static constexpr const char* kRead = "PodLifecycle.AllReplicasRunningAndReady";
  static constexpr const char* kDisrupt = "PodLifecycle.ReplacementReadyWithinSla";

  fake::FakeApiServer api_;
  const TestFolder own_folder_;
  const std::filesystem::path folder_ = own_folder_.path();
  std::string ns_ = "paw";
};

TEST_F(Program, AHealthyDeploymentIsGreen) {
  Deploy();
  const auto ran = Case(kRead);
  EXPECT_EQ(ran.exit_code, 0) << ran.out << ran.err;
  const auto gate = Run({"pawk8s", "gate", "infrastructure"});
  EXPECT_EQ(gate.exit_code, 1);
  EXPECT_THAT(gate.out, HasSubstr("infrastructure: partial: 1 of 45, no verdict"));
}

TEST_F(Program, ListingNeedsNoClusterAndNoProfile) {
  const auto ran = Run({"pawk8s_security", "--gtest_list_tests"});
  EXPECT_EQ(ran.exit_code, 0);
  std::filesystem::remove(folder_ / "profile.yaml");
  const auto listed = Run({"pawk8s_infrastructure", "--gtest_list_tests"});
  EXPECT_EQ(listed.exit_code, 0);
  EXPECT_THAT(listed.out, HasSubstr("NodeIdSurvivesReplacement"));
}

TEST_F(Program, NothingPassesInAnAbsentNamespace) {
  ns_ = "absent";
  Profile("");
  const auto ran = Case("*");
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.out, Not(HasSubstr("[       OK ]")));
  EXPECT_THAT(ran.err, HasSubstr("no namespace absent"));
}

TEST_F(Program, NothingPassesInAnEmptyNamespace) {
  Namespace();
  const auto ran = Case("*");
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, Not(HasSubstr("[       OK ]")));
  EXPECT_THAT(ran.out, HasSubstr("INF-POD-01 blocked: needs validators"));
}

TEST_F(Program, AWorkloadWithAPodMissingIsViolatedByName) {
  Deploy();
  PutPod(
      api_.store(), "nodes-r-1",
      {.owner = "nodes-r", .ready = false, .revision_label = "pod-template-hash", .app = "nodes"});
  const auto ran = Case(kRead);
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, HasSubstr("INF-POD-01 violated:"));
  EXPECT_THAT(ran.out, HasSubstr("Deployment paw/nodes: 1 of 2 pods"));
}

TEST_F(Program, AnotherClusterIsRefused) {
  Deploy();
  Profile("  kube_system_uid: another\n");
  const auto uid = Case(kRead);
  EXPECT_EQ(uid.exit_code, 3);
  EXPECT_THAT(uid.err,
              HasSubstr("kube-system UID is uid-of-kube-system, the profile says another"));
  Profile("  ca_sha256: " + *net::CertificateSha256(api_.ca().certificate_pem()) + "\n");
  EXPECT_EQ(Case(kRead).exit_code, 0);
  Profile("  ca_sha256: 00\n");
  EXPECT_THAT(Case(kRead).err, HasSubstr("cluster CA is"));
}

TEST_F(Program, DisruptionIsRefusedUnlessAllowed) {
  Deploy();
  const auto ran = Case(kDisrupt);
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, HasSubstr("INF-POD-02 blocked: refused"));
  EXPECT_THAT(ran.out, HasSubstr("allow.disruption is false"));
  const auto prove = Run({"pawk8s", "prove", "INF-POD-01"});
  EXPECT_EQ(prove.exit_code, 4);
  EXPECT_THAT(prove.err, HasSubstr("allow.defects is false"));
}

TEST_F(Program, AnUnhealthyDeploymentBlocksDisruption) {
  Deploy();
  Profile("", "allow: {disruption: true}\n");
  const auto ran = Case(kDisrupt);
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, HasSubstr("INF-POD-02 blocked: the deployment was unhealthy before: the "
                                 "chain makes no blocks; no validator answers"));
}

TEST_F(Program, BadInputIsOneSentence) {
  EXPECT_EQ(Run({"pawk8s", "gate", "holiday"}).exit_code, 2);
  EXPECT_EQ(Run({"pawk8s"}).exit_code, 2);
  EXPECT_EQ(Run({"pawk8s", "prove", "INF-NO-99"}).exit_code, 4) << "defects are not allowed";
  const auto gate = Run({"pawk8s", "gate", "chaos"});
  EXPECT_EQ(gate.exit_code, 3);
  EXPECT_THAT(gate.err, HasSubstr("no run of chaos"));
  Namespace();
  const auto none = Case("Nothing.AtAll");
  EXPECT_EQ(none.exit_code, 1);
  EXPECT_THAT(none.err, HasSubstr("no case was selected"));
  Write("profile.yaml", "clutser: {}\n");
  const auto unknown = Case(kRead);
  EXPECT_EQ(unknown.exit_code, 3);
  EXPECT_THAT(unknown.err, HasSubstr("profile.yaml:1: "));
  std::filesystem::remove(folder_ / "profile.yaml");
  EXPECT_THAT(Case(kRead).err, HasSubstr("there is no profile"));
}

TEST_F(Program, AnUnreachableClusterIsOneSentence) {
  kube::Kubeconfig config = api_.config();
  config.server = "https://127.0.0.1:1";
  Write("kubeconfig", KubeconfigText(config));
  const auto ran = Run({"pawk8s", "preflight", "infrastructure"});
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.err, HasSubstr("cannot be observed"));
}

TEST_F(Program, ACaseThatIsNotImplementedIsRedAndRecorded) {
  Deploy();
  // Within one run, as under ctest: preflight belongs to this process, and so do the rest.
  ASSERT_EQ(Run({"pawk8s", "preflight", "chaos"}).exit_code, 0);
  const auto ran = Run({"pawk8s", "not-implemented", "CHA-POD-03"});
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, HasSubstr("CHA-POD-03 is not implemented"));
  EXPECT_EQ(Run({"pawk8s", "sweep", "chaos"}).exit_code, 0);
  EXPECT_THAT(Run({"pawk8s", "gate", "chaos"}).out,
              HasSubstr("chaos: partial: 1 of 65, no verdict\n  not implemented: 1 cases"));
}

}  // namespace
}  // namespace pawk8s
