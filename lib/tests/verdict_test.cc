#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "kube/test_util.h"
#include "pawk8s/verdict/gate.h"
#include "pawk8s/verdict/junit.h"
#include "pawk8s/verdict/record.h"
#include "pawk8s/verdict/run.h"
#include "test_folder.h"

namespace pawk8s {
namespace {

using testing::HasSubstr;
using testing::Not;

class Gate : public testing::Test {
 protected:
  // A run of the phase in which every case passed.
  void AllPass(std::string_view phase) {
    catalogue_ = *Catalogue::OfPhase(phase);
    run_ = *pawk8s::Run::Open(root_, phase, *IdentifyProcess(::getpid()), {});
    for (const CatalogueCase& c : catalogue_->cases()) Put(c.id, Outcome::kPassed);
    ASSERT_THAT(run_->Close(true, ""), IsOk());
  }
  void Put(const std::string& id, Outcome outcome, int observations = 1) {
    Record record{.id = id,
                  .test = catalogue_->FindId(id)->TestName(),
                  .run = run_->id(),
                  .outcome = outcome,
                  .observations = observations};
    if (outcome != Outcome::kPassed) record.failures.push_back({.summary = "", .message = "why"});
    ASSERT_THAT(WriteRecord(run_->folder(), record), IsOk());
  }
  void FailFirst(int count, Outcome outcome) {
    for (const CatalogueCase& c : catalogue_->cases()) {
      if (count-- > 0) Put(c.id, outcome);
    }
  }
  [[nodiscard]] Verdict Judged() const { return Judge(*catalogue_, *run_); }

  const TestFolder folder_;
  const std::filesystem::path root_ = folder_.path();
  std::optional<Catalogue> catalogue_;
  std::optional<pawk8s::Run> run_;
};

TEST_F(Gate, PassesAWholeGreenRun) {
  AllPass("chaos");
  EXPECT_TRUE(Judged().Passed());
  EXPECT_THAT(VerdictText(Judged()), HasSubstr("chaos: PASS: 65 of 65 passed, 100.0 %"));
}

TEST_F(Gate, SixtyTwoOf65Passes95PercentAnd61DoesNot) {
  for (const Outcome outcome :
       {Outcome::kViolated, Outcome::kStarted, Outcome::kBlocked, Outcome::kUnobservable,
        Outcome::kStimulusFailed, Outcome::kNotImplemented}) {
    AllPass("chaos");
    FailFirst(3, outcome);
    EXPECT_TRUE(Judged().Passed()) << NameOf(outcome);
    FailFirst(4, outcome);
    EXPECT_FALSE(Judged().Passed()) << NameOf(outcome);
  }
}

TEST_F(Gate, OneOf45FailsAHundredPercent) {
  AllPass("infrastructure");
  FailFirst(1, Outcome::kViolated);
  EXPECT_FALSE(Judged().Passed());
  EXPECT_THAT(VerdictText(Judged()), HasSubstr("FAIL: 44 of 45 passed, 97.7 %"));
}

TEST_F(Gate, APassWithoutObservationIsNone) {
  AllPass("infrastructure");
  Put("INF-POD-01", Outcome::kPassed, 0);
  EXPECT_FALSE(Judged().Passed());
  EXPECT_THAT(VerdictText(Judged()), HasSubstr("without a single observation"));
}

TEST_F(Gate, ACrashIsToldApart) {
  AllPass("infrastructure");
  Put("INF-POD-01", Outcome::kStarted);
  EXPECT_THAT(VerdictText(Judged()), HasSubstr("INF-POD-01 crashed"));
}

TEST_F(Gate, AMissingRecordMakesTheRunPartial) {
  AllPass("chaos");
  std::filesystem::remove_all(run_->folder() / catalogue_->cases()[0].id);
  EXPECT_FALSE(Judged().Passed());
  EXPECT_THAT(VerdictText(Judged()), HasSubstr("chaos: partial: 64 of 65, no verdict"));
}

TEST_F(Gate, AStaleOrDamagedRecordDoesNotCount) {
  AllPass("infrastructure");
  Record stale = *ReadRecord(run_->folder(), "INF-POD-01");
  stale.run = "20200101T000000-0000";
  ASSERT_THAT(WriteRecord(run_->folder(), stale), IsOk());
  EXPECT_FALSE(Judged().Passed());
  EXPECT_EQ(Judged().passed, 44);
  ASSERT_THAT(WriteFileAtomically(run_->folder() / "INF-POD-01" / "record.json", "{"), IsOk());
  EXPECT_FALSE(Judged().Passed());
  EXPECT_EQ(Judged().cases[0].state, "damaged");
}

TEST_F(Gate, ARecordOfAnotherSchemaOrOutcomeIsDamaged) {
  AllPass("infrastructure");
  const auto file = run_->folder() / "INF-POD-01" / "record.json";
  std::string text = *ReadFile(file);
  const auto replaced = [&](const std::string& from, const std::string& to) {
    std::string other = text;
    other.replace(other.find(from), from.size(), to);
    ASSERT_THAT(WriteFileAtomically(file, other), IsOk());
  };
  replaced("\"schema\": 2", "\"schema\": 99");
  EXPECT_EQ(Judged().passed, 44);
  EXPECT_THAT(VerdictText(Judged()), HasSubstr("INF-POD-01 damaged"));
  EXPECT_THAT(VerdictText(Judged()), HasSubstr("is of schema 99, this pawk8s reads schema 2"));
  replaced("\"passed\"", "\"splendid\"");
  EXPECT_EQ(Judged().passed, 44);
  EXPECT_THAT(VerdictText(Judged()), HasSubstr("unknown outcome 'splendid'"));
}

TEST_F(Gate, ASecondRecordOfACaseCountsAgainstIt) {
  AllPass("infrastructure");
  std::filesystem::copy(run_->folder() / "INF-POD-01", run_->folder() / "INF-POD-01 copy");
  EXPECT_EQ(Judged().passed, 44);
  EXPECT_EQ(Judged().cases[0].state, "duplicate");
  EXPECT_THAT(VerdictText(Judged()), HasSubstr("second record in the folder INF-POD-01 copy"));
}

TEST_F(Gate, APassAfterAFailureInTheSameRunIsNone) {
  AllPass("infrastructure");
  Record again = *ReadRecord(run_->folder(), "INF-POD-01");
  again.attempts = 2;
  again.failed_before = "it was not ready";
  ASSERT_THAT(WriteRecord(run_->folder(), again), IsOk());
  EXPECT_EQ(Judged().passed, 44);
  EXPECT_THAT(VerdictText(Judged()),
              HasSubstr("INF-POD-01 duplicate PodLifecycle.AllReplicasRunningAndReady: passed at "
                        "attempt 2 of this run, failed before: it was not ready"));
}

TEST_F(Gate, APassWithAFailureInItIsNone) {
  AllPass("infrastructure");
  Record odd = *ReadRecord(run_->folder(), "INF-POD-01");
  odd.failures = {{.summary = "but it failed"}};
  ASSERT_THAT(WriteRecord(run_->folder(), odd), IsOk());
  EXPECT_EQ(Judged().cases[0].state, "violated");
}

TEST_F(Gate, ARecordOfNoCaseIsRedAtAnyRate) {
  AllPass("chaos");
  Record stray = *ReadRecord(run_->folder(), "CHA-POD-03");
  stray.id = "CHA-XXX-99";
  ASSERT_THAT(WriteRecord(run_->folder(), stray), IsOk());
  EXPECT_FALSE(Judged().Passed());
  EXPECT_TRUE(Judged().restored);
  EXPECT_THAT(VerdictText(Judged()),
              HasSubstr("red at any rate: CHA-XXX-99 holds a record of no case"));
}

TEST_F(Gate, SaysWhatTheProfileDoesNotProvide) {
  catalogue_ = *Catalogue::OfPhase("security");
  run_ = *pawk8s::Run::Open(root_, "security", *IdentifyProcess(::getpid()),
                            {.needs = {{"vault", "not provided"}, {"validators", "present"}}});
  const Verdict verdict = Judged();
  ASSERT_EQ(verdict.not_provided.size(), 1U);
  EXPECT_EQ(verdict.not_provided[0].need, "vault");
  EXPECT_THAT(VerdictText(verdict), HasSubstr("not provided: vault, which "));
}

TEST_F(Gate, WhatIsNotRestoredIsRedAtAnyRate) {
  AllPass("chaos");
  ASSERT_THAT(run_->Close(false, "left behind: pod x"), IsOk());
  EXPECT_FALSE(Judged().Passed());
  ASSERT_THAT(run_->Close(true, ""), IsOk());
  Record record = *ReadRecord(run_->folder(), catalogue_->cases()[0].id);
  record.restored = false;
  ASSERT_THAT(WriteRecord(run_->folder(), record), IsOk());
  EXPECT_FALSE(Judged().Passed());
  EXPECT_THAT(VerdictText(Judged()), HasSubstr("did not restore"));
}

TEST_F(Gate, WritesTextJUnitAndPage) {
  AllPass("chaos");
  ASSERT_THAT(WriteVerdict(Judged(), run_->folder(), {}), IsOk());
  EXPECT_THAT(*ReadFile(run_->folder() / "verdict.txt"), HasSubstr("chaos: PASS"));
  EXPECT_THAT(*ReadFile(run_->folder() / "junit.xml"), HasSubstr("<testsuites name=\"chaos\""));
  EXPECT_THAT(*ReadFile(run_->folder() / "report.html"),
              HasSubstr("<title>Chaos: Passed, 65 of 65</title>"));
}

TEST_F(Gate, TellsHowMuchOfTheTimeWasTheSuitesOwn) {
  AllPass("chaos");
  for (const CatalogueCase& entry : catalogue_->cases()) {
    Record record = *ReadRecord(run_->folder(), entry.id);
    record.seconds = 10;
    record.cpu_seconds = 0.1;
    ASSERT_THAT(WriteRecord(run_->folder(), record), IsOk());
  }
  EXPECT_THAT(VerdictTable(Judged()),
              HasSubstr("all cases  650.0 s, in which the suite itself computed 6.5 s: 1.0 %"));
}

TEST_F(Gate, JUnitHoldsEveryCaseAndEscapes) {
  AllPass("infrastructure");
  Record record = *ReadRecord(run_->folder(), "INF-POD-01");
  record.outcome = Outcome::kViolated;
  record.failures = {{.summary = "a < b & \"c\"\x01", .message = "]]>\xff"}};
  record.measures = {{.name = "ready", .value = 5, .unit = "s", .relation = "<=", .threshold = 60}};
  ASSERT_THAT(WriteRecord(run_->folder(), record), IsOk());
  const std::string xml = VerdictJUnit(Judged());
  EXPECT_THAT(xml, HasSubstr("tests=\"45\" failures=\"1\" errors=\"0\""));
  EXPECT_THAT(xml, HasSubstr("message=\"a &lt; b &amp; &quot;c&quot;\""));
  EXPECT_THAT(xml, Not(HasSubstr("\x01")));
}

TEST_F(Gate, AnotherLiveOwnerIsRefusedAndADeadOneIsNot) {
  const ProcessId init = *IdentifyProcess(1);
  const ProcessId dead{.pid = 1, .start_ticks = init.start_ticks + 1};
  const ProcessId self = *IdentifyProcess(::getpid());
  ASSERT_THAT(pawk8s::Run::Open(root_, "chaos", dead, {}), IsOk());
  ASSERT_THAT(pawk8s::Run::Open(root_, "chaos", init, {}), IsOk());
  EXPECT_THAT(pawk8s::Run::Open(root_, "chaos", self, {}),
              Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("in progress (process 1)")));
  ASSERT_THAT(pawk8s::Run::Current(root_, "chaos")->Close(true, ""), IsOk());
  EXPECT_THAT(pawk8s::Run::Open(root_, "chaos", self, {}), IsOk());
}

TEST_F(Gate, ARetiredRunIsNotJudgedAgain) {
  AllPass("chaos");
  ASSERT_THAT(pawk8s::Run::Retire(root_, "chaos", *IdentifyProcess(::getpid())), IsOk());
  EXPECT_THAT(pawk8s::Run::Current(root_, "chaos"),
              Fails(absl::StatusCode::kNotFound, HasSubstr("no run")));
}

TEST_F(Gate, ARunBelongsToItsOwnersDescendants) {
  AllPass("chaos");
  EXPECT_FALSE(run_->IsOursAndOpen()) << "it is closed";
  EXPECT_TRUE(
      pawk8s::Run::Open(root_, "chaos", *IdentifyProcess(::getppid()), {})->IsOursAndOpen());
}

}  // namespace
}  // namespace pawk8s
