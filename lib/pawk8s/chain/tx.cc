#include "pawk8s/chain/tx.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

#include <utility>

#include "cosmos/crypto/secp256k1/keys.pb.h"
#include "pawk8s/chain/hex.h"
#include "pawk8s/net/digest.h"

namespace pawk8s::chain {

namespace tx = cosmos::tx::v1beta1;

namespace {

void Pack(const google::protobuf::Message& message, google::protobuf::Any& any) {
  any.set_type_url("/" + message.GetTypeName());
  google::protobuf::io::StringOutputStream bytes(any.mutable_value());
  google::protobuf::io::CodedOutputStream coded(&bytes);
  coded.SetSerializationDeterministic(true);  // maps sorted
  message.SerializeToCodedStream(&coded);
}

}  // namespace

Tx& Tx::Add(const google::protobuf::Message& message) {
  Pack(message, *body_.add_messages());
  return *this;
}

Tx& Tx::Memo(std::string memo) {
  body_.set_memo(std::move(memo));
  return *this;
}

Tx& Tx::Gas(std::uint64_t limit) {
  fee_.set_gas_limit(limit);
  return *this;
}

Tx& Tx::Fee(std::string amount, std::string denom) {
  auto* coin = fee_.add_amount();
  coin->set_amount(std::move(amount));
  coin->set_denom(std::move(denom));
  return *this;
}

Tx& Tx::FeeGranter(std::string address) {
  fee_.set_granter(std::move(address));
  return *this;
}

Tx& Tx::ExpiresAfter(Height height) {
  body_.set_timeout_height(static_cast<std::uint64_t>(height.value));
  return *this;
}

tx::SignDoc Tx::Doc(const Key& key, const Signer& signer) const {
  cosmos::crypto::secp256k1::PubKey public_key;
  public_key.set_key(key.public_key());
  tx::AuthInfo auth;
  tx::SignerInfo* info = auth.add_signer_infos();
  Pack(public_key, *info->mutable_public_key());
  info->mutable_mode_info()->mutable_single()->set_mode(tx::SIGN_MODE_DIRECT);
  info->set_sequence(signer.sequence);
  *auth.mutable_fee() = fee_;

  tx::SignDoc doc;
  body_.SerializeToString(doc.mutable_body_bytes());
  auth.SerializeToString(doc.mutable_auth_info_bytes());
  doc.set_chain_id(signer.chain_id);
  doc.set_account_number(signer.account_number);
  return doc;
}

std::string Tx::SignBytes(const Key& key, const Signer& signer) const {
  return Doc(key, signer).SerializeAsString();
}

SignedTx Tx::Sign(const Key& key, const Signer& signer) const {
  tx::SignDoc doc = Doc(key, signer);
  tx::TxRaw raw;
  raw.add_signatures(key.Sign(doc.SerializeAsString()));
  raw.set_body_bytes(std::move(*doc.mutable_body_bytes()));
  raw.set_auth_info_bytes(std::move(*doc.mutable_auth_info_bytes()));
  SignedTx signed_tx{.bytes = raw.SerializeAsString(),
                     .expires_after = {static_cast<std::int64_t>(body_.timeout_height())}};
  signed_tx.hash = TxHash(signed_tx.bytes);
  return signed_tx;
}

std::string TxHash(std::string_view tx_bytes) { return HexEncode(net::Sha256(tx_bytes)); }

absl::StatusOr<DecodedTx> DecodeTx(std::string_view tx_bytes) {
  tx::TxRaw raw;
  DecodedTx decoded;
  if (!raw.ParseFromArray(tx_bytes.data(), static_cast<int>(tx_bytes.size())) ||
      !decoded.body.ParseFromString(raw.body_bytes()) ||
      !decoded.auth_info.ParseFromString(raw.auth_info_bytes())) {
    return absl::DataLossError("not a transaction");
  }
  return decoded;
}

}  // namespace pawk8s::chain
