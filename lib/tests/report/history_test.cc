// The local store: what earlier runs said, how steady a case is, and what is kept of it all.
#include "pawk8s/verdict/history.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "kube/test_util.h"
#include "pawk8s/verdict/record.h"
#include "test_folder.h"

namespace pawk8s {
namespace {

namespace fs = std::filesystem;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

class Store : public testing::Test {
 protected:
  // A closed run that began at `started`, with one record.
  pawk8s::Run Put(const std::string& invocation, const std::string& started, Outcome outcome,
                  const std::string& commit = "c1") {
    const fs::path root = invocation.empty() ? root_ : root_ / invocation;
    const pawk8s::Run run =
        *pawk8s::Run::Open(root, "chaos", *IdentifyProcess(::getpid()), {.commit = commit});
    auto session = nlohmann::json::parse(*ReadFile(run.folder() / "session.json"));
    session["started"] = started;
    EXPECT_THAT(WriteFileAtomically(run.folder() / "session.json", session.dump()), IsOk());
    Record record{.id = "CHA-POD-03", .test = "A.B", .run = run.id(), .outcome = outcome};
    if (outcome != Outcome::kPassed) record.failures.push_back({.summary = "why"});
    EXPECT_THAT(WriteRecord(run.folder(), record), IsOk());
    EXPECT_THAT(run.Close(true, ""), IsOk());
    return run;
  }
  [[nodiscard]] CaseHistory Read() const { return HistoryOf(RunsIn(root_, "chaos"), "CHA-POD-03"); }

  const TestFolder folder_;
  const fs::path root_ = folder_.path();
};

TEST_F(Store, HasTheRunsOfAllInvocationsInTheOrderOfTheirTimes) {
  const pawk8s::Run second = Put("", "2026-01-02T00:00:00.000Z", Outcome::kPassed);
  const pawk8s::Run first =
      Put("20260101T000000-1", "2026-01-01T00:00:00.000Z", Outcome::kViolated);
  Put("prove/CHA-POD-03", "2026-01-01T12:00:00.000Z", Outcome::kViolated);
  std::ofstream(root_ / "chaos" / "notes.txt") << "not a run";
  fs::create_directories(root_ / "chaos" / "20260101T000000-0000");
  const CaseHistory history = Read();
  ASSERT_THAT(history, SizeIs(2));
  EXPECT_EQ(history[0].run, first.id());
  EXPECT_EQ(history[0].state, "violated");
  EXPECT_EQ(history[0].summary, "why");
  EXPECT_EQ(history[1].run, second.id());
  EXPECT_THAT(HistoryOf(RunsIn(root_, "chaos"), "CHA-POD-04"), IsEmpty());
  EXPECT_THAT(RunsIn(root_ / "absent", "chaos"), IsEmpty());
}

TEST_F(Store, ADamagedRecordIsAFailureOfTheHistoryToo) {
  const pawk8s::Run run = Put("", "2026-01-02T00:00:00.000Z", Outcome::kPassed);
  ASSERT_THAT(WriteFileAtomically(run.folder() / "CHA-POD-03" / "record.json", "{"), IsOk());
  EXPECT_EQ(Read()[0].state, "damaged");
}

TEST_F(Store, KnowsTheLastPassBeforeARun) {
  const pawk8s::Run passed = Put("", "2026-01-01T00:00:00.000Z", Outcome::kPassed);
  const pawk8s::Run failed = Put("", "2026-01-02T00:00:00.000Z", Outcome::kViolated);
  const pawk8s::Run later = Put("", "2026-01-03T00:00:00.000Z", Outcome::kPassed);
  EXPECT_EQ(LastPassBefore(Read(), failed.id())->run, passed.id());
  EXPECT_EQ(LastPassBefore(Read(), passed.id()), std::nullopt);
  EXPECT_EQ(LastPassBefore(Read(), later.id())->run, passed.id());
}

TEST(FailureRate, HasTheBoundOfClopperAndPearson) {
  EXPECT_EQ(UpperBound95(0, 0), 1);
  EXPECT_EQ(UpperBound95(3, 3), 1);
  EXPECT_THAT(UpperBound95(0, 10), DoubleNear(0.2589, 1e-4));
  EXPECT_THAT(UpperBound95(0, 300), DoubleNear(0.00994, 1e-5));
  EXPECT_THAT(UpperBound95(1, 20), DoubleNear(0.2161, 1e-4));
}

TEST(FailureRate, CountsWhatSaysSomething) {
  const auto past = [](const char* state, const char* commit) {
    return PastResult{.commit = commit, .state = state};
  };
  const FailureRate rate =
      FailureRateOf({past("passed", "a"), past("violated", "b"), past("blocked", "b"),
                     past("not-implemented", "b"), past("crashed", "c")});
  EXPECT_EQ(rate.runs, 3);
  EXPECT_EQ(rate.failed, 2);
  EXPECT_FALSE(rate.flaky) << "no commit has both";
  EXPECT_TRUE(FailureRateOf({past("passed", "a"), past("violated", "a")}).flaky);
  EXPECT_FALSE(FailureRateOf({past("passed", "a-dirty"), past("violated", "a-dirty")}).flaky);
  EXPECT_EQ(FailureRateOf({}).upper95, 1);
}

TEST_F(Store, KeepsTheNewestRunsAndRecentFailures) {
  const pawk8s::Run old_pass = Put("", "2026-01-01T00:00:00.000Z", Outcome::kPassed);
  const pawk8s::Run old_failure = Put("", "2026-01-02T00:00:00.000Z", Outcome::kViolated);
  const pawk8s::Run young_failure = Put("", "2026-03-01T00:00:00.000Z", Outcome::kViolated);
  const pawk8s::Run young_pass = Put("", "2026-03-02T00:00:00.000Z", Outcome::kPassed);
  const pawk8s::Run kept = Put("", "2026-03-03T00:00:00.000Z", Outcome::kPassed);
  const pawk8s::Run newest = Put("", "2026-03-04T00:00:00.000Z", Outcome::kPassed);
  EXPECT_THAT(
      PruneRuns(root_, "chaos", {.keep = 2, .keep_failures_days = 14}, "2026-03-05T00:00:00.000Z"),
      ElementsAre(old_pass.id(), old_failure.id(), young_pass.id()));
  EXPECT_TRUE(fs::exists(young_failure.folder()));
  EXPECT_TRUE(fs::exists(kept.folder()));
  EXPECT_THAT(
      PruneRuns(root_, "chaos", {.keep = 2, .keep_failures_days = 14}, "2026-03-05T00:00:00.000Z"),
      IsEmpty());
}

TEST_F(Store, NeverRemovesTheCurrentRunOrOneInProgress) {
  const pawk8s::Run running = *pawk8s::Run::Open(root_, "chaos", *IdentifyProcess(::getpid()), {});
  const pawk8s::Run current = Put("", "2026-01-01T00:00:00.000Z", Outcome::kPassed);
  Put("i1", "2199-05-01T00:00:00.000Z", Outcome::kPassed);
  EXPECT_THAT(
      PruneRuns(root_, "chaos", {.keep = 1, .keep_failures_days = 0}, "2200-01-01T00:00:00.000Z"),
      IsEmpty());
  EXPECT_TRUE(fs::exists(running.folder()));
  EXPECT_TRUE(fs::exists(current.folder()));
}

TEST_F(Store, AnInvocationGoesWithItsLastRun) {
  Put("i1", "2026-01-01T00:00:00.000Z", Outcome::kPassed);
  Put("i2", "2026-01-02T00:00:00.000Z", Outcome::kPassed);
  EXPECT_THAT(PruneRuns(root_, "chaos", {.keep = 1}, "2026-06-01T00:00:00.000Z"), SizeIs(1));
  EXPECT_FALSE(fs::exists(root_ / "i1"));
  EXPECT_TRUE(fs::exists(root_ / "i2" / "chaos" / "current"));
}

}  // namespace
}  // namespace pawk8s
