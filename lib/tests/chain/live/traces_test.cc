// What the nodes tell Jaeger of a block and its transactions.
#include <gmock/gmock.h>

#include <set>
#include <string>
#include <vector>

#include "chain/live/live_test.h"
#include "pawk8s/wait/until.h"

namespace pawk8s::chain {
namespace {

using observe::Span;
using observe::Trace;
using ::testing::SizeIs;

constexpr const char* kService = "paw-blockchain";
constexpr std::chrono::seconds kStored{20};

class LiveTraces : public LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (chain().jaeger() == nullptr) GTEST_SKIP() << "PAWK8S_CHAIN_JAEGER is not set";
  }

  // As soon as `least` traces have a span with that hash.
  std::vector<Trace> TracesOf(const std::string& hash, std::size_t least) {
    const auto report = Until(
        Deadline::After(kStored), Every(Millis{500}),
        [&](const Deadline& deadline) {
          return chain().jaeger()->Find({.service = kService, .tags = {{"tx.hash", hash}}},
                                        deadline);
        },
        [&](const std::vector<Trace>& traces) { return traces.size() >= least; });
    if (!report.last) Must(report.status);
    return *report.last;
  }

  // The transaction's span in one node's trace of its block.
  static const Span& SpanOf(const Trace& trace, const std::string& hash) {
    for (const Span& span : trace.spans) {
      const auto tag = span.tags.find("tx.hash");
      if (tag != span.tags.end() && tag->second == hash) return span;
    }
    throw std::runtime_error("trace " + trace.id + " has no span of " + hash);
  }
};

TEST_F(LiveTraces, EachNodeTellsOfTheTransactionInItsBlock) {
  const std::string to = Key::Generate().Address();
  const std::string hash = Must(
      chain().Offer(chain().account(0), Paying(Transfer(chain().account(0).Address(), to, 1))));
  const TxFate fate = Must(chain().Await(hash));
  ASSERT_THAT(fate, Succeeded());
  const Block block = Must(chain().rpc().BlockAt(fate.height, Deadline::After(kPatience)));

  const std::vector<Trace> traces = TracesOf(hash, chain().traced_nodes());
  ASSERT_THAT(traces, SizeIs(chain().traced_nodes()));
  std::set<std::string> ids;
  for (const Trace& trace : traces) {
    const Span& transaction = SpanOf(trace, hash);
    EXPECT_EQ(transaction.operation, "transaction.execute");
    EXPECT_EQ(transaction.tags.at("tx.code"), "0");
    EXPECT_GT(transaction.duration.count(), 0);
    const Span* parent = trace.Find(transaction.parent);
    ASSERT_NE(parent, nullptr) << trace.id;
    EXPECT_EQ(parent->operation, "block.process");
    EXPECT_EQ(parent->tags.at("block.height"), std::to_string(fate.height.value));
    EXPECT_EQ(parent->tags.at("block.proposer"), block.proposer.hex);
    EXPECT_LE(parent->start, transaction.start);
    ids.insert(trace.id);
  }
  EXPECT_THAT(ids, SizeIs(traces.size())) << "one trace a node";
}

TEST_F(LiveTraces, AFailedTransactionIsToldAsFailed) {
  const std::string to = Key::Generate().Address();
  const std::string hash = Must(chain().Offer(
      chain().account(0), Paying(Transfer(chain().account(0).Address(), to, 1ULL << 62))));
  const TxFate fate = Must(chain().Await(hash));
  ASSERT_THAT(fate, FailedWith(kInsufficientFunds));
  const std::vector<Trace> traces = TracesOf(hash, 1);
  ASSERT_FALSE(traces.empty());
  const Span& transaction = SpanOf(traces.front(), hash);
  EXPECT_EQ(transaction.tags.at("tx.codespace"), "sdk");
  EXPECT_EQ(transaction.tags.at("tx.code"), "5");
  EXPECT_EQ(transaction.tags.at("error"), "true");
}

}  // namespace
}  // namespace pawk8s::chain
