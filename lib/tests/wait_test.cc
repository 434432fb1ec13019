#include <gmock/gmock.h>

#include <vector>

#include "pawk8s/wait/until.h"

namespace pawk8s {
namespace {

using testing::Eq;
using testing::SizeIs;
using namespace std::chrono_literals;

class FakeClock final : public Clock {
 public:
  SteadyTime Now() override { return now_; }
  void Sleep(std::chrono::nanoseconds how_long, const Deadline&) override {
    now_ += std::chrono::duration_cast<SteadyTime::duration>(how_long);
  }

 private:
  SteadyTime now_ = std::chrono::steady_clock::now();
};

// Gives the scripted values in turn, the last one for ever.
auto Script(std::vector<absl::StatusOr<int>> values) {
  return [values = std::move(values), next = std::size_t{0}](const Deadline&) mutable {
    return values[std::min(next++, values.size() - 1)];
  };
}

class Waiting : public testing::Test {
 protected:
  auto RunUntil(std::vector<absl::StatusOr<int>> values, int wanted) {
    return Until(
        Deadline::At(clock_.Now() + 10s), Every(1s, clock_), Script(std::move(values)),
        [=](int value) { return value == wanted; }, clock_);
  }
  auto RunHold(std::vector<absl::StatusOr<int>> values, int wanted, int min_polls) {
    return Hold(
        Deadline::At(clock_.Now() + 10s), Every(1s, clock_), min_polls, Script(std::move(values)),
        [=](int value) { return value == wanted; }, clock_);
  }
  FakeClock clock_;
};

TEST_F(Waiting, EndsAtTheFirstMatch) {
  const auto report = RunUntil({1, 1, 2, 3}, 3);
  EXPECT_TRUE(report.status.ok());
  EXPECT_THAT(report.polls, Eq(4));
  EXPECT_THAT(report.elapsed, Eq(3s));
  EXPECT_THAT(report.changes, SizeIs(3));
  EXPECT_THAT(report.changes[1].at, Eq(2s));
}

TEST_F(Waiting, RetriesOnlyWhatMayPass) {
  EXPECT_TRUE(RunUntil({absl::UnavailableError("x"), absl::ResourceExhaustedError("x"),
                        absl::DeadlineExceededError("x"), 1},
                       1)
                  .status.ok());
  for (const absl::Status& final :
       {absl::NotFoundError("x"), absl::PermissionDeniedError("x"), absl::UnauthenticatedError("x"),
        absl::InvalidArgumentError("x"), absl::DataLossError("x")}) {
    const auto report = RunUntil({final, 1}, 1);
    EXPECT_THAT(report.status, Eq(final));
    EXPECT_THAT(report.polls, Eq(1));
  }
}

TEST_F(Waiting, ItsTimeIsAnEdge) {
  std::vector<absl::StatusOr<int>> values(9, 0);  // at 0 to 8 s
  values.emplace_back(1);
  EXPECT_TRUE(RunUntil(values, 1).status.ok()) << "seen after 9 of 10 s";
  values.insert(values.begin(), 2, 0);
  EXPECT_TRUE(absl::IsDeadlineExceeded(RunUntil(values, 1).status)) << "would be seen after 11 s";
}

TEST_F(Waiting, TellsTheLastValueAndErrorWhenTimeIsOver) {
  const auto report = RunUntil({7, absl::UnavailableError("refused")}, 1);
  EXPECT_TRUE(absl::IsDeadlineExceeded(report.status));
  EXPECT_THAT(report.last, testing::Optional(7));
  EXPECT_THAT(report.last_error, Eq(absl::UnavailableError("refused")));
}

TEST_F(Waiting, WhatTheEndCutsOffIsNoReason) {
  std::vector<absl::StatusOr<int>> values(10, absl::UnavailableError("no pod is to be seen"));
  values.emplace_back(absl::DeadlineExceededError("no answer in time"));  // at 10 s
  EXPECT_THAT(RunUntil(values, 1).last_error, Eq(absl::UnavailableError("no pod is to be seen")));
  EXPECT_THAT(RunUntil({absl::DeadlineExceededError("no answer in time")}, 1).last_error,
              Eq(absl::DeadlineExceededError("no answer in time")));
}

TEST_F(Waiting, KnowsThatItSawNothingTowardsTheEnd) {
  const absl::Status refused = absl::UnavailableError("refused");
  EXPECT_TRUE(RunUntil({7, refused}, 1).EndedBlind());
  EXPECT_TRUE(RunUntil({7, 7, 7, 7, 7, 7, 7, refused}, 1).EndedBlind()) << "for 4 of 10 s";
  EXPECT_FALSE(RunUntil({7, refused, refused, refused, 7}, 1).EndedBlind());
  std::vector<absl::StatusOr<int>> values(9, 7);
  values.push_back(refused);
  EXPECT_FALSE(RunUntil(values, 1).EndedBlind()) << "for 2 s";
  EXPECT_TRUE(absl::IsOutOfRange(RunHold({1, 1, 1, 1, refused}, 1, 3).status));
}

TEST_F(Waiting, HoldNeedsEveryValueAndEnoughOfThem) {
  EXPECT_TRUE(RunHold({1}, 1, 5).status.ok());
  EXPECT_TRUE(absl::IsFailedPrecondition(RunHold({1, 1, 2, 1}, 1, 1).status));
  EXPECT_TRUE(absl::IsOutOfRange(RunHold({1}, 1, 50).status));
  EXPECT_TRUE(absl::IsOutOfRange(RunHold({absl::UnavailableError("x")}, 1, 1).status));
}

TEST_F(Waiting, IsCancelledFromOutside) {
  std::stop_source stop;
  stop.request_stop();
  const auto report = Until(Deadline::After(1h, stop.get_token()), Every(1s), Script({1}),
                            [](int) { return false; });
  EXPECT_TRUE(absl::IsCancelled(report.status));
}

}  // namespace
}  // namespace pawk8s
