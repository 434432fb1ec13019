#include "pawk8s/kube/quantity.h"

#include <gmock/gmock.h>

namespace pawk8s::kube {
namespace {

using testing::Eq;
using testing::Optional;

TEST(QuantityTest, ReadsWhatTheApiWrites) {
  for (const auto& [text, milli] : std::initializer_list<std::pair<const char*, std::int64_t>>{
           {"0", 0},
           {"1", 1000},
           {"100m", 100},
           {"1.5", 1500},
           {"0.1", 100},
           {"1Ki", 1'024'000},
           {"1Gi", 1'073'741'824'000},
           {"500k", 500'000'000},
           {"2e3", 2'000'000},
           {"-5", -5000},
           {"1n", 1},  // finer than a thousandth: rounded up
       }) {
    EXPECT_THAT(ParseQuantity(text), Optional(Eq(Quantity{milli}))) << text;
  }
}

TEST(QuantityTest, RefusesTheRest) {
  for (const char* text : {"", "m", "Gi", "1.2.3", "1Gib", "one", "1 ", " 1", "inf", "nan", "1E",
                           "9999999999999999999"}) {
    EXPECT_EQ(ParseQuantity(text), std::nullopt) << text;
  }
}

TEST(QuantityTest, AddsAndPrints) {
  EXPECT_EQ((*ParseQuantity("100m") + *ParseQuantity("0.9")).ToString(), "1");
  EXPECT_EQ(ParseQuantity("250m")->ToString(), "250m");
  EXPECT_EQ(ParseQuantity("1001m")->Whole(), 2);
  EXPECT_LT(*ParseQuantity("999m"), *ParseQuantity("1"));
}

}  // namespace
}  // namespace pawk8s::kube
