#include "pawk8s/testing/recorder.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <string_view>
#include <utility>

#include "pawk8s/base/redact.h"
#include "pawk8s/base/status.h"
#include "pawk8s/base/text.h"
#include "pawk8s/deployment/evidence.h"
#include "pawk8s/verdict/explain.h"

namespace pawk8s::testing {
namespace {

std::string Now() { return FormatUtc(std::chrono::system_clock::now()); }

// Of all threads of this process.
double CpuSeconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

// The text behind `key`, without it, up to `end`; nothing if there is no `key`.
std::optional<std::string_view> Behind(std::string_view text, std::string_view key,
                                       std::string_view end) {
  const auto begin = text.find(key);
  if (begin == std::string_view::npos) return std::nullopt;
  text.remove_prefix(begin + key.size());
  return text.substr(0, text.find(end));
}

// The path of a source file as seen from the project.
std::string SourcePath(const char* file) {
  if (file == nullptr) return {};
  constexpr std::string_view kRoot = PAWK8S_SOURCE_DIR "/";
  std::string_view path(file);
  if (path.starts_with(kRoot)) path.remove_prefix(kRoot.size());
  return std::string(path);
}

// A banner that ctest takes for a skip, wherever it stands in the output of a failed case.
std::string WithoutSkipBanner(std::string text) {
  constexpr std::string_view kBanner = "[  SKIPPED ]";
  for (auto at = text.find(kBanner); at != std::string::npos; at = text.find(kBanner, at)) {
    text.replace(at, kBanner.size(), "[SKIPPED]");
  }
  return text;
}

}  // namespace

Failure FailureOf(const std::string& message) {
  Failure failure{.message = message};
  // EXPECT_TRUE(Eventually(...)): the sentence is the assertion's own.
  if (const auto inner = Behind(message, "\n  Actual: false (", ")\nExpected: true")) {
    if (const auto actual = Behind(*inner, "\n  Actual", "\n\n")) {
      failure.expected = inner->substr(0, inner->find('\n'));
      constexpr std::string_view kExpected = "Expected ";
      if (failure.expected.starts_with(kExpected)) failure.expected.erase(0, kExpected.size());
      failure.actual =
          OneLine(actual->substr(std::min(actual->find_first_not_of(": "), actual->size())));
      failure.summary =
          OneLine(fmt::format("Expected {}; is: {}", failure.expected, failure.actual));
    } else {
      failure.summary = OneLine(inner->substr(0, inner->find('\n')));
    }
    return failure;
  }
  const auto expected = Behind(message, "\nExpected: ", "\n");
  auto actual = Behind(message, "\n  Actual: ", "\n");
  if (expected && actual) {
    // gtest's addition for readers of C++; what the matcher explains stands behind it.
    std::string value(*actual);
    if (const auto type = value.find(" (of type "); type != std::string::npos) {
      const auto end = value.find("), ", type);
      value = value.substr(0, type) + (end == std::string::npos ? "" : value.substr(end + 1));
    }
    failure.expected = *expected;
    failure.actual = value;
    failure.summary = OneLine(fmt::format("Expected: {}; is: {}", *expected, value));
    return failure;
  }
  constexpr std::string_view kFailed = "Failed\n";  // of ADD_FAILURE
  std::string_view text(message);
  if (text.starts_with(kFailed)) text.remove_prefix(kFailed.size());
  failure.message = text;
  failure.summary = OneLine(text.substr(0, text.find('\n')));
  return failure;
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
             .item = entry_->item,
             .claim = entry_->proves,
             .outcome = Outcome::kStarted,
             .started = Now()};
  if (const char* planted = std::getenv("PAWK8S_PLANTED")) record_.planted = planted;
  RememberEarlierAttempt();
  next_outcome_.reset();
  gathered_ = false;
  began_ = Clock::Real().Now();
  cpu_began_ = CpuSeconds();
  began_at_ = std::chrono::system_clock::now();
  Write();
}

void Recorder::RememberEarlierAttempt() {
  const auto earlier = ReadRecord(session_.run().folder(), entry_->id);
  if (absl::IsNotFound(earlier.status())) return;
  if (!earlier.ok()) {
    record_.failed_before = MessageOf(earlier.status());
    return;
  }
  record_.attempts = earlier->attempts + 1;
  record_.failed_before = earlier->failed_before;
  if (earlier->outcome != Outcome::kPassed && record_.failed_before.empty()) {
    record_.failed_before = earlier->failures.empty() ? std::string(StateOf(*earlier))
                                                      : earlier->failures.front().summary;
  }
}

void Recorder::NoteStimulus(StimulusStep step) {
  step.error = Redacted(step.error);
  const auto same = [&](const StimulusStep& other) {
    return other.what == step.what && other.kind == step.kind && other.name == step.name &&
           other.uid == step.uid;
  };
  if (const auto found = std::ranges::find_if(record_.stimulus, same);
      found != record_.stimulus.end()) {
    *found = std::move(step);
  } else {
    record_.stimulus.push_back(std::move(step));
  }
  Write();
}

void Recorder::NoteChange(const std::string& name, SteadyTime when, const std::string& text) {
  if (record_.changes.size() == kMaxChanges) record_.changes.erase(record_.changes.begin() + 1);
  record_.changes.push_back(
      {.name = Redacted(name), .at = Since(when), .text = Redacted(Shorten(text, 2000))});
}

void Recorder::NoteError(const std::string& text) {
  record_.last_error = fmt::format("{} {}", TimeText(Since(Clock::Real().Now())), Redacted(text));
}

double Recorder::Since(SteadyTime when) const {
  return std::chrono::duration<double>(when - began_).count();
}

double Recorder::Since(std::chrono::system_clock::time_point when) const {
  return std::chrono::duration<double>(when - began_at_).count();
}

std::string Recorder::Redacted(const std::string& text) { return Redact(text); }

void Recorder::GatherEvidenceOnce() {
  if (gathered_) return;
  gathered_ = true;
  // Blocked before it looked at the deployment: there is nothing to show.
  if (record_.outcome == Outcome::kBlocked && record_.before.empty()) return;
  Evidence evidence = GatherEvidence(session_.paw(), session_.run().folder() / record_.id);
  record_.evidence = std::move(evidence.files);
  record_.now = Redacted(evidence.now);
}

void Recorder::OnTestPartResult(const ::testing::TestPartResult& result) {
  if (!result.failed() || entry_ == nullptr) return;
  // The first failure decides; what follows is often its consequence.
  if (record_.outcome == Outcome::kStarted) {
    record_.outcome = next_outcome_.value_or(Outcome::kViolated);
  }
  next_outcome_.reset();
  Failure failure = FailureOf(Redact(result.message()));
  failure.file = SourcePath(result.file_name());
  failure.line = result.line_number();
  record_.failures.push_back(std::move(failure));
  GatherEvidenceOnce();
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
  record_.cpu_seconds = CpuSeconds() - cpu_began_;
  Write();
  fmt::print("{}",
             WithoutSkipBanner(
                 record_.outcome == Outcome::kPassed
                     ? PassText(record_)
                     : FailureText(record_, (session_.run().folder() / record_.id).string())));
  std::fflush(stdout);
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
