// `pawk8s prove` as a user starts it, against the fake API server and its chain.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"
#include "pawk8s/net/digest.h"
#include "pawk8s/net/process.h"
#include "prove/prove_fixture.h"
#include "test_folder.h"
#include "workload_fixture.h"

namespace pawk8s {
namespace {

using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kNodes = "/apis/apps/v1/namespaces/paw/deployments/nodes";

class Prove : public testing::Test {
 protected:
  Prove() {
    api_.doors().Open("", fake::kChainPort, {.pages = fake::ChainPages()});
    auto& store = api_.store();
    store.Put("/api/v1/namespaces/kube-system",
              {{"kind", "Namespace"}, {"metadata", {{"name", "kube-system"}, {"uid", "c1"}}}});
    PutSmallDeployment(store, 2);
    const auto config = api_.config();
    folder_.Write("kubeconfig",
                  "current-context: main\n"
                  "contexts: [{name: main, context: {cluster: c, user: u}}]\n"
                  "clusters: [{name: c, cluster: {server: '" +
                      config.server +
                      "', certificate-authority-data: " + net::Base64Encode(config.ca_pem) +
                      "}}]\nusers: [{name: u, user: {token: '" + config.token + "'}}]\n");
    std::string profile = "cluster: {kubeconfig: " + Path("kubeconfig") +
                          "}\nallow: {disruption: true, defects: true}\n"
                          "budgets: {restore: 4s}\ndeployment:\n  namespace: paw\n";
    for (const auto& [role, kind] :
         {std::pair{"validators", "StatefulSet"}, std::pair{"nodes", "Deployment"},
          std::pair{"api", "Deployment"}}) {
      profile += std::string("  ") + role + ": {kind: " + kind + ", name: " + role +
                 ", container: pawd, min_replicas: 1}\n";
    }
    folder_.Write("profile.yaml", profile);
  }

  [[nodiscard]] std::string Path(const std::string& name) const {
    return (folder_.path() / name).string();
  }
  // A defect of INF-POD-01.
  static std::string Defect(const std::string& plant, const std::string& names = "nodes",
                            const std::string& more = "") {
    return "- id: INF-POD-01\n  defect: planted\n  lift: auto\n  names: " + names + "\n  plant: [" +
           plant + "]\n" + more;
  }
  // More replicas are wanted than there are pods: the case sees that.
  static constexpr const char* kMore = "{scale: {object: Deployment paw/nodes, replicas: 3}}";
  // Nothing that the case looks at.
  static constexpr const char* kHarmless =
      "{annotate: {object: Deployment paw/nodes, annotations: {harmless: 'true'}}}";

  net::ProcessResult Run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {std::string(PAWK8S_BIN_DIR) + "/pawk8s", "prove"});
    const auto ran = net::RunProcess({.argv = std::move(arguments), .env = Environment()},
                                     In(std::chrono::seconds(60)));
    EXPECT_TRUE(ran.ok()) << ran.status();
    return ran.value_or(net::ProcessResult{.exit_code = -1});
  }
  net::ProcessResult ProveDefect(const std::string& defect) const {
    folder_.Write("defects.yaml", defect);
    return Run({"--defects", Path("defects.yaml")});
  }
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> Environment() const {
    return {{"PAWK8S_PROFILE", Path("profile.yaml")}, {"PAWK8S_RESULTS", Path("results")}};
  }
  json Live(const std::string& path) {
    fake::Target target;
    fake::ParseTarget(path, &target);
    return api_.store().Get(target).body;
  }
  // Starts a prove, and sends it `signal` once its defect is planted: its exit code.
  int ProveAndSignal(int signal) {
    folder_.Write("defects.yaml", Defect(kMore, "nodes", "  settle: 30s\n"));
    const pid_t pid = fork();
    if (pid == 0) {
      for (const auto& [key, value] : Environment()) setenv(key.c_str(), value.c_str(), 1);
      const std::string program = std::string(PAWK8S_BIN_DIR) + "/pawk8s";
      const std::string defects = Path("defects.yaml");
      execl(program.c_str(), "pawk8s", "prove", "--defects", defects.c_str(), nullptr);
      _exit(127);
    }
    const Deadline deadline = In(std::chrono::seconds(30));
    while (Live(kNodes)["spec"]["replicas"] != 3 && !deadline.Over()) usleep(20'000);
    usleep(200'000);
    kill(pid, signal);
    int status = 0;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }

  fake::FakeApiServer api_;
  const TestFolder folder_;
};

TEST_F(Prove, ACaughtDefectIsKilledAndLifted) {
  const auto ran = ProveDefect(Defect(kMore));
  EXPECT_EQ(ran.exit_code, 0) << ran.out << ran.err;
  EXPECT_THAT(ran.out, AllOf(HasSubstr("INF-POD-01  killed"), HasSubstr("killed: 1"),
                             HasSubstr("Deployment paw/nodes: 2 of 3 pods")));
  EXPECT_EQ(Live(kNodes)["spec"]["replicas"], 2);
}

TEST_F(Prove, EveryOtherEndIsToldApart) {
  const auto survived = ProveDefect(Defect(kHarmless));
  EXPECT_EQ(survived.exit_code, 1) << survived.err;
  EXPECT_THAT(survived.out, HasSubstr("INF-POD-01  survived"));
  EXPECT_THAT(ProveDefect(Defect(kMore, "another-thing")).out, HasSubstr("INF-POD-01  wrong name"));
  const auto nothing = ProveDefect(Defect("{scale: {object: Deployment paw/nodes, replicas: 2}}"));
  EXPECT_THAT(nothing.out, AllOf(HasSubstr("not planted"), HasSubstr("it changes nothing")));
  const auto refused = ProveDefect(Defect("{vault: {path: secret/x}}"));
  EXPECT_EQ(refused.exit_code, 4);
  EXPECT_THAT(refused.out, AllOf(HasSubstr("INF-POD-01  refused"), HasSubstr("no Vault")));
}

TEST_F(Prove, ACaseThatIsRedBeforeProvesNothing) {
  const std::string profile = Path("profile.yaml");
  const auto kept = *net::RunProcess({.argv = {"cat", profile}}, Soon());
  std::string raised = kept.out;
  raised.replace(raised.rfind("min_replicas: 1"), 15, "min_replicas: 9");
  folder_.Write("profile.yaml", raised);
  const auto ran = ProveDefect(Defect(kMore));
  EXPECT_EQ(ran.exit_code, 1);
  EXPECT_THAT(ran.out, HasSubstr("INF-POD-01  green failed"));
}

TEST_F(Prove, AnInterruptLifts) {
  EXPECT_EQ(ProveAndSignal(SIGINT), 1);
  EXPECT_EQ(Live(kNodes)["spec"]["replicas"], 2);
  EXPECT_THAT(Run({"--lift"}).out, HasSubstr("nothing is planted"));
}

TEST_F(Prove, AfterAKillTheNextOneLifts) {
  EXPECT_EQ(ProveAndSignal(SIGKILL), 128 + SIGKILL);
  EXPECT_EQ(Live(kNodes)["spec"]["replicas"], 3);
  const auto lifted = Run({"--lift"});
  EXPECT_EQ(lifted.exit_code, 0) << lifted.err;
  EXPECT_EQ(Live(kNodes)["spec"]["replicas"], 2);
  EXPECT_EQ(ProveAndSignal(SIGKILL), 128 + SIGKILL);
  const auto next = ProveDefect(Defect(kMore));
  EXPECT_EQ(next.exit_code, 0) << next.out << next.err;
  EXPECT_THAT(next.err, HasSubstr("lifting what an interrupted prove left: planted"));
}

TEST_F(Prove, ResumeKeepsWhatIsSettled) {
  ASSERT_EQ(ProveDefect(Defect(kMore)).exit_code, 0);
  const auto resumed = Run({"--defects", Path("defects.yaml"), "--resume"});
  EXPECT_EQ(resumed.exit_code, 0);
  EXPECT_THAT(resumed.err, Not(HasSubstr("planting")));
  EXPECT_THAT(resumed.out, HasSubstr("killed: 1"));
  folder_.Write("defects.yaml", Defect(kHarmless));
  EXPECT_THAT(Run({"--defects", Path("defects.yaml"), "--resume"}).err, HasSubstr("planting"));
}

TEST_F(Prove, ListsAreCheckedWithoutACluster) {
  const std::string program = std::string(PAWK8S_BIN_DIR) + "/pawk8s";
  const auto own = net::RunProcess(
      {.argv = {"env", "-u", "PAWK8S_PROFILE", program, "prove", "--check"}}, Soon());
  EXPECT_EQ(own->exit_code, 0) << own->err;
  EXPECT_THAT(own->out, HasSubstr("infrastructure.yaml: "));
  folder_.Write("bad.yaml", Defect("{explode: {}}"));
  const auto bad = Run({"--check", "--defects", Path("bad.yaml")});
  EXPECT_EQ(bad.exit_code, 2);
  EXPECT_THAT(bad.err, HasSubstr("bad.yaml:5: unknown step 'explode'"));
  folder_.Write("unknown.yaml", "- {id: INF-XX-99, defect: d, lift: auto, names: x, plant: [" +
                                    std::string(kMore) + "]}\n");
  EXPECT_THAT(Run({"--check", "--defects", Path("unknown.yaml")}).err,
              HasSubstr("the catalogue has no case INF-XX-99"));
}

TEST_F(Prove, BadInputIsOneSentence) {
  EXPECT_EQ(Run({}).exit_code, 2);
  EXPECT_EQ(Run({"NO-SUCH-1"}).exit_code, 2);
  EXPECT_EQ(Run({"INF-POD-01", "--shard", "3/2"}).exit_code, 2);
  json deployment = Live(kNodes);
  deployment["spec"]["replicas"] = 5;
  api_.store().Put(kNodes, deployment);
  const auto unhealthy = ProveDefect(Defect(kMore));
  EXPECT_EQ(unhealthy.exit_code, 4);
  EXPECT_THAT(unhealthy.err, HasSubstr("unhealthy deployment: Deployment paw/nodes: 2 of 5"));
}

}  // namespace
}  // namespace pawk8s
