// Transactions: built of any messages, signed in SIGN_MODE_DIRECT.
//
//   cosmos::bank::v1beta1::MsgSend send;
//   ...
//   const SignedTx tx = Tx().Add(send).Gas(100'000).Fee("100", "upaw").ExpiresAfter({1234}).Sign(
//       key, {.chain_id = "paw-testbed-1", .account_number = 7, .sequence = 0});
//
// Nothing is checked here: a test must be able to build what a node has to refuse.
#pragma once

#include <google/protobuf/message.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "cosmos/tx/v1beta1/tx.pb.h"
#include "pawk8s/chain/height.h"
#include "pawk8s/chain/key.h"

namespace pawk8s::chain {

// What a signature is bound to.
struct Signer {
  std::string chain_id;
  std::uint64_t account_number = 0;
  std::uint64_t sequence = 0;
};

struct SignedTx {
  std::string bytes;
  std::string hash;      // of `bytes`, upper-case hex, as nodes name it
  Height expires_after;  // as Tx::ExpiresAfter(); 0: never
};

// The same calls make the same bytes.
class Tx {
 public:
  // Its type URL is "/" and the name of the message's type.
  Tx& Add(const google::protobuf::Message& message);
  Tx& Memo(std::string memo);
  Tx& Gas(std::uint64_t limit);
  Tx& Fee(std::string amount, std::string denom);
  // Whose fee grant pays, a bech32 address.
  Tx& FeeGranter(std::string address);
  // The last height whose block may have it: afterwards no node can commit it any more.
  Tx& ExpiresAfter(Height height);

  [[nodiscard]] SignedTx Sign(const Key& key, const Signer& signer) const;
  // What Sign() signs.
  [[nodiscard]] std::string SignBytes(const Key& key, const Signer& signer) const;

 private:
  [[nodiscard]] cosmos::tx::v1beta1::SignDoc Doc(const Key& key, const Signer& signer) const;

  cosmos::tx::v1beta1::TxBody body_;
  cosmos::tx::v1beta1::Fee fee_;
};

// The hash under which nodes know these bytes: SHA-256 in upper-case hex.
[[nodiscard]] std::string TxHash(std::string_view tx_bytes);

struct DecodedTx {
  cosmos::tx::v1beta1::TxBody body;
  cosmos::tx::v1beta1::AuthInfo auth_info;
};
// What is in a block. DataLoss if it is no transaction.
[[nodiscard]] absl::StatusOr<DecodedTx> DecodeTx(std::string_view tx_bytes);

}  // namespace pawk8s::chain
