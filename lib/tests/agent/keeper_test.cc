// The life of a fault, with an executor and a clock that the test moves by hand.
#include "keeper.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <memory>

#include "../test_folder.h"
#include "pawk8s/agent/protocol.h"
#include "store.h"

namespace pawk8s::agent {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

// Counts what is done to the "node"; `active` is what a crash would leave behind.
class FakeExecutor : public Executor {
 public:
  absl::StatusOr<Undo> Prepare(const Injection& /*injection*/) override {
    if (!prepares.ok()) return prepares;
    return Undo{{"step", 1}};
  }
  absl::Status Apply(const Injection& /*injection*/, Undo& undo,
                     const std::function<absl::Status(const Undo&)>& save) override {
    EXPECT_TRUE(written_ahead == nullptr || written_ahead()) << "nothing was written ahead";
    undo["step"] = 2;
    EXPECT_TRUE(save(undo).ok());
    if (applies.ok()) ++active;
    return applies;
  }
  absl::Status Revert(const Injection& /*injection*/, const Undo& undo) override {
    undone.push_back(undo.value("step", 0));
    if (reverts.ok()) active = 0;
    return reverts;
  }
  bool IsGone(const Injection& /*injection*/, const Undo& /*undo*/) override { return gone; }

  absl::Status prepares, applies, reverts;
  bool gone = false;
  int active = 0;
  std::vector<int> undone;
  std::function<bool()> written_ahead;
};

class KeeperTest : public testing::Test {
 protected:
  KeeperTest() { Start(); }

  // As after the death of a process: nothing but the folder and the node stays.
  void Start() {
    keeper_ = std::make_unique<Keeper>(executor_, folder_.path().string(), boot_id_,
                                       [this] { return now_; });
    keeper_->Recover();
  }
  absl::StatusOr<FaultState> Arm(const std::string& id, std::int64_t ttl_ms = 1000,
                                 std::int64_t threads = 1) {
    return keeper_->Arm(
        {.id = id, .ttl_ms = ttl_ms, .injection = CpuLoad{{"uid", "0123456789abcdef"}, threads}});
  }
  FaultState Only() {
    const FaultList list = keeper_->List();
    EXPECT_THAT(list.faults, SizeIs(1));
    return list.faults.empty() ? FaultState{} : list.faults[0];
  }
  std::vector<std::string> Files() { return ListStored(folder_.path().string(), ".fault"); }

  TestFolder folder_;
  FakeExecutor executor_;
  std::string boot_id_ = "boot-1";
  Now now_{.wall_ms = 1'000'000, .boot_ms = 5'000};
  std::unique_ptr<Keeper> keeper_;
};

TEST_F(KeeperTest, ArmsAfterItHasWrittenItDown) {
  executor_.written_ahead = [&] { return Files() == std::vector<std::string>{"a.fault"}; };
  const auto state = Arm("a");
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->phase, FaultPhase::kActive);
  EXPECT_EQ(state->kind, "cpu_load");
  EXPECT_EQ(state->deadline_ms, 1'001'000);
  EXPECT_EQ(executor_.active, 1);
  EXPECT_EQ(keeper_->Pending(), 1);
}

TEST_F(KeeperTest, RevertsAtTheDeadlineOfEitherClock) {
  ASSERT_TRUE(Arm("a").ok());
  now_ = {.wall_ms = 1'000'999, .boot_ms = 5'999};
  keeper_->Tick();
  EXPECT_EQ(executor_.active, 1);
  EXPECT_EQ(keeper_->UntilNextTick(), 1);
  now_ = {.wall_ms = 2, .boot_ms = 6'000};  // somebody has set the wall clock back
  keeper_->Tick();
  EXPECT_EQ(executor_.active, 0);
  EXPECT_EQ(Only().phase, FaultPhase::kReverted);
  EXPECT_EQ(Only().ended_by, EndedBy::kDeadline);
  EXPECT_EQ(keeper_->UntilNextTick(), -1);

  ASSERT_TRUE(Arm("b").ok());
  now_ = {.wall_ms = 9'000'000, .boot_ms = 6'001};  // and now far ahead: early is harmless
  keeper_->Tick();
  EXPECT_EQ(executor_.active, 0);
}

TEST_F(KeeperTest, AnotherProcessRevertsWhatItFinds) {
  ASSERT_TRUE(Arm("a").ok());
  Start();
  EXPECT_EQ(executor_.active, 0);
  EXPECT_THAT(executor_.undone, ElementsAre(2)) << "the undo that was saved last counts";
  EXPECT_EQ(Only().ended_by, EndedBy::kRestart);
  EXPECT_EQ(Only().phase, FaultPhase::kReverted);
  Start();
  EXPECT_THAT(executor_.undone, SizeIs(1)) << "once is enough";
}

TEST_F(KeeperTest, ArmingAgainIsTheSameFault) {
  ASSERT_TRUE(Arm("a").ok());
  const auto again = Arm("a");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(executor_.active, 1);
  EXPECT_TRUE(absl::IsAlreadyExists(Arm("a", 1000, 7).status()));
  ASSERT_TRUE(keeper_->Revert("a").ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(Arm("a").status()));
  Start();
  EXPECT_TRUE(absl::IsFailedPrecondition(Arm("a").status())) << "also for the next process";
}

TEST_F(KeeperTest, RevertingIsIdempotentAndKnowsItsIds) {
  ASSERT_TRUE(Arm("a").ok());
  ASSERT_TRUE(keeper_->Revert("a").ok());
  const auto again = keeper_->Revert("a");
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->ended_by, EndedBy::kCommand);
  EXPECT_THAT(executor_.undone, SizeIs(1));
  EXPECT_TRUE(absl::IsNotFound(keeper_->Revert("b").status()));
}

TEST_F(KeeperTest, AFailedRevertIsToldAndTriedAgain) {
  ASSERT_TRUE(Arm("a").ok());
  executor_.reverts = absl::InternalError("the kernel says no");
  EXPECT_FALSE(keeper_->Revert("a").ok());
  EXPECT_EQ(Only().phase, FaultPhase::kReverting);
  EXPECT_EQ(Only().last_error, "the kernel says no");
  EXPECT_GT(keeper_->UntilNextTick(), 0);
  keeper_->Tick();
  EXPECT_EQ(Only().failed_reverts, 2);
  executor_.reverts = absl::OkStatus();
  keeper_->Tick();
  EXPECT_EQ(Only().phase, FaultPhase::kReverted);
  EXPECT_EQ(Only().ended_by, EndedBy::kCommand);
}

TEST_F(KeeperTest, WhatFailsToBeDoneIsUndoneAndForgotten) {
  executor_.applies = absl::InternalError("half done");
  EXPECT_TRUE(absl::IsInternal(Arm("a").status()));
  EXPECT_THAT(executor_.undone, ElementsAre(2));
  EXPECT_THAT(keeper_->List().faults, IsEmpty());
  EXPECT_THAT(Files(), IsEmpty());
  executor_.prepares = TargetGone("it ended");
  EXPECT_TRUE(IsTargetGone(Arm("a").status()));
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(KeeperTest, WhatCannotBeUndoneAfterAFailureIsKept) {
  executor_.applies = absl::InternalError("half done");
  executor_.reverts = absl::InternalError("nor undone");
  EXPECT_FALSE(Arm("a").ok());
  EXPECT_EQ(Only().phase, FaultPhase::kReverting);
  executor_.reverts = absl::OkStatus();
  keeper_->Tick();
  EXPECT_EQ(Only().phase, FaultPhase::kReverted);
}

TEST_F(KeeperTest, ATargetThatEndedNeedsNoRevert) {
  ASSERT_TRUE(Arm("a").ok());
  executor_.gone = true;
  executor_.reverts = TargetGone("it ended");
  keeper_->Tick();
  EXPECT_EQ(Only().phase, FaultPhase::kReverted);
  EXPECT_TRUE(Only().target_gone);
  EXPECT_EQ(Only().ended_by, EndedBy::kTargetGone);
}

TEST_F(KeeperTest, ARequestThatComesTooLateDoesNothing) {
  const ArmRequest late{.id = "a",
                        .ttl_ms = 1000,
                        .not_after_ms = now_.wall_ms - 1,
                        .injection = CpuLoad{{"uid", "0123456789abcdef"}, 1}};
  EXPECT_TRUE(absl::IsDeadlineExceeded(keeper_->Arm(late).status()));
  EXPECT_EQ(executor_.active, 0);
  ArmRequest tight = late;
  tight.not_after_ms = now_.wall_ms + 300;
  const auto state = keeper_->Arm(tight);
  ASSERT_TRUE(state.ok()) << state.status();
  EXPECT_EQ(state->deadline_ms, now_.wall_ms + 300) << "the earlier deadline counts";
}

TEST_F(KeeperTest, RemovalRevertsEverythingAndLeavesNoFile) {
  ASSERT_TRUE(Arm("a").ok());
  ASSERT_TRUE(Arm("b").ok());
  executor_.reverts = absl::InternalError("not yet");
  EXPECT_FALSE(keeper_->RevertAll().ok());
  EXPECT_THAT(Files(), SizeIs(2));
  executor_.reverts = absl::OkStatus();
  EXPECT_TRUE(keeper_->RevertAll().ok());
  EXPECT_THAT(Files(), IsEmpty());
}

TEST_F(KeeperTest, KeepsTheLastHundredThatAreOver) {
  for (int i = 0; i < 103; ++i) {
    const std::string id = "f" + std::to_string(i);
    ASSERT_TRUE(Arm(id).ok());
    ASSERT_TRUE(keeper_->Revert(id).ok());
  }
  EXPECT_THAT(keeper_->List().faults, SizeIs(100));
  EXPECT_EQ(keeper_->List().faults.front().id, "f3");
  EXPECT_THAT(Files(), SizeIs(100));
}

TEST_F(KeeperTest, LeavesFilesAloneThatItDoesNotUnderstand) {
  std::ofstream(folder_.path() / "x.fault") << "{\"version\": 99}";
  std::ofstream(folder_.path() / "y.fault") << "\x01";
  Start();
  EXPECT_THAT(keeper_->List().faults, IsEmpty());
  EXPECT_THAT(Files(), SizeIs(2));
}

TEST_F(KeeperTest, RefusesIdsThatAreNoFileNames) {
  for (const char* id : {"", ".", "..", "a/b", "../a", "a b"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(Arm(id).status())) << id;
  }
}

}  // namespace
}  // namespace pawk8s::agent
