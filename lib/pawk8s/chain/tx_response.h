// What an executed transaction's messages have answered.
#pragma once

#include "absl/status/statusor.h"
#include "cosmos/base/abci/v1beta1/abci.pb.h"
#include "pawk8s/chain/tx_result.h"

namespace pawk8s::chain {

// The response to message `index` of an executed transaction. DataLoss if `result` has none of
// this type there.
template <class Response>
[[nodiscard]] absl::StatusOr<Response> ResponseOf(const TxResult& result, int index) {
  cosmos::base::abci::v1beta1::TxMsgData data;
  Response response;
  if (!data.ParseFromString(result.data) || index >= data.msg_responses_size() ||
      data.msg_responses(index).type_url() != "/" + response.GetTypeName() ||
      !response.ParseFromString(data.msg_responses(index).value())) {
    return absl::DataLossError("no " + response.GetTypeName() + " in the result");
  }
  return response;
}

}  // namespace pawk8s::chain
