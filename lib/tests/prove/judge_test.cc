#include "prove/judge.h"

#include <gmock/gmock.h>

namespace pawk8s::prove {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::set<std::string> kNames = {"paw",         "paw-node",    "paw-node-a1", "validator-0",
                                      "validator-1", "validator-2", "worker-0",    "config.toml"};

Judgement Judge(Outcome outcome, const std::string& line, const std::string& names = "paw-node") {
  return JudgeRed({.outcome = outcome, .failures = {{.summary = line}}}, {.names = names}, kNames);
}

TEST(Judge, NamesAreWholeWords) {
  EXPECT_THAT(NamedIn("Deployment ns/paw-node: paw-node-a1, paw-node-b2 and validator-0.", kNames),
              ElementsAre("paw-node", "paw-node-a1", "validator-0"));
  EXPECT_THAT(NamedIn("xpaw-node validator-01 validator-1-", kNames), ElementsAre("validator-1"));
}

TEST(Judge, AViolationThatNamesItIsAKill) {
  EXPECT_EQ(Judge(Outcome::kViolated, "1 of 2 pods of paw-node").result, kKilled);
  EXPECT_EQ(Judge(Outcome::kViolated, "paw-node, paw-node-a1 on worker-0").result, kKilled);
}

TEST(Judge, EveryOtherEndIsToldApart) {
  EXPECT_EQ(Judge(Outcome::kPassed, "").result, kSurvived);
  EXPECT_EQ(Judge(Outcome::kBlocked, "paw-node").result, kWrongOutcome);
  EXPECT_EQ(Judge(Outcome::kUnobservable, "paw-node").first_line, "unobservable: paw-node");
  EXPECT_EQ(Judge(Outcome::kViolated, "1 of 2 pods").result, kWrongName);
  const auto vague = Judge(Outcome::kViolated, "paw-node, validator-0, validator-1, validator-2");
  EXPECT_EQ(vague.result, kVague);
  EXPECT_THAT(vague.first_line, HasSubstr("names 4 objects (paw-node, validator-0"));
}

}  // namespace
}  // namespace pawk8s::prove
