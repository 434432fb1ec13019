// The agent against real pods of a real deployment: every verb, and what reverts a fault when the
// agent, its pod or the runner is gone. For `ctest -L selftest` with PAWK8S_PROFILE set, on a
// deployment that may be disturbed; fails without a profile.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <stdexcept>

#include "pawk8s/agent/agent.h"
#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/kube/exec.h"
#include "pawk8s/wait/until.h"

namespace pawk8s::agent {
namespace {

using std::chrono::seconds;
using testing::AllOf;
using testing::Each;
using testing::Field;
using testing::Ge;
using testing::Gt;
using testing::IsEmpty;
using testing::Le;
using testing::Not;
using testing::SizeIs;

template <class T>
T Must(absl::StatusOr<T> value) {
  if (!value.ok()) throw std::runtime_error(value.status().ToString());
  return *std::move(value);
}

class LiveAgent : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    const Profile profile = Must(Profile::FromEnvironment());
    ASSERT_TRUE(profile.allow.agent && profile.allow.disruption)
        << "the profile does not allow agent and disruption";
    paw_ = Must(Deployment::Connect(profile)).release();
    agents_ = new Agent(paw_->kube(), {.ns = profile.agent.ns,
                                       .image = profile.agent.image,
                                       .pull_secret = profile.agent.pull_secret,
                                       .run_id = "selftest"});
  }
  static void TearDownTestSuite() {
    if (agents_ != nullptr) {
      const absl::Status removed = agents_->Remove(Deadline::After(seconds(60)));
      EXPECT_TRUE(removed.ok()) << removed;
    }
    delete agents_;
    delete paw_;
  }
  void SetUp() override {
    ASSERT_NE(agents_, nullptr);
    const auto report = Until(
        Soon(120), Every(Millis{500}),
        [](const Deadline& d) { return paw_->Read(paw_->profile().validators, d); },
        [](const auto& state) { return state.ReadyPods().size() >= 4; });
    ASSERT_TRUE(report.status.ok()) << "the validators are not ready: " << report.status;
    pod_ = report.last->ReadyPods().back();
    on_ = std::make_unique<NodeAgent>(Must(agents_->For(pod_, Soon(60))));
    target_ = Must(TargetOf(pod_, paw_->profile().validators.container));
  }

  static Deadline Soon(int s = 30) { return Deadline::After(seconds(s)); }
  template <Verb T>
  typename T::Result Ask(const T& request, int s = 30) {
    return Must(on_->Call(request, Soon(s)));
  }
  FaultState Arm(Injection injection, Millis ttl = Millis{60'000}) {
    id_ = fmt::format("selftest-{}-{}", getpid(), ++count_);
    return Must(on_->Arm(id_, ttl, std::move(injection), Soon()));
  }
  FaultState Revert() { return Must(on_->Revert(id_, Soon())); }
  // Of the container's first process.
  std::string ProcessState() { return Ask(ProcessFactsRequest{target_}).processes.front().state; }
  bool Becomes(const std::function<bool()>& holds, int within_s) {
    return Until(
               Soon(within_s), Every(Millis{100}),
               [&](const Deadline&) -> absl::StatusOr<bool> {
                 try {
                   return holds();
                 } catch (
                     const std::runtime_error& missed) {  // one look that failed decides nothing
                   return absl::UnavailableError(missed.what());
                 }
               },
               [](bool value) { return value; })
        .status.ok();
  }
  // Is the container's process back to running, whoever looks? Asks the node's present agent.
  bool IsThawed() {
    const auto agent = agents_->On(on_->node(), Soon());
    if (!agent.ok()) return false;
    const auto facts = agent->Call(ProcessFactsRequest{target_}, Soon());
    return facts.ok() && facts->processes.front().state != "T";
  }
  kube::ContainerStatus Container() {
    const kube::Pod now(Must(paw_->kube().Get({kube::kPods, pod_.ns(), pod_.name()}, Soon())));
    return now.container_status(paw_->profile().validators.container).value();
  }

  kube::Pod AgentPod() {
    const auto list = Must(paw_->kube().List(
        {kube::kPods, paw_->profile().agent.ns, "", "spec.nodeName=" + on_->node()}, Soon()));
    return kube::Pod(list.items.at(0));
  }

  static Deployment* paw_;
  static Agent* agents_;
  kube::Pod pod_{kube::Object()};
  std::unique_ptr<NodeAgent> on_;
  Target target_;
  std::string id_;
  static int count_;
};
Deployment* LiveAgent::paw_ = nullptr;
Agent* LiveAgent::agents_ = nullptr;
int LiveAgent::count_ = 0;

TEST_F(LiveAgent, KnowsItsNode) {
  EXPECT_EQ(on_->node(), pod_.node());
  EXPECT_THAT(on_->facts().missing, IsEmpty());
  EXPECT_EQ(on_->facts().protocol, kProtocol);
}

TEST_F(LiveAgent, RunsOnEveryNodeTheControlPlaneIncluded) {
  const auto nodes = Must(paw_->kube().List({kube::kNodes}, Soon()));
  for (const kube::Object& node : nodes.items) {
    EXPECT_TRUE(agents_->On(node.name(), Soon(60)).ok()) << node.name();
  }
  EXPECT_THAT(Must(agents_->Running(Soon(60))), SizeIs(nodes.items.size()));
}

TEST_F(LiveAgent, SaysWhyANodeCannotBeReached) {
  const absl::Status none = agents_->On("no-such-node", Soon()).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(none)) << none;
}

TEST_F(LiveAgent, TellsProcessesAndMounts) {
  const auto processes = Ask(ProcessFactsRequest{target_}).processes;
  ASSERT_THAT(processes, SizeIs(Ge(1u)));
  EXPECT_EQ(processes.front().container_pid, 1);
  EXPECT_GT(processes.front().uid, 0);
  EXPECT_TRUE(processes.front().no_new_privs);
  EXPECT_EQ(processes.front().seccomp, "filter");
  EXPECT_GT(processes.front().open_files, 3);
  EXPECT_THAT(Ask(MountFactsRequest{target_}).mounts,
              testing::Contains(Field(&Mount::path, "/data")));
}

TEST_F(LiveAgent, TellsTheCgroupsLimits) {
  const auto facts = Ask(CgroupFactsRequest{target_});
  EXPECT_TRUE(facts.memory_limit.has_value());
  EXPECT_TRUE(facts.cpu_quota_us.has_value());
  EXPECT_GT(facts.cpu_usage_us, 0);
  EXPECT_GT(facts.memory_usage, 0);
}

TEST_F(LiveAgent, ReadsFilesAndFilesystemsAsTheContainerSeesThem) {
  const auto digest = Ask(FileDigestRequest{target_, "/data/config/genesis.json"});
  const auto shown = Must(kube::Exec(
      paw_->kube(),
      {.ns = pod_.ns(), .pod = pod_.name(), .argv = {"sha256sum", "/data/config/genesis.json"}},
      Soon()));
  EXPECT_EQ(digest.sha256, shown.out.substr(0, 64));
  EXPECT_GT(Ask(StatvfsRequest{target_, "/data"}).total_bytes, 1 << 20);
  EXPECT_GT(Ask(FileReadRequest{.target = target_, .path = "/data/config/genesis.json"}).size, 100);
  EXPECT_TRUE(
      absl::IsNotFound(on_->Call(FileDigestRequest{target_, "/data/none"}, Soon()).status()));
}

TEST_F(LiveAgent, WritesAndSyncsAllTheTime) {
  const auto report = Ask(FsyncWriterRequest{
      .target = target_, .path = "/data", .interval_ms = 20, .duration_ms = 1000});
  EXPECT_GT(report.writes, 10);
  EXPECT_THAT(report.failures, IsEmpty());
}

TEST_F(LiveAgent, SpeaksFromThePodsNetwork) {
  const Place here = PlaceOf(pod_);
  const std::int64_t rpc = paw_->profile().ports.rpc;
  const auto series = Ask(HttpRequest{.place = here,
                                      .address = pod_.ip().value(),
                                      .port = rpc,
                                      .path = "/health",
                                      .count = 5,
                                      .interval_ms = 100});
  EXPECT_THAT(series.replies, AllOf(SizeIs(5), Each(Field(&HttpReply::status, 200))));
  const auto dial = Ask(DialRequest{.place = here, .address = "127.0.0.1", .port = rpc});
  EXPECT_EQ(dial.outcome, Outcome::kOk);
  const kube::Object dns =
      Must(paw_->kube().Get({kube::kServices, "kube-system", "kube-dns"}, Soon()));
  for (const bool tcp : {false, true}) {
    const auto result =
        Ask(DnsRequest{.place = here,
                       .server = kube::FindString(dns.json(), {"spec", "clusterIP"}).value(),
                       .name = fmt::format("{}-headless.{}.svc.cluster.local",
                                           paw_->profile().validators.name, paw_->profile().ns),
                       .tcp = tcp});
    EXPECT_EQ(result.rcode, "NOERROR");
    EXPECT_THAT(result.answers, SizeIs(Ge(4u)));
  }
  const auto seen = Ask(CaptureRequest{.place = here, .duration_ms = 2000});
  EXPECT_GT(seen.payload_segments, 0);
}

TEST_F(LiveAgent, FreezesUntilTheDeadline) {
  const FaultState armed = Arm(Freeze{target_}, Millis{5000});
  EXPECT_EQ(armed.phase, FaultPhase::kActive);
  EXPECT_EQ(ProcessState(), "T");
  EXPECT_TRUE(Becomes([&] { return IsThawed(); }, 20));
  const FaultState after = Revert();
  EXPECT_EQ(after.ended_by, EndedBy::kDeadline);
  EXPECT_THAT(*after.reverted_ms - after.deadline_ms, AllOf(Ge(0), Le(1000)));
}

TEST_F(LiveAgent, ThawsWhenItsProcessIsKilledHoweverOften) {
  for (int i = 0; i < 4; ++i) {
    Arm(Freeze{target_});
    ASSERT_EQ(ProcessState(), "T");
    // The one of the call itself has this name, too, and dies last.
    const SignalRequest kill{Must(TargetOf(AgentPod(), "agent", "pawk8s-agent")),
                             SignalName::kKill};
    EXPECT_TRUE(absl::IsUnavailable(on_->Call(kill, Soon()).status()));
    EXPECT_TRUE(Becomes([&] { return IsThawed(); }, 10));
  }
}

TEST_F(LiveAgent, ThawsWhenItsContainerIsKilled) {
  Arm(Freeze{target_});
  ASSERT_EQ(ProcessState(), "T");
  const SignalRequest kill{Must(TargetOf(AgentPod(), "agent")), SignalName::kKill};
  // The call dies with the container that it runs in.
  EXPECT_TRUE(absl::IsUnavailable(on_->Call(kill, Soon()).status()));
  EXPECT_TRUE(Becomes([&] { return IsThawed(); }, 15));
}

TEST_F(LiveAgent, ThawsWhenItsPodIsDeleted) {
  Arm(Freeze{target_});
  ASSERT_EQ(ProcessState(), "T");
  ASSERT_TRUE(paw_->kube().Delete({kube::kPods, AgentPod().ns(), AgentPod().name()}, Soon()).ok());
  EXPECT_TRUE(Becomes([&] { return IsThawed(); }, 30));
}

TEST_F(LiveAgent, LoadsTheCpuUpToTheLimit) {
  const auto before = Ask(CgroupFactsRequest{target_});
  Arm(CpuLoad{target_, 1 + *before.cpu_quota_us / *before.cpu_period_us});
  EXPECT_TRUE(Becomes(
      [&] { return Ask(CgroupFactsRequest{target_}).throttled_periods > before.throttled_periods; },
      15));
  EXPECT_EQ(Revert().phase, FaultPhase::kReverted);
}

TEST_F(LiveAgent, LimitsTheCpuAndPutsItBack) {
  const auto before = Ask(CgroupFactsRequest{target_});
  Arm(CpuLimit{target_, 100});
  EXPECT_EQ(Ask(CgroupFactsRequest{target_}).cpu_quota_us, *before.cpu_period_us / 10);
  Revert();
  EXPECT_EQ(Ask(CgroupFactsRequest{target_}).cpu_quota_us, before.cpu_quota_us);
}

TEST_F(LiveAgent, LimitsTheMemoryUntilTheContainerIsKilled) {
  const auto restarts = Container().restart_count;
  Arm(MemoryLimit{target_});
  ASSERT_TRUE(Becomes([&] { return Container().restart_count > restarts; }, 30));
  EXPECT_EQ(Container().last_reason, "OOMKilled");
  EXPECT_TRUE(Becomes([&] { return Revert().phase == FaultPhase::kReverted; }, 10));
  EXPECT_TRUE(IsTargetGone(on_->Call(CgroupFactsRequest{target_}, Soon()).status()));
}

TEST_F(LiveAgent, WritesASentinelAndTakesItBack) {
  const std::string path = "/data/pawk8s-selftest";
  Arm(FileWrite{target_, path, {"sentinel"}});
  EXPECT_EQ(Ask(FileReadRequest{.target = target_, .path = path}).content.data, "sentinel");
  Revert();
  EXPECT_TRUE(absl::IsNotFound(on_->Call(FileDigestRequest{target_, path}, Soon()).status()));
}

TEST_F(LiveAgent, DropsPacketsToOnePeerAndTakesThatBack) {
  const auto pods = Must(paw_->Read(paw_->profile().validators, Soon())).ReadyPods();
  const std::string peer = pods.front().ip().value();
  // The one port on which the network policies let validators reach each other.
  const DialRequest dial{.place = PlaceOf(pod_),
                         .address = peer,
                         .port = paw_->profile().ports.p2p,
                         .timeout_ms = 1000};
  ASSERT_EQ(Ask(dial).outcome, Outcome::kOk);
  Arm(PacketDrop{PlaceOf(pod_), PacketMatch{.peers = {peer}}});
  EXPECT_EQ(Ask(dial).outcome, Outcome::kTimeout);
  Revert();
  EXPECT_EQ(Ask(dial).outcome, Outcome::kOk);
}

TEST_F(LiveAgent, KillsAProcessAndTellsAGoneTargetFromAnAbsentOne) {
  const auto restarts = Container().restart_count;
  Target named = target_;
  named.process = "no-such-name";
  const absl::Status absent = on_->Call(SignalRequest{named, SignalName::kKill}, Soon()).status();
  EXPECT_TRUE(absl::IsNotFound(absent) && !IsTargetGone(absent)) << absent;
  EXPECT_THAT(Ask(SignalRequest{target_, SignalName::kKill}).pids, Not(IsEmpty()));
  EXPECT_TRUE(Becomes([&] { return Container().restart_count > restarts; }, 30));
  EXPECT_TRUE(IsTargetGone(on_->Call(SignalRequest{target_, SignalName::kKill}, Soon()).status()));
}

TEST_F(LiveAgent, RevertsBeforeItIsGone) {
  Arm(Freeze{target_});
  ASSERT_EQ(ProcessState(), "T");
  const absl::Status removed = agents_->Remove(Soon(60));
  ASSERT_TRUE(removed.ok()) << removed;
  EXPECT_TRUE(absl::IsNotFound(
      paw_->kube().Get({kube::kNamespaces, "", paw_->profile().agent.ns}, Soon()).status()));
  EXPECT_TRUE(IsThawed()) << "asked by a new agent";
}

TEST_F(LiveAgent, NamesAnImageThatCannotBePulled) {
  Agent bad(paw_->kube(), {.ns = "pawk8s-agent-bad",
                           .image = "registry.invalid/pawk8s-agent:none",
                           .run_id = "selftest"});
  const absl::Status refused = bad.For(pod_, Soon(60)).status();
  EXPECT_TRUE(absl::IsFailedPrecondition(refused)) << refused;
  EXPECT_THAT(std::string(MessageOf(refused)),
              testing::HasSubstr("registry.invalid/pawk8s-agent:none"));
  EXPECT_TRUE(bad.Remove(Soon(60)).ok());
}

}  // namespace
}  // namespace pawk8s::agent
