#include "pawk8s/chain/block_txs.h"

#include <gmock/gmock.h>

#include "chain/golden.h"
#include "kube/test_util.h"

namespace pawk8s::chain {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pointee;

void ExpectGolden(const absl::StatusOr<BlockTxs>& block, const json& hashes) {
  ASSERT_THAT(block, IsOk());
  EXPECT_EQ(block->height, Height{5});
  EXPECT_EQ(block->time.nanos, 120'000'005);
  ASSERT_EQ(block->txs.size(), 2u);
  EXPECT_EQ(block->txs[0].hash, hashes[0]);
  const TxResult& good = block->txs[0].result;
  EXPECT_TRUE(good.ok());
  EXPECT_EQ(good.gas_used, 70'001);
  EXPECT_EQ(good.data, std::string("\x12\0", 2));
  ASSERT_NE(good.Find("transfer"), nullptr);
  EXPECT_THAT(good.Find("transfer")->Find("amount"), Pointee(std::string("1upaw")));
  EXPECT_EQ(good.Find("transfer")->Find("fee"), nullptr);
  EXPECT_EQ(good.Find("burn"), nullptr);
  EXPECT_EQ(block->txs[1].hash, hashes[1]);
  EXPECT_TRUE(block->txs[1].result.Is(kInsufficientFunds));
  EXPECT_EQ(block->txs[1].result.log, "insufficient funds");
}

TEST(BlockTxsTest, AreTheSameForSubscribersAndReaders) {
  const json golden = Golden("blocks.json");
  ExpectGolden(ParseNewBlock(golden["new_block"].dump()), golden["hashes"]);
  ExpectGolden(ParseBlockTxs(golden["block"].dump(), golden["results"].dump()), golden["hashes"]);
}

TEST(BlockTxsTest, ABlockMayBeEmpty) {
  ASSERT_OK_AND_ASSIGN(const BlockTxs block, ParseNewBlock(Golden("blocks.json")["empty"].dump()));
  EXPECT_EQ(block.height, Height{6});
  EXPECT_THAT(block.txs, IsEmpty());
}

TEST(BlockTxsTest, ResultsMustFitTheBlock) {
  constexpr auto kDataLoss = absl::StatusCode::kDataLoss;
  const json golden = Golden("blocks.json");
  json fewer = golden["results"];
  fewer["result"]["txs_results"].erase(0);
  EXPECT_THAT(ParseBlockTxs(golden["block"].dump(), fewer.dump()),
              Fails(kDataLoss, HasSubstr("one result for each")));
  json other = golden["results"];
  other["result"]["height"] = "6";
  EXPECT_THAT(ParseBlockTxs(golden["block"].dump(), other.dump()),
              Fails(kDataLoss, HasSubstr("different heights")));
  EXPECT_THAT(ParseBlockTxs(golden["block"].dump(), R"({"error":{"code":-32603}})"),
              Fails(absl::StatusCode::kInternal, HasSubstr("-32603")));
  EXPECT_THAT(ParseNewBlock(R"({"jsonrpc":"2.0","id":1,"result":{}})"),
              Fails(kDataLoss, HasSubstr("no field 'data'")));
  EXPECT_THAT(ParseNewBlock(""), Fails(kDataLoss, testing::_));
}

}  // namespace
}  // namespace pawk8s::chain
