// Real ctest, real preflight, sweep and gate over a phase of 65 cases that behave as told.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"
#include "kubeconfig_text.h"
#include "pawk8s/net/process.h"
#include "test_folder.h"

namespace pawk8s {
namespace {

using testing::HasSubstr;
using testing::Not;

class GateHonesty : public testing::Test {
 protected:
  GateHonesty() {
    api_.doors().Open("", fake::kChainPort, {.pages = fake::ChainPages()});
    api_.store().Put(
        "/api/v1/namespaces/kube-system",
        {{"kind", "Namespace"}, {"metadata", {{"name", "kube-system"}, {"uid", "c"}}}});
    folder_.Write("kubeconfig", KubeconfigText(api_.config()));
    std::string profile = fmt::format(
        "cluster: {{kubeconfig: {}}}\ndeployment:\n  namespace: paw\n", Path("kubeconfig"));
    for (const char* role : {"validators", "nodes", "api"}) {
      profile += fmt::format("  {0}: {{kind: Deployment, name: {0}, container: c}}\n", role);
    }
    folder_.Write("profile.yaml", profile);
    std::string catalogue;
    std::string tests = "set(discovered)\n";
    for (int i = 1; i <= 65; ++i) {
      catalogue += fmt::format(
          "- {{id: CHA-FAK-{0:02}, suite: Fake, case: C{0:02}, item: i, proves: p, mutant: m, "
          "needs: [], impact: read, seconds: 1}}\n",
          i);
      tests += fmt::format(
          "add_test(chaos.Fake.C{0:02} {1}/pawk8s_selftest_phase --gtest_filter=Fake.C{0:02})\n"
          "list(APPEND discovered chaos.Fake.C{0:02})\n",
          i, PAWK8S_BIN_DIR);
    }
    folder_.Write("chaos.yaml", catalogue);
    const auto made = Run({std::string(PAWK8S_BIN_DIR) + "/pawk8s-catalogue", "properties",
                           Path("chaos.yaml"), Path("CaseProperties.cmake"), "--discovered",
                           "discovered", "--pawk8s", std::string(PAWK8S_BIN_DIR) + "/pawk8s",
                           "--script", PAWK8S_SOURCE_DIR "/cmake/CaseProperties.cmake"});
    EXPECT_EQ(made.exit_code, 0) << made.err;
    // The real limit of half an hour is too long to be seen.
    folder_.Write("CTestTestfile.cmake",
                  tests + fmt::format("include({})\n", Path("CaseProperties.cmake")) +
                      "set_tests_properties(chaos.Fake.C65 PROPERTIES TIMEOUT 4)\n");
  }

  [[nodiscard]] std::string Path(const std::string& name) const {
    return (folder_.path() / name).string();
  }
  [[nodiscard]] net::ProcessResult Run(std::vector<std::string> argv,
                                       const std::string& behaviour = "") const {
    const auto ran = net::RunProcess({.argv = std::move(argv),
                                      .env = {{"PAWK8S_PROFILE", Path("profile.yaml")},
                                              {"PAWK8S_RESULTS", Path("results")},
                                              {"PAWK8S_CATALOGUE", folder_.path().string()},
                                              {"PAWK8S_SELFTEST_BEHAVIOUR", behaviour}}},
                                     In(std::chrono::seconds(240)));
    EXPECT_TRUE(ran.ok()) << ran.status();
    return ran.value_or(net::ProcessResult{.exit_code = -1});
  }
  // Runs the phase with ctest, then the gate: what the gate prints, after its exit code.
  [[nodiscard]] std::string Verdict(const std::string& behaviour) {
    const auto ctest = Run({PAWK8S_CTEST, "--test-dir", folder_.path().string(), "-L", "^chaos$",
                            "-E", "gate$", "-j", "4"},
                           behaviour);
    ctest_ = ctest.out;
    EXPECT_EQ(ctest.exit_code == 0, behaviour.empty()) << ctest_;
    const auto gate = Run({std::string(PAWK8S_BIN_DIR) + "/pawk8s", "gate", "chaos"}, behaviour);
    return fmt::format("exit {}\n{}{}", gate.exit_code, gate.out, gate.err);
  }

  fake::FakeApiServer api_;
  const TestFolder folder_;
  std::string ctest_;
};

TEST_F(GateHonesty, AGreenRunPasses) {
  const std::string verdict = Verdict("");
  EXPECT_THAT(verdict, HasSubstr("exit 0"));
  EXPECT_THAT(verdict, HasSubstr("chaos: PASS: 65 of 65 passed"));
}

TEST_F(GateHonesty, SkippedCrashedAndTimedOutCountAgainstIt) {
  const std::string verdict = Verdict("C01=skip C02=segv C65=hang");
  EXPECT_THAT(verdict, HasSubstr("exit 0")) << "62 of 65 are 95.3 %";
  EXPECT_THAT(verdict, HasSubstr("chaos: PASS: 62 of 65 passed"));
  EXPECT_THAT(verdict, HasSubstr("CHA-FAK-01 blocked"));
  EXPECT_THAT(verdict, HasSubstr("CHA-FAK-02 crashed"));
  EXPECT_THAT(verdict, HasSubstr("CHA-FAK-65 crashed"));
  EXPECT_THAT(ctest_, HasSubstr("3 tests failed out of 67"));
}

TEST_F(GateHonesty, SixtyOneOf65AreTooFew) {
  const std::string verdict = Verdict("C01=abort C02=kill C03=exit C04=fail");
  EXPECT_THAT(verdict, HasSubstr("exit 1"));
  EXPECT_THAT(verdict, HasSubstr("chaos: FAIL: 61 of 65 passed"));
  for (const char* line :
       {"CHA-FAK-01 crashed", "CHA-FAK-02 crashed", "CHA-FAK-03 crashed", "CHA-FAK-04 violated"}) {
    EXPECT_THAT(verdict, HasSubstr(line));
  }
}

TEST_F(GateHonesty, UnrecordedAndStaleCasesLeaveNoVerdict) {
  const std::string verdict = Verdict("C01=unrecorded C02=stale C03=empty");
  EXPECT_THAT(verdict, HasSubstr("exit 1"));
  EXPECT_THAT(verdict, HasSubstr("chaos: partial: 63 of 65, no verdict"));
  EXPECT_THAT(verdict, HasSubstr("CHA-FAK-03 unobservable"));
  EXPECT_THAT(verdict, Not(HasSubstr("PASS")));
}

}  // namespace
}  // namespace pawk8s
