#include "pawk8s/observe/jaeger.h"

#include <gmock/gmock.h>

namespace pawk8s::observe {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::SizeIs;

constexpr const char* kAnswer = R"({"data": [{
  "traceID": "0af7651916cd43dd8448eb211c80319c",
  "spans": [
    {"traceID": "0af7651916cd43dd8448eb211c80319c", "spanID": "00f067aa0ba902b7",
     "operationName": "block.process", "references": [], "startTime": 1732800000000001,
     "duration": 900, "processID": "p1",
     "tags": [{"key": "block.height", "type": "int64", "value": 7}], "logs": []},
    {"traceID": "0af7651916cd43dd8448eb211c80319c", "spanID": "b7ad6b7169203331",
     "operationName": "transaction.execute",
     "references": [
       {"refType": "FOLLOWS_FROM", "traceID": "4bf9", "spanID": "1111111111111111"},
       {"refType": "CHILD_OF", "traceID": "0af7651916cd43dd8448eb211c80319c",
        "spanID": "00f067aa0ba902b7"}],
     "startTime": 1732800000000101, "duration": 50, "processID": "p1",
     "tags": [{"key": "tx.hash", "type": "string", "value": "AB"},
              {"key": "error", "type": "bool", "value": false}]}],
  "processes": {"p1": {"serviceName": "paw-blockchain", "tags": []}}}],
  "total": 0, "limit": 0, "offset": 0, "errors": null})";

TEST(Jaeger, AnswersAreReadAsTraces) {
  const auto traces = ParseTraces(kAnswer);
  ASSERT_TRUE(traces.ok()) << traces.status();
  ASSERT_THAT(*traces, SizeIs(1));
  const Trace& trace = traces->front();
  EXPECT_EQ(trace.id, "0af7651916cd43dd8448eb211c80319c");
  ASSERT_THAT(trace.spans, SizeIs(2));
  const Span& transaction = trace.spans[1];
  EXPECT_EQ(transaction.operation, "transaction.execute");
  EXPECT_EQ(transaction.service, "paw-blockchain");
  EXPECT_THAT(transaction.tags, ElementsAre(Pair("error", "false"), Pair("tx.hash", "AB")));
  EXPECT_EQ(transaction.start.time_since_epoch(), 1732800000000101us);
  EXPECT_EQ(transaction.duration, 50us);
  ASSERT_EQ(trace.Find(transaction.parent), trace.spans.data()) << "a child, not what it follows";
  EXPECT_EQ(trace.spans[0].tags.at("block.height"), "7");
  EXPECT_THAT(trace.spans[0].parent, IsEmpty());
  EXPECT_EQ(trace.Find("1111111111111111"), nullptr);
}

TEST(Jaeger, NoTraceIsNoError) {
  const auto traces = ParseTraces(R"({"data": [], "errors": null})");
  ASSERT_TRUE(traces.ok()) << traces.status();
  EXPECT_THAT(*traces, IsEmpty());
}

TEST(Jaeger, WhatIsNoAnswerIsAnError) {
  for (const char* bad : {"", "[]", "<html>", R"({"data": 1})", R"({"data": [{"traceID": 7}]})",
                          R"({"data": [{"traceID": "a", "spans": [{}], "processes": {}}]})"}) {
    EXPECT_TRUE(absl::IsDataLoss(ParseTraces(bad).status())) << bad;
  }
}

}  // namespace
}  // namespace pawk8s::observe
