#include "pawk8s/verdict/record.h"

#include <gmock/gmock.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "kube/test_util.h"
#include "report/sample_run.h"
#include "test_folder.h"

namespace pawk8s {
namespace {

using testing::Eq;
using testing::HasSubstr;
using testing::SizeIs;

CatalogueCase Entry() {
  return {.id = "CHA-POD-03",
          .suite = "PodKill",
          .name = "ChainKeepsCommitting",
          .item = "Pod kill",
          .proves = "Blocks keep coming. Always.",
          .needs = {"validators"},
          .impact = "disrupt",
          .seconds = 30};
}

TEST(Record, ComesBackAsItWasWritten) {
  const TestFolder folder;
  for (const Sample sample : {Sample::kTightPass, Sample::kSeriesPass, Sample::kWaitFails,
                              Sample::kNever, Sample::kCrashed, Sample::kStimulusFailed}) {
    Record record = SampleRecord(Entry(), sample, "run-1");
    record.attempts = 2;
    record.failed_before = "once";
    record.planted = "CHA-POD-03";
    ASSERT_THAT(WriteRecord(folder.path(), record), IsOk());
    ASSERT_OK_AND_ASSIGN(const Record read, ReadRecord(folder.path(), record.id));
    EXPECT_THAT(RecordToJson(read), Eq(RecordToJson(record)));
  }
}

TEST(Record, BytesThatAreNoUtf8AreReplacedAndTheRestStays) {
  Record record = SampleRecord(Entry(), Sample::kHostile, "run-1");
  ASSERT_OK_AND_ASSIGN(const Record read, RecordFromJson(RecordToJson(record)));
  EXPECT_THAT(read.failures.front().summary, HasSubstr("<script>alert(1)</script>"));
}

TEST(Record, WhatIsNoneIsOneSentence) {
  const std::string good = RecordToJson(SampleRecord(Entry(), Sample::kPass, "r"));
  const auto with = [&](const char* key, const nlohmann::json& value) {
    nlohmann::json j = nlohmann::json::parse(good);
    j[key] = value;
    return RecordFromJson(j.dump());
  };
  using absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(RecordFromJson(""), Fails(kInvalidArgument, HasSubstr("it is no record")));
  EXPECT_THAT(RecordFromJson("[]"), Fails(kInvalidArgument, HasSubstr("it is no record")));
  EXPECT_THAT(RecordFromJson(good.substr(0, good.size() / 2)),
              Fails(kInvalidArgument, HasSubstr("run the case again")));
  EXPECT_THAT(with("schema", 3), Fails(kInvalidArgument, HasSubstr("is of schema 3, this pawk8s "
                                                                   "reads schema 2")));
  EXPECT_THAT(with("schema", nullptr), Fails(kInvalidArgument, HasSubstr("it is no record")));
  EXPECT_THAT(with("outcome", "splendid"),
              Fails(kInvalidArgument, HasSubstr("unknown outcome 'splendid'")));
  EXPECT_THAT(with("measures", 7), Fails(kInvalidArgument, HasSubstr("it is no record")));
  EXPECT_THAT(with("seconds", "long"), Fails(kInvalidArgument, HasSubstr("it is no record")));
}

TEST(Record, OfTheSchemaBeforeThisOneIsRefused) {
  nlohmann::json old = nlohmann::json::parse(RecordToJson({.id = "INF-POD-01"}));
  old.erase("schema");
  EXPECT_THAT(RecordFromJson(old.dump()),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("is of schema 1")));
}

TEST(Record, TellsHowToRunItsCaseAgain) {
  EXPECT_THAT(RerunCommand({.id = "CHA-POD-03", .test = "PodKill.ChainKeepsCommitting"}),
              Eq(R"(ctest --preset chaos -R '^chaos\.PodKill\.ChainKeepsCommitting$')"));
}

TEST(Measure, HoldsAtItsThresholdAndNotBeyond) {
  const auto holds = [](const char* relation, double value) {
    return Measure{.value = value, .relation = relation, .threshold = 10}.Holds();
  };
  EXPECT_TRUE(holds("<=", 10));
  EXPECT_FALSE(holds("<=", 10.001));
  EXPECT_FALSE(holds("<", 10));
  EXPECT_TRUE(holds(">=", 10));
  EXPECT_FALSE(holds(">", 10));
  EXPECT_TRUE(holds("==", 10));
  EXPECT_TRUE(holds("", 99));
  EXPECT_FALSE((Measure{.relation = "<=", .threshold = 10, .never = true}.Holds()));
  EXPECT_FALSE(holds("<=", std::numeric_limits<double>::quiet_NaN()));
}

TEST(Measure, MarginIsAShareOfTheThreshold) {
  const auto margin = [](const char* relation, double value, double threshold) {
    return Measure{.value = value, .relation = relation, .threshold = threshold}.Margin();
  };
  EXPECT_THAT(margin("<=", 15, 60), testing::Optional(0.75));
  EXPECT_THAT(margin("<=", 90, 60), testing::Optional(-0.5));
  EXPECT_THAT(margin(">=", 15, 5), testing::Optional(2.0));
  EXPECT_THAT(margin("==", 5, 5), Eq(std::nullopt));
  EXPECT_THAT(margin("<=", 5, 0), Eq(std::nullopt));
  EXPECT_THAT(margin("", 5, 5), Eq(std::nullopt));
}

TEST(Series, PercentilesAreNearestRank) {
  std::vector<double> samples;
  for (int i = 100; i >= 1; --i) samples.push_back(i);
  const Series s = Series::Of(samples);
  EXPECT_EQ(s.n, 100U);
  EXPECT_EQ(s.p50, 50);
  EXPECT_EQ(s.p95, 95);
  EXPECT_EQ(s.p99, 99);
  EXPECT_EQ(s.max, 100);
  EXPECT_EQ(Series::Of({7}).p50, 7);
  EXPECT_EQ(Series::Of({}).n, 0U);
}

TEST(Series, KeepsThePeaksOfWhatItThinsOut) {
  std::vector<double> samples(10'000, 1);
  samples[4321] = 50;
  const Series s = Series::Of(samples);
  EXPECT_THAT(s.points, SizeIs(Series::kMaxPoints));
  EXPECT_THAT(s.points, testing::Contains(50));
}

}  // namespace
}  // namespace pawk8s
