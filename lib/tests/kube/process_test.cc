#include "pawk8s/net/process.h"

#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "kube/test_util.h"

namespace pawk8s::net {
namespace {

using absl::StatusCode;
using testing::HasSubstr;

ProcessSpec Shell(const std::string& script) { return {.argv = {"sh", "-c", script}}; }

TEST(Process, ExitCodeAndBothOutputsAreData) {
  ASSERT_OK_AND_ASSIGN(const auto ran, RunProcess(Shell("echo out; echo err >&2; exit 3"), Soon()));
  EXPECT_EQ(ran.exit_code, 3);
  EXPECT_EQ(ran.out, "out\n");
  EXPECT_EQ(ran.err, "err\n");
}

TEST(Process, InputAndEnvironmentReachIt) {
  ProcessSpec spec = Shell("cat; printf %s \"$PAWK8S_X\"");
  spec.input = "hello ";
  spec.env = {{"PAWK8S_X", "world"}};
  ASSERT_OK_AND_ASSIGN(const auto ran, RunProcess(spec, Soon()));
  EXPECT_EQ(ran.out, "hello world");
}

// More than any pipe holds, in all three directions: nobody may wait for the other.
TEST(Process, LargeInputAndOutputDoNotBlock) {
  ProcessSpec spec = Shell("tee /dev/stderr");
  spec.input.assign(4u << 20, 'x');
  ASSERT_OK_AND_ASSIGN(const auto ran, RunProcess(spec, Soon()));
  EXPECT_EQ(ran.out.size(), spec.input.size());
  EXPECT_EQ(ran.err.size(), spec.input.size());
}

TEST(Process, ProgramThatDoesNotReadItsInputIsNoError) {
  ProcessSpec spec = Shell("exit 0");
  spec.input.assign(4u << 20, 'x');
  ASSERT_OK_AND_ASSIGN(const auto ran, RunProcess(spec, Soon()));
  EXPECT_EQ(ran.exit_code, 0);
}

TEST(Process, MissingProgramIsNotFound) {
  EXPECT_THAT(RunProcess({.argv = {"pawk8s-no-such-program"}}, Soon()),
              Fails(StatusCode::kNotFound, HasSubstr("pawk8s-no-such-program")));
  EXPECT_THAT(RunProcess({.argv = {"/no/such/program"}}, Soon()),
              Fails(StatusCode::kNotFound, HasSubstr("/no/such/program")));
  EXPECT_THAT(RunProcess({}, Soon()), Fails(StatusCode::kInvalidArgument, HasSubstr("program")));
}

TEST(Process, SignalIsAnExitCode) {
  ASSERT_OK_AND_ASSIGN(const auto ran, RunProcess(Shell("kill -9 $$"), Soon()));
  EXPECT_EQ(ran.exit_code, 128 + SIGKILL);
}

TEST(Process, DeadlineKillsTheWholeGroup) {
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(RunProcess(Shell("sleep 60 & echo $!; wait"), In(std::chrono::milliseconds(200))),
              Fails(StatusCode::kDeadlineExceeded, HasSubstr("sh")));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(5));
}

TEST(Process, StopEndsItAtOnce) {
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_THAT(
      RunProcess(Shell("sleep 60"), Deadline::After(std::chrono::seconds(30), stop.get_token())),
      Fails(StatusCode::kCancelled, HasSubstr("sh")));
}

TEST(Process, GraceLetsItEndByItself) {
  std::stop_source stop;
  const std::string file = testing::TempDir() + "process_test." + std::to_string(getpid());
  ProcessSpec spec = Shell("trap 'sleep 0.2; echo done >" + file + "; exit 0' TERM; " +
                           "echo; while :; do sleep 0.05; done");
  spec.grace = std::chrono::seconds(20);
  std::jthread stopper([&] {
    usleep(300'000);  // not before the trap is set
    stop.request_stop();
  });
  EXPECT_THAT(RunProcess(spec, Deadline::After(std::chrono::seconds(30), stop.get_token())),
              Fails(StatusCode::kCancelled, HasSubstr("sh")));
  EXPECT_EQ(unlink(file.c_str()), 0) << "it was killed before it could end";
}

TEST(Process, EndlessOutputIsRefused) {
  EXPECT_THAT(RunProcess(Shell("yes"), Soon()),
              Fails(StatusCode::kResourceExhausted, HasSubstr("too much")));
}

}  // namespace
}  // namespace pawk8s::net
