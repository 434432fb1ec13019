// Turns what gtest sees of a case into its record, and refuses ways to pass without checking.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "pawk8s/base/clock.h"
#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/deployment/session.h"
#include "pawk8s/verdict/record.h"

namespace pawk8s::testing {

// A listener; one a process, for its main thread alone. A skipped test fails, and so does one that
// passed without a single observation of the deployment. At the first failure of a case it gathers
// evidence of the deployment; at the end it prints the failure as the record explains it, or one
// line for a pass.
class Recorder : public ::testing::EmptyTestEventListener {
 public:
  Recorder(Session& session, Catalogue catalogue);

  [[nodiscard]] Session& session() { return session_; }
  // The catalogue's entry of the case that runs.
  [[nodiscard]] const CatalogueCase& entry() const { return *entry_; }

  void CountObservation() { ++record_.observations; }
  void Add(Measure measure) { record_.measures.push_back(std::move(measure)); }
  // The case did not leave the deployment as it found it. The failure that says so comes next, and
  // is the case's outcome if it is its first.
  void NotRestored(Outcome outcome) {
    record_.restored = false;
    next_outcome_ = outcome;
  }

  // Takes in a step of a stimulus, in place of an earlier one of the same action on the same
  // target, and writes the record: whatever comes next, it is known what was done.
  void NoteStimulus(StimulusStep step);
  // A value of `name` that differs from the one before; times need no order. The first and the
  // latest kMaxChanges are kept.
  void NoteChange(const std::string& name, SteadyTime when, const std::string& text);
  void NoteError(const std::string& text);
  void NoteBefore(const std::string& state) { record_.before = Redacted(state); }
  void NoteSeed(const std::string& name, std::uint64_t seed) { record_.seeds[name] = seed; }

  // Seconds since the case began.
  [[nodiscard]] double Since(SteadyTime when) const;
  [[nodiscard]] double Since(std::chrono::system_clock::time_point when) const;

  static constexpr std::size_t kMaxChanges = 200;

  // Fails the case, fatally, as something else than "violated".
  void Fail(Outcome outcome, const std::string& message, const char* file, int line);

  void OnTestStart(const ::testing::TestInfo& info) override;
  void OnTestPartResult(const ::testing::TestPartResult& result) override;
  void OnTestEnd(const ::testing::TestInfo& info) override;

 private:
  void Write();
  void RememberEarlierAttempt();
  void GatherEvidenceOnce();
  static std::string Redacted(const std::string& text);

  Session& session_;
  Catalogue catalogue_;
  const CatalogueCase* entry_ = nullptr;
  Record record_;
  SteadyTime began_;
  double cpu_began_ = 0;
  std::chrono::system_clock::time_point began_at_;
  bool gathered_ = false;
  std::optional<Outcome> next_outcome_;  // of the failure that is about to be raised
};

// What was claimed and what was found instead, from gtest's message, and both in the one line that
// names the object.
[[nodiscard]] Failure FailureOf(const std::string& message);

// Raises gtest's own exception for a fatal failure, so that it unwinds a case from any depth and
// guards revert. Appended last.
class ThrowOnFatal : public ::testing::EmptyTestEventListener {
  void OnTestPartResult(const ::testing::TestPartResult& result) override;
};

}  // namespace pawk8s::testing
