// Real processes: a runner that is killed or hangs, and what its guardian does about it.
#include "pawk8s/fault/guardian.h"

#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <iostream>
#include <thread>

#include "fault/fault_fixture.h"
#include "fault/runner.h"
#include "pawk8s/base/clock.h"
#include "pawk8s/wait/until.h"

namespace pawk8s::fault {

int RunUntilKilled(const std::string& kubeconfig, const std::string& when) {
  const auto config = kube::Kubeconfig::Load({.path = kubeconfig});
  if (!config.ok()) return 3;
  kube::Client client(*config);
  Ledger ledger(client, "pawk8s", "paw");
  Guardian guardian({.kubeconfig = kubeconfig, .ledger_ns = "pawk8s", .deployment = "paw"});
  const Millis hold = when == "hold" ? Millis{1000} : Millis{60'000};
  auto fault = Faults(std::make_shared<const FaultContext>(
                          FaultContext{.client = client,
                                       .ledger = ledger,
                                       .guardian = guardian,
                                       .guard = nullptr,
                                       .agents = nullptr,
                                       .run = "run1",
                                       .case_id = "INF-STS-01",
                                       .on_step = [](const Trace&) {},
                                       .on_failed_revert = [](const absl::Status&) {}}))
                   .Edit(kSet, {{"metadata", {{"annotations", {{"note", "x"}}}}}}, "annotate v",
                         Soon(), {.hold = hold});
  if (!fault.ok()) return 4;
  std::cout << "armed" << std::endl;
  if (when == "done") return fault->Revert().ok() ? 0 : 5;
  Clock::Real().Sleep(std::chrono::seconds(50), Deadline::After(std::chrono::seconds(50)));
  return 6;
}

namespace {

class GuardianTest : public FaultTest {
 protected:
  GuardianTest() {
    kube::Json set = client_.Get(kSet, Soon())->json();
    set["status"]["observedGeneration"] = 1000;
    api_.store().Put(kSet.Path(), set);
  }
  // Starts the runner and returns when it has armed its fault.
  pid_t StartRunner(const char* when) {
    std::array<int, 2> out{};
    EXPECT_EQ(::pipe(out.data()), 0);
    posix_spawn_file_actions_t files;
    posix_spawn_file_actions_init(&files);
    posix_spawn_file_actions_adddup2(&files, out[1], STDOUT_FILENO);
    posix_spawn_file_actions_addclose(&files, out[0]);
    std::string self = "/proc/self/exe";
    std::string option = "--runner";
    std::string kubeconfig = (folder_.path() / "kubeconfig").string();
    std::string kind = when;
    std::array<char*, 5> argv{self.data(), option.data(), kubeconfig.data(), kind.data(), nullptr};
    pid_t pid = 0;
    EXPECT_EQ(::posix_spawn(&pid, "/proc/self/exe", &files, nullptr, argv.data(), environ), 0);
    posix_spawn_file_actions_destroy(&files);
    ::close(out[1]);
    std::array<char, 16> text{};
    EXPECT_GT(::read(out[0], text.data(), text.size()), 0) << "the runner did not arm its fault";
    ::close(out[0]);
    return pid;
  }
  bool BackWithin(Millis limit) {
    return Until(
               Deadline::After(limit), Every(Millis{100}),
               [&](const Deadline& d) -> absl::StatusOr<bool> {
                 const auto set = client_.Get(kSet, d);
                 if (!set.ok()) return set.status();
                 return !set->annotation("note") && Entries() == 0;
               },
               [](bool back) { return back; })
        .status.ok();
  }
};

TEST_F(GuardianTest, TakesBackWhatAKilledRunnerLeft) {
  const pid_t runner = StartRunner("active");
  EXPECT_EQ(Entries(), 1U);
  ASSERT_EQ(::kill(runner, SIGKILL), 0);
  ::waitpid(runner, nullptr, 0);
  EXPECT_TRUE(BackWithin(Millis{15'000}));
}

TEST_F(GuardianTest, KeepsTheDeadlineOfARunnerThatHangs) {
  const pid_t runner = StartRunner("hold");
  ASSERT_EQ(::kill(runner, SIGSTOP), 0);
  EXPECT_TRUE(BackWithin(Millis{20'000}));
  ::kill(runner, SIGKILL);
  ::waitpid(runner, nullptr, 0);
}

TEST_F(GuardianTest, LetsARunnerThatRevertsItselfBe) {
  const pid_t runner = StartRunner("done");
  int status = 0;
  ::waitpid(runner, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  EXPECT_EQ(Entries(), 0U);
}

TEST_F(GuardianTest, TriesAgainWhileTheApiServerIsAway) {
  const pid_t runner = StartRunner("active");
  api_.Misbehave(fake::Misbehaviour::kReset, 10, "");
  ::kill(runner, SIGKILL);
  ::waitpid(runner, nullptr, 0);
  EXPECT_TRUE(BackWithin(Millis{20'000}));
}

}  // namespace
}  // namespace pawk8s::fault
