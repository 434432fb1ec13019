// The programs as a user starts them, against the fake API server: exit codes, the one sentence of
// each bad input, and that nothing passes where there is nothing to see.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"
#include "kubeconfig_text.h"
#include "pawk8s/kube/client.h"
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

  void Lease(const std::string& run, const std::string& renewed) {
    api_.store().Put(
        "/apis/coordination.k8s.io/v1/namespaces/pawk8s/leases/run-paw",
        {{"kind", "Lease"},
         {"metadata", {{"name", "run-paw"}, {"namespace", "pawk8s"}, {"uid", "u"}}},
         {"spec",
          {{"holderIdentity", run}, {"leaseDurationSeconds", 1800}, {"renewTime", renewed}}}});
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
  EXPECT_THAT(ran.out, HasSubstr("case INF-POD-01"));
  EXPECT_THAT(ran.out, HasSubstr("not judged: blocked: needs validators"));
}

TEST_F(Program, AWorkloadWithAPodMissingIsViolatedByName) {
  Deploy();
  PutPod(
      api_.store(), "nodes-r-1",
      {.owner = "nodes-r", .ready = false, .revision_label = "pod-template-hash", .app = "nodes"});
  const auto ran = Case(kRead);
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, HasSubstr("case INF-POD-01"));
  EXPECT_THAT(ran.out, HasSubstr("verdict: violated"));
  EXPECT_THAT(ran.out, HasSubstr("  Actual: Deployment paw/nodes: 1 of 2 pods"));
  EXPECT_THAT(ran.out, HasSubstr("tests/infrastructure/pod_lifecycle_test.cc:"));
  EXPECT_THAT(ran.out, HasSubstr("nodes 1/2 ready"));
  EXPECT_TRUE(std::filesystem::exists(folder_ / "results" / "infrastructure" / "current" /
                                      "INF-POD-01" / "pods.json"));
}

TEST_F(Program, WhyExplainsTheLastRecordAndWhatChanged) {
  Deploy();
  EXPECT_EQ(Case(kRead).exit_code, 0);
  const auto passed = Run({"pawk8s", "why", "INF-POD-01"});
  EXPECT_EQ(passed.exit_code, 0) << passed.err;
  EXPECT_THAT(passed.out, HasSubstr("INF-POD-01 passed"));
  EXPECT_THAT(passed.out, HasSubstr("Rate: 0 of 1 runs did not pass, 0.0 %; at most 95.0 %"));
  Profile("", "allow: {disruption: true}\n");
  PutPod(
      api_.store(), "nodes-r-1",
      {.owner = "nodes-r", .ready = false, .revision_label = "pod-template-hash", .app = "nodes"});
  EXPECT_EQ(Case(kRead).exit_code, 1);
  const auto why = Run({"pawk8s", "why", kRead});
  EXPECT_EQ(why.exit_code, 1);
  EXPECT_THAT(why.out, HasSubstr("verdict: violated"));
  EXPECT_THAT(why.out, HasSubstr("History: .X"));
  EXPECT_THAT(why.out, HasSubstr("Passed: last in run "));
  EXPECT_THAT(why.out, HasSubstr("Changed: the profile\n    + allow: {disruption: true}"));
  const auto json = Run({"pawk8s", "why", "INF-POD-01", "--json"});
  EXPECT_THAT(json.out, HasSubstr("\"failed\": 1"));
  EXPECT_THAT(json.out, HasSubstr("\"state\": \"violated\""));
}

TEST_F(Program, WhyOfWhatIsNotThereIsOneSentence) {
  const auto unknown = Run({"pawk8s", "why", "INF-NO-99"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("there is no case INF-NO-99"));
  const auto none = Run({"pawk8s", "why", "INF-POD-01"});
  EXPECT_EQ(none.exit_code, 3);
  EXPECT_THAT(none.err, HasSubstr("has a record of INF-POD-01: run it with ctest"));
  Deploy();
  EXPECT_EQ(Case(kRead).exit_code, 0);
  const auto run = Run({"pawk8s", "why", "INF-POD-01", "--run", "20200101T000000-0000"});
  EXPECT_EQ(run.exit_code, 3);
  EXPECT_THAT(run.err, HasSubstr("run 20200101T000000-0000 has no record of INF-POD-01"));
}

TEST_F(Program, AFailureIsNotForgottenWhenTheCaseRunsAgainInTheSameRun) {
  Deploy();
  ASSERT_EQ(Run({"pawk8s", "preflight", "infrastructure"}).exit_code, 0);
  PutPod(
      api_.store(), "nodes-r-1",
      {.owner = "nodes-r", .ready = false, .revision_label = "pod-template-hash", .app = "nodes"});
  EXPECT_EQ(Case(kRead).exit_code, 1);
  Deploy();
  EXPECT_EQ(Case(kRead).exit_code, 0);
  EXPECT_THAT(Run({"pawk8s", "gate", "infrastructure"}).out,
              HasSubstr("passed at attempt 2 of this run, failed before: Expected:"));
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
  EXPECT_THAT(ran.out, HasSubstr("not judged: blocked: refused"));
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
  EXPECT_THAT(ran.out,
              HasSubstr("not judged: blocked: the deployment was unhealthy before: the chain "
                        "makes no blocks; no validator answers"));
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

TEST_F(Program, PreflightNamesTheRightsThatAreMissing) {
  Deploy();
  api_.Deny("get", "pods/portforward", "paw");
  const auto ran = Run({"pawk8s", "preflight", "infrastructure"});
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.err, HasSubstr("admin may not get pods/portforward in paw (for observe): an "
                                 "administrator grants it with `pawk8s rbac"));
}

TEST_F(Program, ANeedThatIsNotProvidedCountsAgainstAndIsListedApart) {
  Deploy();
  Profile("", "not_provided: [api]\n");
  const auto ran = Case(kRead);
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, HasSubstr("not judged: blocked: needs api: not provided, as "));
  EXPECT_THAT(Run({"pawk8s", "gate", "infrastructure"}).out,
              HasSubstr("  not provided: api, which 4 cases need: INF-POD-01 INF-HP-04 "));
}

TEST_F(Program, APlanSaysWhatStandsInTheWay) {
  Deploy();
  Profile("", "not_provided: [expansion]\n");
  api_.Deny("create", "pods/eviction", "paw");
  const auto ran = Run({"pawk8s", "plan", "infrastructure"});
  EXPECT_EQ(ran.exit_code, 0) << ran.err;
  for (const char* line :
       {"plan: 45 cases, ", "\nINF-POD-01   read        1 s  PodLifecycle.AllReplicasRunning",
        "not run, refused: allow.disruption is false\n", "not run, expansion is declared as not",
        "not run, blocked: the profile does not say deployment.policies.quota",
        "LACKS create pods/", "rights of admin\n", "  validators        45 cases  present\n"}) {
    EXPECT_THAT(ran.out, HasSubstr(line));
  }
  std::istringstream lines(ran.out);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 100u) << line;
  const auto as_json = Run({"pawk8s", "plan", "INF-POD-02", "--json"});
  const auto plan = kube::Json::parse(as_json.out, nullptr, false);
  EXPECT_EQ(kube::FindInt(plan, {"runs"}), 0) << as_json.out;
}

TEST_F(Program, APlanNeedsNoCluster) {
  const auto offline = Run({"pawk8s", "plan", "PodLifecycle", "--offline"});
  EXPECT_EQ(offline.exit_code, 0);
  EXPECT_THAT(offline.out, HasSubstr("the cluster was not asked: --offline was given"));
  Write("kubeconfig", "x");
  const auto broken = Run({"pawk8s", "plan", "PodLifecycle"});
  EXPECT_EQ(broken.exit_code, 0);
  EXPECT_THAT(broken.out, HasSubstr("the cluster was not asked: "));
  EXPECT_EQ(Run({"pawk8s", "plan", "Nonsense"}).exit_code, 2);
  Profile("", "not_provided: [expanson]\n");
  const auto unknown = Run({"pawk8s", "plan", "PodLifecycle"});
  EXPECT_EQ(unknown.exit_code, 2);
  EXPECT_THAT(unknown.err, HasSubstr("not_provided names 'expanson', which no case needs"));
}

TEST_F(Program, InitNeedsAChain) {
  Deploy();
  const auto none = Run({"pawk8s", "init", "--kubeconfig", (folder_ / "kubeconfig").string()});
  EXPECT_EQ(none.exit_code, 3);
  EXPECT_EQ(none.out, "");
  EXPECT_THAT(none.err, HasSubstr("runs a CometBFT validator"));
  EXPECT_EQ(Run({"pawk8s", "init", "--kubeconfig", "/nonexistent"}).exit_code, 2);
  EXPECT_EQ(Run({"pawk8s", "init", "--context", "none", "--kubeconfig",
                 (folder_ / "kubeconfig").string()})
                .exit_code,
            3);
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

TEST_F(Program, TwoRunsAtOnceAreOneTooMany) {
  Deploy();
  Profile("", "allow: {disruption: true}\n");
  Lease("other-run", "2099-01-01T00:00:00.000000Z");
  const auto ran = Case(kRead);
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.err, HasSubstr("run other-run holds the deployment since 2099"));
  const auto restore = Run({"pawk8s", "restore"});
  EXPECT_EQ(restore.exit_code, 4);
  EXPECT_THAT(restore.err, HasSubstr("pawk8s restore --run other-run"));
  EXPECT_EQ(Run({"pawk8s", "restore", "--run", "other-run"}).exit_code, 0);
  EXPECT_EQ(Case(kRead).exit_code, 0);
}

TEST_F(Program, AnAbandonedRunIsLiftedBeforeTheNext) {
  Deploy();
  Profile("", "allow: {disruption: true}\n");
  Lease("dead-run", "2026-01-01T00:00:00.000000Z");
  const std::string set = "/apis/apps/v1/namespaces/paw/statefulsets/validators";
  api_.store().Put("/api/v1/namespaces/pawk8s/configmaps/ledger-paw",
                   {{"kind", "ConfigMap"},
                    {"metadata", {{"name", "ledger-paw"}, {"namespace", "pawk8s"}, {"uid", "u"}}},
                    {"data",
                     {{"e1",
                       R"({"version":1,"run":"dead-run","case":"INF-STS-01","what":"scale it to 4",
              "planned":"2026-01-01T00:00:00.000Z","expires":"2026-01-01T00:01:00.000Z",
              "undo":{"do":"patch","uid":"uid-validators","patch":{"spec":{"replicas":5}},
                      "object":{"group":"apps","version":"v1","resource":"statefulsets",
                                "kind":"StatefulSet","namespaced":true,"namespace":"paw",
                                "name":"validators"}}})"}}}});
  const auto ran = Case(kRead);
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_THAT(ran.err, HasSubstr("1 change(s) of run dead-run were not taken back, the first is "
                                 "'scale it to 4': pawk8s restore"));
  EXPECT_EQ(Run({"pawk8s", "restore"}).exit_code, 0);
  kube::Client client(api_.config());
  const auto restored = client.Get({kube::kStatefulSets, "paw", "validators"}, Soon());
  ASSERT_THAT(restored, IsOk());
  EXPECT_EQ(kube::FindInt(restored->json(), {"spec", "replicas"}), 5) << set;
  EXPECT_EQ(Run({"pawk8s", "restore"}).exit_code, 0) << "a second time there is nothing to do";
}

TEST_F(Program, AClusterThatIsSwappedMidRunIsLeftAlone) {
  Deploy();
  Profile("  kube_system_uid: uid-of-kube-system\n", "allow: {disruption: true}\n");
  ASSERT_EQ(Run({"pawk8s", "preflight", "infrastructure"}).exit_code, 0);
  api_.store().Put(
      "/api/v1/namespaces/kube-system",
      {{"kind", "Namespace"}, {"metadata", {{"name", "kube-system"}, {"uid", "another"}}}});
  const auto ran = Case(kDisrupt);
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, HasSubstr("verdict: blocked"));
  EXPECT_THAT(ran.out, HasSubstr("kube-system UID is another"));
  EXPECT_EQ(Run({"pawk8s", "sweep", "infrastructure"}).exit_code, 0);
}

}  // namespace
}  // namespace pawk8s
