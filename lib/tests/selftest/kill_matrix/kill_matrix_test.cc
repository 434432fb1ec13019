// Whatever dies in the middle of a fault, the deployment is back as it was by the fault's deadline
// (or the API server's return, if that is later) and 15 s more. On a testbed of this machine
// ($PAWK8S_PROFILE): the API server is stopped by signal.
//
// $PAWK8S_KILL_MATRIX=full runs every pair; without it a dozen.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <tuple>

#include "kinds.h"
#include "kube/test_util.h"
#include "pawk8s/base/clock.h"
#include "pawk8s/deployment/baseline.h"
#include "pawk8s/deployment/session.h"
#include "pawk8s/wait/until.h"

namespace pawk8s::selftest {
namespace {

using testing::IsEmpty;

constexpr std::chrono::seconds kGrace{15};
constexpr std::chrono::seconds kApiServerAway{20};

enum class Strike {
  kRunnerWhileArming,
  kRunnerWhileActive,
  kRunnerWhileReverting,
  kAgentPod,
  kAgentProcess,
  kApiServer,
  kContainerAgainAndAgain,
  kTargetPod,
};
constexpr std::array<std::pair<Strike, const char*>, 8> kStrikes = {{
    {Strike::kRunnerWhileArming, "RunnerKilledWhileArming"},
    {Strike::kRunnerWhileActive, "RunnerKilledWhileActive"},
    {Strike::kRunnerWhileReverting, "RunnerKilledWhileReverting"},
    {Strike::kAgentPod, "AgentPodDeleted"},
    {Strike::kAgentProcess, "AgentProcessKilled"},
    {Strike::kApiServer, "ApiServerStoppedFor20s"},
    {Strike::kContainerAgainAndAgain, "TargetContainerCrashLooping"},
    {Strike::kTargetPod, "TargetPodDeleted"},
}};

// How long the fault is held. Where the strike itself restarts the target, long enough for the
// kubelet's back-off and for catching up: what is asked is whether the fault adds to that.
std::chrono::seconds HoldFor(Strike strike) {
  const bool restarts = strike == Strike::kContainerAgainAndAgain || strike == Strike::kTargetPod;
  return std::chrono::seconds(restarts ? 60 : 15);
}

// The runner's process, with its steps on a pipe.
class Runner {
 public:
  Runner(const std::string& kind, std::chrono::seconds hold_for) {
    std::array<int, 2> out{};
    std::array<int, 2> in{};
    EXPECT_EQ(::pipe2(out.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(in.data(), O_CLOEXEC), 0);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, in[0], STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    std::string program =
        (std::filesystem::canonical("/proc/self/exe").parent_path() / "pawk8s_fault_runner")
            .string();
    std::string name = kind;
    std::string hold = std::to_string(hold_for.count());
    std::array<char*, 4> argv{program.data(), name.data(), hold.data(), nullptr};
    EXPECT_EQ(::posix_spawn(&pid_, program.c_str(), &files, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
    ::close(out[1]);
    ::close(in[0]);
    steps_ = out[0];
    go_ = in[1];
  }
  ~Runner() {
    if (pid_ > 0) Kill();
    ::close(steps_);
    ::close(go_);
  }
  Runner(const Runner&) = delete;
  Runner& operator=(const Runner&) = delete;

  // Lets it go on until it says `step`, where it waits; false if it ended before.
  bool Await(const std::string& step) {
    std::string line;
    char c = 0;
    while (::read(steps_, &c, 1) == 1) {
      if (c != '\n') {
        line += c;
      } else {
        if (line == step) return true;
        Go();
        line.clear();
      }
    }
    return false;
  }
  void Go() { EXPECT_EQ(::write(go_, "\n", 1), 1); }
  // Lets it run to its end.
  void GoOn() { EXPECT_EQ(::write(go_, "\n\n\n\n\n\n", 6), 6); }
  void Kill() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  int steps_ = -1;
  int go_ = -1;
};

// The API server's process on this machine that serves the profile's cluster.
pid_t ApiServerOf(const Profile& profile) {
  const std::string state = std::filesystem::path(profile.cluster.kubeconfig).parent_path();
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const std::string name = entry.path().filename();
    if (name.find_first_not_of("0123456789") != std::string::npos) continue;
    std::ifstream file(entry.path() / "cmdline");
    const std::string program((std::istreambuf_iterator<char>(file)), {});
    if (!program.starts_with("kube-apiserver")) continue;
    std::ifstream groups(entry.path() / "cgroup");
    const std::string cgroup((std::istreambuf_iterator<char>(groups)), {});
    const std::string instance = std::filesystem::path(state).filename();
    if (cgroup.find("/pawk8s-" + instance + "/") != std::string::npos) return std::stoi(name);
  }
  return 0;
}

class KillMatrix : public testing::TestWithParam<std::tuple<std::string_view, int>> {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);  // a runner that has ended reads nothing
    ASSERT_OK_AND_ASSIGN(profile_, Profile::FromEnvironment());
    ASSERT_OK_AND_ASSIGN(paw_, Deployment::Connect(profile_));
    agents_ = std::make_unique<agent::Agent>(paw_->kube(), AgentOptions(profile_, "kill-matrix"));
    AwaitHealth();
    if (HasFatalFailure()) return;
    ASSERT_OK_AND_ASSIGN(target_, paw_->SpareValidator(Within()));
    // The kubelet's back-off of earlier strikes would be counted against this one.
    ASSERT_OK_AND_ASSIGN(const bool renewed, DeleteIfRestarted(target_));
    if (renewed) {
      Clock::Real().Sleep(std::chrono::seconds(2), Within());
      AwaitHealth();
      if (HasFatalFailure()) return;
      ASSERT_OK_AND_ASSIGN(target_, paw_->SpareValidator(Within()));
    }
    ASSERT_OK_AND_ASSIGN(const auto pods,
                         paw_->kube().List({kube::kPods, profile_.agent.ns}, Within()));
    for (const kube::Pod& pod : kube::As<kube::Pod>(pods.items)) {
      ASSERT_THAT(DeleteIfRestarted(pod), IsOk());
    }
    ASSERT_OK_AND_ASSIGN(before_, Baseline::Read(*paw_, Within()));
    ASSERT_THAT(before_.Problems(), IsEmpty());
  }
  // What the strike before this one has restarted may still be starting.
  void AwaitHealth() {
    const auto report = Until(
        In(std::chrono::minutes(3)), Every(Millis{1000}),
        [&](const Deadline& d) -> absl::StatusOr<std::vector<std::string>> {
          ASSIGN_OR_RETURN(const Baseline now, Baseline::Read(*paw_, d));
          return now.Problems();
        },
        [](const std::vector<std::string>& problems) { return problems.empty(); });
    ASSERT_TRUE(report.status.ok())
        << report.status << (report.last && !report.last->empty() ? report.last->front() : "");
  }
  absl::StatusOr<bool> DeleteIfRestarted(const kube::Pod& pod) {
    if (pod.restart_count().value_or(0) == 0) return false;
    RETURN_IF_ERROR(paw_->kube().Delete({kube::kPods, pod.ns(), pod.name()}, Within()));
    return true;
  }
  static Deadline Within() { return In(std::chrono::seconds(60)); }

  void Do(Strike strike, Runner& runner) {
    switch (strike) {
      case Strike::kRunnerWhileArming:
      case Strike::kRunnerWhileActive:
      case Strike::kRunnerWhileReverting:
        runner.Kill();
        return;
      case Strike::kAgentPod: {
        const auto pods = paw_->kube().List(
            {kube::kPods, profile_.agent.ns, "", "spec.nodeName=" + target_.node().value_or("")},
            Within());
        ASSERT_THAT(pods, IsOk());
        for (const kube::Object& pod : pods->items) {
          ASSERT_THAT(paw_->kube().Delete({kube::kPods, pod.ns(), pod.name()}, Within()), IsOk());
        }
        return;
      }
      case Strike::kAgentProcess: {
        const auto pods = paw_->kube().List(
            {kube::kPods, profile_.agent.ns, "", "spec.nodeName=" + target_.node().value_or("")},
            Within());
        ASSERT_THAT(pods, IsOk());
        for (const kube::Pod& pod : kube::As<kube::Pod>(pods->items)) {
          SignalContainer(pod, pod.container_statuses().front().name);
        }
        return;
      }
      case Strike::kApiServer: {
        const pid_t pid = ApiServerOf(profile_);
        ASSERT_GT(pid, 0) << "the API server does not run on this machine";
        ASSERT_EQ(::kill(pid, SIGSTOP), 0);
        runner.GoOn();
        Clock::Real().Sleep(kApiServerAway, In(kApiServerAway));
        ASSERT_EQ(::kill(pid, SIGCONT), 0);
        return;
      }
      case Strike::kContainerAgainAndAgain:
        for (int i = 0; i < 2; ++i) {
          ASSERT_OK_AND_ASSIGN(
              const auto now,
              paw_->kube().Get({kube::kPods, target_.ns(), target_.name()}, Within()));
          SignalContainer(kube::Pod(now), profile_.validators.container);
          Clock::Real().Sleep(std::chrono::seconds(3), In(std::chrono::seconds(3)));
        }
        return;
      case Strike::kTargetPod:
        ASSERT_THAT(paw_->kube().Delete({kube::kPods, target_.ns(), target_.name()}, Within()),
                    IsOk());
        return;
    }
  }
  void SignalContainer(const kube::Pod& pod, const std::string& container) {
    const auto node = agents_->For(pod, Within());
    ASSERT_THAT(node, IsOk());
    const auto target = agent::TargetOf(pod, container);
    if (!target.ok()) return;  // it does not run at this moment, which is what is wanted
    // An agent that ends itself cannot answer.
    const auto sent = node->Call(agent::SignalRequest{.target = *target}, Within());
    (void)sent;
  }

  // Everything as before, nothing in the ledger, no fault on any node.
  absl::StatusOr<std::vector<std::string>> Lost(const Deadline& deadline) {
    ASSIGN_OR_RETURN(const Baseline now, Baseline::Read(*paw_, deadline));
    std::vector<std::string> lost = before_.LostSince(now);
    fault::Ledger ledger(paw_->kube(), kSuiteNamespace, profile_.ns);
    ASSIGN_OR_RETURN(const auto entries, ledger.Read(deadline));
    for (const auto& entry : entries) lost.push_back("in the ledger: " + entry.what);
    ASSIGN_OR_RETURN(const auto running, agents_->Running(deadline));
    for (const agent::NodeAgent& node : running) {
      ASSIGN_OR_RETURN(const auto list, node.Call(agent::FaultsRequest{}, deadline));
      for (const agent::FaultState& fault : list.faults) {
        if (fault.phase != agent::FaultPhase::kReverted) {
          lost.push_back(node.node() + " still holds " + fault.kind);
        }
      }
    }
    return lost;
  }

  Profile profile_;
  std::unique_ptr<Deployment> paw_;
  std::unique_ptr<agent::Agent> agents_;
  kube::Pod target_{kube::Object()};
  Baseline before_;
};

TEST_P(KillMatrix, IsBackByTheDeadline) {
  const auto [kind, index] = GetParam();
  const Strike strike = kStrikes.at(static_cast<std::size_t>(index)).first;
  const std::chrono::seconds hold = HoldFor(strike);
  Runner runner(std::string(kind), hold);
  const std::string step = strike == Strike::kRunnerWhileArming      ? "arming"
                           : strike == Strike::kRunnerWhileReverting ? "reverting"
                                                                     : "active";
  ASSERT_TRUE(runner.Await(step)) << "the fault was not armed";
  const SteadyTime armed = std::chrono::steady_clock::now();
  Do(strike, runner);
  if (strike > Strike::kRunnerWhileReverting && strike != Strike::kApiServer) runner.GoOn();
  // An object cannot come back while there is no API server; what is on a node can, and does.
  const auto due = strike == Strike::kApiServer ? std::max(hold, kApiServerAway) : hold;
  const Deadline back = Deadline::At(armed + due + kGrace);
  const auto report = Until(
      back, Every(Millis{500}), [&](const Deadline& d) { return Lost(d); },
      [](const std::vector<std::string>& lost) { return lost.empty(); });
  EXPECT_TRUE(report.status.ok()) << report.status.ToString() << "; after "
                                  << report.elapsed.count() << " ms: "
                                  << (report.last && !report.last->empty() ? report.last->front()
                                                                           : "");
  RecordProperty("back_ms", static_cast<int>(report.elapsed.count()));
}

bool Full() {
  const char* mode = std::getenv("PAWK8S_KILL_MATRIX");
  return mode != nullptr && std::string(mode) == "full";
}

// Each kind and each strike at least once.
std::vector<std::tuple<std::string_view, int>> Pairs() {
  std::vector<std::tuple<std::string_view, int>> pairs;
  const auto& kinds = Kinds();
  const int strikes = static_cast<int>(kStrikes.size());
  for (std::size_t k = 0; k < kinds.size(); ++k) {
    for (int s = 0; s < strikes; ++s) {
      const bool some =
          static_cast<int>(k) % strikes == s || (k < 3 && s == static_cast<int>(k) + 3);
      if (Full() || some) pairs.emplace_back(kinds[k], s);
    }
  }
  return pairs;
}

INSTANTIATE_TEST_SUITE_P(All, KillMatrix, testing::ValuesIn(Pairs()), [](const auto& pair) {
  return std::string(std::get<0>(pair.param)) + "_" +
         kStrikes.at(static_cast<std::size_t>(std::get<1>(pair.param))).second;
});

}  // namespace
}  // namespace pawk8s::selftest
