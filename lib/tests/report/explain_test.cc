// How failures read, whole: the texts are in lib/tests/golden. After a wanted change run this with
// PAWK8S_GOLDEN=write in the environment, and read the difference.
#include "pawk8s/verdict/explain.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <filesystem>

#include "pawk8s/base/status.h"
#include "report/sample_run.h"

namespace pawk8s {
namespace {

using testing::Eq;
using testing::HasSubstr;
using testing::Not;

CatalogueCase Entry() {
  return {.id = "CHA-POD-03",
          .suite = "PodKill",
          .name = "ChainKeepsCommitting",
          .item = "Pod kill",
          .proves = "Kill one validator pod. The others keep committing, and it signs again.",
          .needs = {"validators"},
          .impact = "disrupt",
          .seconds = 30};
}

std::string TextOf(Sample sample, std::string_view state = {}) {
  return FailureText(SampleRecord(Entry(), sample, "20260304T102900-7f3a"),
                     "results/chaos/7f3a/CHA-POD-03", state);
}

void ExpectGolden(const std::string& name, const std::string& text) {
  const auto file = std::filesystem::path(PAWK8S_TEST_DIR) / "golden" / (name + ".txt");
  if (std::getenv("PAWK8S_GOLDEN") != nullptr) {
    ASSERT_TRUE(WriteFileAtomically(file, text).ok());
  }
  EXPECT_THAT(text, Eq(ReadFile(file).value_or("there is no " + file.string())));
}

TEST(FailureText, ViolatedByAWait) { ExpectGolden("violated_by_wait", TextOf(Sample::kWaitFails)); }
TEST(FailureText, ViolatedByAMatcher) {
  ExpectGolden("violated_by_matcher", TextOf(Sample::kMatchFails));
}
TEST(FailureText, StimulusFailed) {
  ExpectGolden("stimulus_failed", TextOf(Sample::kStimulusFailed));
}
TEST(FailureText, Unobservable) { ExpectGolden("unobservable", TextOf(Sample::kUnobservable)); }
TEST(FailureText, Blocked) { ExpectGolden("blocked", TextOf(Sample::kBlocked)); }
TEST(FailureText, NotRestored) { ExpectGolden("not_restored", TextOf(Sample::kNotRestored)); }
TEST(FailureText, Crashed) { ExpectGolden("crashed", TextOf(Sample::kCrashed)); }
TEST(FailureText, TimedOut) { ExpectGolden("timed_out", TextOf(Sample::kTimedOut)); }

TEST(FailureText, OfWhatTheGateRefusesSaysSo) {
  EXPECT_THAT(TextOf(Sample::kPass, "duplicate"), HasSubstr("no verdict: duplicate"));
  EXPECT_THAT(TextOf(Sample::kNotImplemented), HasSubstr("the suite has no test of it yet"));
  EXPECT_THAT(FailureText({.id = "CHA-POD-03"}, "x", "damaged"), HasSubstr("no verdict: damaged"));
}

TEST(FailureText, IsCleanAndBounded) {
  const std::string text = TextOf(Sample::kHostile);
  EXPECT_THAT(text, Not(HasSubstr("\x01")));
  EXPECT_THAT(text, Not(HasSubstr("\xff")));
  EXPECT_LT(text.size(), 8000U);
  EXPECT_THAT(text, HasSubstr("more in record.json)")) << "of the changes";
}

TEST(PassText, IsOneLine) {
  const std::string text = PassText(SampleRecord(Entry(), Sample::kTightPass, "r"));
  EXPECT_EQ(std::ranges::count(text, '\n'), 1);
  EXPECT_THAT(text, HasSubstr("CHA-POD-03 passed 26.40s PodKill.ChainKeepsCommitting"));
  EXPECT_THAT(text, HasSubstr("ready 21.7 s (<= 60, margin 64 %)"));
}

}  // namespace
}  // namespace pawk8s
