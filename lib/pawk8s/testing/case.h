// The fixture of every case: who to ask, how to wait, what to record.
//
//   class PodLifecycle : public Case {};
//   TEST_F(PodLifecycle, AllReplicasRunningAndReady) {
//     EXPECT_THAT(Must(Read(profile().validators)), IsFullyReady());
//   }
//
// Before a case that disturbs the deployment the baseline is taken, and an unhealthy deployment
// blocks it; afterwards the case waits until the baseline is regained, and fails if it is not.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <concepts>
#include <functional>
#include <optional>
#include <source_location>
#include <sstream>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/base/duration.h"
#include "pawk8s/base/status.h"
#include "pawk8s/deployment/baseline.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/fault/faults.h"
#include "pawk8s/testing/recorder.h"
#include "pawk8s/testing/shared_trace.h"
#include "pawk8s/testing/trace.h"
#include "pawk8s/wait/until.h"

namespace pawk8s::testing {

// By when a condition must hold.
struct Within {
  Millis limit;
};
// How long it must hold throughout, seen at least so many times.
struct For {
  Millis limit;
  int min_polls = 3;
};

class Case : public ::testing::Test {
 public:
  // Set once by the phase's main() before any test runs.
  static void Use(Recorder& recorder, std::stop_token stop);

 protected:
  Case();
  void SetUp() override;
  void TearDown() override;

  [[nodiscard]] Deployment& paw() { return recorder_.session().paw(); }
  [[nodiscard]] kube::Client& kube() { return paw().kube(); }
  [[nodiscard]] const Profile& profile() { return paw().profile(); }
  // What may be done to the deployment: armed as the case's own, taken back by its end.
  [[nodiscard]] fault::Faults& faults();
  // The agent on the nodes, for cases that need it.
  [[nodiscard]] agent::Agent& agents() { return recorder_.session().agents(); }
  // Has the run a need that is not the case's own, such as "agent" for one more pair of eyes?
  [[nodiscard]] bool Provides(const std::string& need);
  // A validator that can be spared (SpareValidator) and whose program may be ended in place: a pod
  // where it ended within budgets.restart_quiet is replaced first, or back-off would spoil the
  // timing.
  [[nodiscard]] kube::Pod RestartableValidator(
      std::source_location at = std::source_location::current());
  // The case's own: every read and write takes part of it.
  [[nodiscard]] const Deadline& deadline() const { return deadline_; }

  // The value of an observation. An error fails the case here as "unobservable".
  template <class T>
  T Must(absl::StatusOr<T> observed, std::source_location at = std::source_location::current()) {
    if (!observed.ok()) Fail(Outcome::kUnobservable, observed.status(), at);
    recorder_.CountObservation();
    return *std::move(observed);
  }

  // The trace of a stimulus. An error fails the case here as "stimulus failed".
  void Stimulus(const absl::Status& done,
                std::source_location at = std::source_location::current()) {
    if (!done.ok()) Fail(Outcome::kStimulusFailed, done, at);
  }
  template <class T>
  T Stimulus(absl::StatusOr<T> done, std::source_location at = std::source_location::current()) {
    if (!done.ok()) Fail(Outcome::kStimulusFailed, done.status(), at);
    if constexpr (requires { NoteTrace(recorder_, *done); }) NoteTrace(recorder_, *done);
    return *std::move(done);
  }

  // The trace `name` (a type with ToJson and FromJson) that an earlier case of this run has left of
  // the validators as they are now; otherwise that of the stimulus which `make` (StatusOr<T>) makes
  // here, for later cases. While a defect is planted each case makes its own.
  template <class T, class Make>
  T Shared(const std::string& name, Make make,
           std::source_location at = std::source_location::current()) {
    if (const auto found = EarlierTrace(name, at)) {
      try {
        T trace = T::FromJson(found->content);
        NoteReused(name, *found);
        return trace;
      } catch (const nlohmann::json::exception&) {
        // Of another build of the suite: as good as none.
      }
    }
    T trace = Stimulus(make(), at);
    KeepForLater(name, trace.ToJson(), at);
    return trace;
  }

  // Polls `observe` (StatusOr<T> of a Deadline, one attempt) until its value matches. The message
  // of a failure begins with the claim and the last value.
  template <class Observe, class M>
  [[nodiscard]] ::testing::AssertionResult Eventually(Within within, Observe observe, M matcher,
                                                      Millis every = Millis{250}) {
    using T = typename std::invoke_result_t<Observe&, const Deadline&>::value_type;
    const ::testing::Matcher<const T&> holds = ::testing::SafeMatcherCast<const T&>(matcher);
    const auto report = Until(deadline_.AtMost(within.limit), Every(every), observe,
                              [&](const T& value) { return holds.Matches(value); });
    return Judge("within", within.limit, report, holds);
  }

  // Polls `observe` for the whole time; its value must match at every one of them.
  template <class Observe, class M>
  [[nodiscard]] ::testing::AssertionResult Consistently(For throughout, Observe observe, M matcher,
                                                        Millis every = Millis{250}) {
    using T = typename std::invoke_result_t<Observe&, const Deadline&>::value_type;
    const ::testing::Matcher<const T&> holds = ::testing::SafeMatcherCast<const T&>(matcher);
    const auto report = Hold(deadline_.AtMost(throughout.limit), Every(every), throughout.min_polls,
                             observe, [&](const T& value) { return holds.Matches(value); });
    return Judge("throughout", throughout.limit, report, holds);
  }

  // Records a measured duration beside its limit. Judging is the matcher's part.
  void MeasureAtMost(const std::string& name, std::optional<Millis> value, Millis limit);
  void MeasureAtMost(const std::string& name, double value, double most,
                     const std::string& unit = "");
  void MeasureAtLeast(const std::string& name, double value, double least,
                      const std::string& unit = "");
  void MeasureAtLeast(const std::string& name, Millis value, Millis least);
  // Records many durations: the largest of them beside the limit, and how they are distributed.
  void MeasureAllAtMost(const std::string& name, const std::vector<Millis>& samples, Millis limit);

 private:
  [[nodiscard]] TraceSubject Validators(const std::source_location& at);
  [[nodiscard]] std::optional<SharedTrace> EarlierTrace(const std::string& name,
                                                        const std::source_location& at);
  void NoteReused(const std::string& name, const SharedTrace& trace);
  void KeepForLater(const std::string& name, nlohmann::json content,
                    const std::source_location& at);
  [[noreturn]] void Fail(Outcome outcome, const absl::Status& status,
                         const std::source_location& at);
  [[noreturn]] void Fail(Outcome outcome, const std::string& message,
                         const std::source_location& at = std::source_location::current());
  [[nodiscard]] bool Disturbs() const;

  template <class T>
  ::testing::AssertionResult Judge(std::string_view how, Millis limit, const WaitReport<T>& report,
                                   const ::testing::Matcher<const T&>& holds) {
    for (int i = report.errors; i < report.polls; ++i) recorder_.CountObservation();
    std::ostringstream claim;
    holds.DescribeTo(&claim);
    const SteadyTime began = Clock::Real().Now() - report.elapsed;
    for (const auto& change : report.changes) {
      recorder_.NoteChange(claim.str(), began + change.at, ::testing::PrintToString(change.value));
    }
    if (!report.last_error.ok()) recorder_.NoteError(report.last_error.ToString());
    if (report.status.ok()) return ::testing::AssertionSuccess();
    std::ostringstream text;
    text << "Expected " << how << " " << InSeconds(limit) << ": " << claim.str();
    text << "\n  Actual after " << InSeconds(report.elapsed) << ", " << report.polls << " polls: ";
    if (report.last) {
      ::testing::StringMatchResultListener why;
      holds.MatchAndExplain(*report.last, &why);
      text << ::testing::PrintToString(*report.last);
      if (!why.str().empty()) text << ", " << why.str();
    } else {
      text << "no value was ever read";
    }
    text << "\n\n" << report.errors << " of the polls failed: " << report.status.ToString();
    if (!report.last_error.ok()) text << "\nLast error: " << report.last_error.ToString();
    if (!report.last || absl::IsOutOfRange(report.status) || report.EndedBlind()) {
      Fail(Outcome::kUnobservable, text.str());
    }
    if (deadline_.Over()) Fail(Outcome::kTimedOut, text.str());
    return ::testing::AssertionFailure() << text.str();
  }

  Recorder& recorder_;
  Deadline deadline_;
  std::optional<Baseline> before_;
  std::optional<fault::Faults> faults_;
};

}  // namespace pawk8s::testing
