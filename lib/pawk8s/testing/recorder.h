// Turns what gtest sees of a case into its record, and refuses ways to pass without checking.
#pragma once

#include <gtest/gtest.h>

#include <optional>
#include <string>

#include "pawk8s/base/clock.h"
#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/deployment/session.h"
#include "pawk8s/verdict/record.h"

namespace pawk8s::testing {

// A listener; one a process. A skipped test fails, and so does one that passed without a single
// observation of the deployment.
class Recorder : public ::testing::EmptyTestEventListener {
 public:
  Recorder(Session& session, Catalogue catalogue);

  [[nodiscard]] Session& session() { return session_; }
  // The catalogue's entry of the case that runs.
  [[nodiscard]] const CatalogueCase& entry() const { return *entry_; }

  void CountObservation() { ++record_.observations; }
  void Add(Measure measure) { record_.measures.push_back(std::move(measure)); }
  // The case did not leave the deployment as it found it.
  void NotRestored() { record_.restored = false; }

  // Fails the case, fatally, as something else than "violated".
  void Fail(Outcome outcome, const std::string& message, const char* file, int line);

  void OnTestStart(const ::testing::TestInfo& info) override;
  void OnTestPartResult(const ::testing::TestPartResult& result) override;
  void OnTestEnd(const ::testing::TestInfo& info) override;

 private:
  void Write();

  Session& session_;
  Catalogue catalogue_;
  const CatalogueCase* entry_ = nullptr;
  Record record_;
  SteadyTime began_;
  std::optional<Outcome> next_outcome_;  // of the failure that Fail() is about to raise
};

// The one line that says what was claimed and which object breaks it, from gtest's message.
[[nodiscard]] std::string SummaryOf(const std::string& message);

// Raises gtest's own exception for a fatal failure, so that it unwinds a case from any depth and
// guards revert. Appended last.
class ThrowOnFatal : public ::testing::EmptyTestEventListener {
  void OnTestPartResult(const ::testing::TestPartResult& result) override;
};

}  // namespace pawk8s::testing
