// What a block may hold: transactions, addresses, and results in protobuf.
#include <google/protobuf/stubs/logging.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "paw/dex/v1/tx.pb.h"
#include "pawk8s/chain/bech32.h"
#include "pawk8s/chain/tx.h"
#include "pawk8s/chain/tx_response.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace pawk8s::chain;
  // Every text that is no UTF-8 would be a line on the standard error.
  const google::protobuf::LogSilencer quiet;
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  int seen = 0;
  if (const auto tx = DecodeTx(bytes); tx.ok()) {
    seen = 1 + tx->body.messages_size() % 50 + 50 * (tx->auth_info.signer_infos_size() % 3);
  }
  const TxResult result{.data = std::string(bytes)};
  if (ResponseOf<paw::dex::v1::MsgBatchSwapResponse>(result, 0).ok()) seen += 1;
  if (Bech32Decode(bytes).ok()) seen += 2;
  return seen;
}
