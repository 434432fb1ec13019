#include "pawk8s/testing/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <exception>
#include <string_view>
#include <utility>

#include "pawk8s/base/redact.h"
#include "pawk8s/base/status.h"

namespace pawk8s::testing {
namespace {

std::string Now() { return FormatUtc(std::chrono::system_clock::now()); }

std::string OneLine(std::string_view text) {
  std::string line;
  for (const char c : text) {
    const bool space = c == '\n' || c == '\t' || c == ' ';
    if (!space) {
      line += c;
    } else if (!line.empty() && line.back() != ' ') {
      line += ' ';
    }
  }
  return line;
}

// The text behind `key` up to the end of its line.
std::string_view LineBehind(std::string_view text, std::string_view key) {
  const auto begin = text.find(key);
  if (begin == std::string_view::npos) return {};
  text.remove_prefix(begin + key.size());
  return text.substr(0, text.find('\n'));
}

}  // namespace

std::string SummaryOf(const std::string& message) {
  // EXPECT_TRUE(AssertionResult): the sentence is the assertion's own.
  constexpr std::string_view kFalse = "\n  Actual: false (";
  if (const auto at = message.find(kFalse); at != std::string::npos) {
    const std::string_view inner = std::string_view(message).substr(at + kFalse.size());
    return OneLine(inner.substr(0, std::min(inner.find('\n'), inner.find(")\nExpected: true"))));
  }
  const std::string_view expected = LineBehind(message, "\nExpected: ");
  std::string_view actual = LineBehind(message, "\n  Actual: ");
  actual = actual.substr(0, actual.find(" (of type "));  // gtest's addition for C++ readers
  if (!expected.empty() && !actual.empty()) {
    return OneLine(fmt::format("Expected: {}; is: {}", expected, actual));
  }
  return OneLine(std::string_view(message).substr(0, message.find('\n')));
}

Recorder::Recorder(Session& session, Catalogue catalogue)
    : session_(session), catalogue_(std::move(catalogue)) {}

void Recorder::Fail(Outcome outcome, const std::string& message, const char* file, int line) {
  next_outcome_ = outcome;
  GTEST_MESSAGE_AT_(file, line, message.c_str(), ::testing::TestPartResult::kFatalFailure);
}

void Recorder::OnTestStart(const ::testing::TestInfo& info) {
  entry_ = catalogue_.Find(info.test_suite_name(), info.name());
  if (entry_ == nullptr) {
    // The build compares both; a binary that is older than its catalogue must not run.
    fmt::print(stderr, "{}.{} is not in the catalogue: build again\n", info.test_suite_name(),
               info.name());
    std::terminate();
  }
  record_ = {.id = entry_->id,
             .test = entry_->TestName(),
             .run = session_.run().id(),
             .outcome = Outcome::kStarted,
             .started = Now()};
  next_outcome_.reset();
  began_ = Clock::Real().Now();
  Write();
}

void Recorder::OnTestPartResult(const ::testing::TestPartResult& result) {
  if (!result.failed() || entry_ == nullptr) return;
  // The first failure decides; what follows is often its consequence.
  if (record_.outcome == Outcome::kStarted) {
    record_.outcome = next_outcome_.value_or(Outcome::kViolated);
  }
  next_outcome_.reset();
  const std::string message = Redact(result.message());
  record_.failures.push_back({.summary = SummaryOf(message),
                              .message = message,
                              .file = result.file_name() == nullptr ? "" : result.file_name(),
                              .line = result.line_number()});
}

void Recorder::OnTestEnd(const ::testing::TestInfo& info) {
  // Not fatal ones: there is no case left to unwind.
  if (info.result()->Skipped()) {
    next_outcome_ = Outcome::kBlocked;
    ADD_FAILURE() << "a skipped case is a failed one";
  } else if (info.result()->Passed() && record_.observations == 0) {
    next_outcome_ = Outcome::kUnobservable;
    ADD_FAILURE() << "passed without a single observation of the deployment";
  }
  if (record_.outcome == Outcome::kStarted) record_.outcome = Outcome::kPassed;
  record_.finished = Now();
  record_.seconds = std::chrono::duration<double>(Clock::Real().Now() - began_).count();
  Write();
  if (record_.outcome != Outcome::kPassed) {
    fmt::print("{} {}: {}\nEvidence: {}\n", record_.id, NameOf(record_.outcome),
               record_.failures.empty() ? "" : record_.failures.front().summary,
               (session_.run().folder() / record_.id).string());
  }
  entry_ = nullptr;
}

void Recorder::Write() {
  if (const absl::Status s = WriteRecord(session_.run().folder(), record_); !s.ok()) {
    fmt::print(stderr, "{}\n", MessageOf(s));
    std::terminate();  // without a record there is no verdict
  }
}

void ThrowOnFatal::OnTestPartResult(const ::testing::TestPartResult& result) {
  if (result.type() == ::testing::TestPartResult::kFatalFailure) {
    throw ::testing::AssertionException(result);
  }
}

}  // namespace pawk8s::testing
