#include "pawk8s/chain/block_txs.h"

#include "pawk8s/base/status.h"
#include "pawk8s/chain/internal/tx_json.h"
#include "pawk8s/chain/tx.h"
#include "pawk8s/net/digest.h"

namespace pawk8s::chain {
namespace internal {

TxResult ReadCheck(const json& result) {
  return {.code = SmallInteger<std::uint32_t>(result, "code"),
          .codespace = Text(result, "codespace"),
          .log = Text(result, "log")};
}

TxResult ReadExecution(const json& result) {
  TxResult read = ReadCheck(result);
  read.data = Base64(result, "data");
  read.gas_wanted = Integer(result, "gas_wanted");
  read.gas_used = Integer(result, "gas_used");
  for (const json& event : List(result, "events")) {
    Event& added = read.events.emplace_back(Event{.type = Text(event, "type")});
    for (const json& attribute : List(event, "attributes")) {
      added.attributes.emplace_back(Text(attribute, "key"), Text(attribute, "value"));
    }
  }
  return read;
}

}  // namespace internal

namespace {

using namespace internal;  // the readers of this layer

BlockTxs ReadBlock(const json& block, const json& results) {
  const json& header = Field(block, "header");
  BlockTxs read{.height = {Integer(header, "height")}, .time = Time(header, "time")};
  const json& txs = List(Field(block, "data"), "txs");
  if (txs.size() != results.size()) throw Malformed{"not one result for each transaction"};
  for (std::size_t i = 0; i < txs.size(); ++i) {
    if (!txs[i].is_string()) throw Malformed{"a transaction is no string"};
    const auto bytes = net::Base64Decode(txs[i].get_ref<const std::string&>());
    if (!bytes.ok()) throw Malformed{"a transaction is not base64"};
    read.txs.push_back({.hash = TxHash(*bytes), .result = ReadExecution(results[i])});
  }
  return read;
}

}  // namespace

absl::StatusOr<BlockTxs> ParseNewBlock(std::string_view message) {
  return ReadResult(message, [](const json& result) {
    const json& value = Field(Field(result, "data"), "value");
    const json& executed = Field(value, "result_finalize_block");
    // Of an empty block the results are left out.
    return ReadBlock(Field(value, "block"), executed.is_object() && executed.contains("tx_results")
                                                ? List(executed, "tx_results")
                                                : json::array());
  });
}

absl::StatusOr<BlockTxs> ParseBlockTxs(std::string_view block, std::string_view results) {
  const json parsed = json::parse(results, nullptr, /*allow_exceptions=*/false);
  if (absl::Status error = RpcError(parsed); !error.ok()) return error;
  return ReadResult(block, [&](const json& result) {
    const json& of_block = Field(result, "block");
    const json& of_results = ResultOf(parsed);
    if (Integer(of_results, "height") != Integer(Field(of_block, "header"), "height")) {
      throw Malformed{"block and results are of different heights"};
    }
    return ReadBlock(of_block, List(of_results, "txs_results"));
  });
}

}  // namespace pawk8s::chain
