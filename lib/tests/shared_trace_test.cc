#include "pawk8s/testing/shared_trace.h"

#include <gmock/gmock.h>

#include "test_folder.h"

namespace pawk8s::testing {
namespace {

using namespace std::chrono_literals;

class SharedTraceTest : public ::testing::Test {
 protected:
  SharedTraceTest() {
    EXPECT_TRUE(KeepTrace(folder_.path(), "replaced",
                          {.subject = subject_,
                           .made_by = "INF-POD-02",
                           .made_at = made_at_,
                           .content = {{"gone", 12}}})
                    .ok());
  }
  [[nodiscard]] bool IsFound(const TraceSubject& subject, Millis after) const {
    return FindTrace(folder_.path(), "replaced", subject, 10min, made_at_ + after).has_value();
  }

  const TestFolder folder_;
  const TraceSubject subject_{.uid = "u1", .generation = 3, .revision = "v-1"};
  const std::chrono::system_clock::time_point made_at_{1'000'000'000s};
};

TEST_F(SharedTraceTest, IsReadAsItWasKept) {
  const auto trace = FindTrace(folder_.path(), "replaced", subject_, 10min, made_at_ + 1s);
  ASSERT_TRUE(trace);
  EXPECT_EQ(trace->made_by, "INF-POD-02");
  EXPECT_EQ(trace->made_at, made_at_);
  EXPECT_EQ(trace->content, (nlohmann::json{{"gone", 12}}));
}

TEST_F(SharedTraceTest, IsOfOneWorkloadAsItIsNow) {
  EXPECT_TRUE(IsFound(subject_, 1s));
  EXPECT_FALSE(IsFound({.uid = "u2", .generation = 3, .revision = "v-1"}, 1s));
  EXPECT_FALSE(IsFound({.uid = "u1", .generation = 4, .revision = "v-1"}, 1s));
  EXPECT_FALSE(IsFound({.uid = "u1", .generation = 3, .revision = "v-2"}, 1s));
}

TEST_F(SharedTraceTest, GrowsTooOld) {
  EXPECT_TRUE(IsFound(subject_, 10min));
  EXPECT_FALSE(IsFound(subject_, 10min + 1ms));
  EXPECT_FALSE(IsFound(subject_, -1ms));
}

TEST_F(SharedTraceTest, WhatIsNotThereOrIsTornIsNone) {
  EXPECT_FALSE(FindTrace(folder_.path(), "scaled", subject_, 10min, made_at_));
  folder_.Write("trace-replaced.json", R"({"uid": "u1", "generation")");
  EXPECT_FALSE(IsFound(subject_, 1s));
  folder_.Write("trace-replaced.json", R"({"uid": "u1"})");
  EXPECT_FALSE(IsFound(subject_, 1s));
}

}  // namespace
}  // namespace pawk8s::testing
