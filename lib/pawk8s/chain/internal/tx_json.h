// Transactions in the JSON of CometBFT's RPC; private to this layer.
#pragma once

#include "pawk8s/chain/internal/json_fields.h"
#include "pawk8s/chain/tx_result.h"

namespace pawk8s::chain::internal {

// The check of a broadcast transaction: code, codespace and log.
TxResult ReadCheck(const json& result);
// One element of tx_results.
TxResult ReadExecution(const json& result);

}  // namespace pawk8s::chain::internal
