#include <gmock/gmock.h>

#include <cstdint>
#include <string>
#include <vector>

#include "chain/golden.h"
#include "cosmos/bank/v1beta1/tx.pb.h"
#include "kube/test_util.h"
#include "paw/compute/v1/tx.pb.h"
#include "paw/dex/v1/tx.pb.h"
#include "paw/oracle/v1/tx.pb.h"
#include "pawk8s/chain/tx.h"
#include "pawk8s/chain/tx_response.h"

namespace pawk8s::chain {
namespace {

using nlohmann::json;

Tx Build(const json& vector) {
  Tx tx;
  for (const json& send : vector["sends"]) {
    cosmos::bank::v1beta1::MsgSend message;
    message.set_from_address(send["from"]);
    message.set_to_address(send["to"]);
    for (const json& coin : send["amount"]) {
      auto* added = message.add_amount();
      added->set_denom(coin["denom"]);
      added->set_amount(coin["amount"]);
    }
    tx.Add(message);
  }
  const auto fill = [](auto& swap, const json& trade) {
    swap.set_pool_id(trade["pool_id"]);
    swap.set_token_in(trade["token_in"]);
    swap.set_token_out(trade["token_out"]);
    swap.set_amount_in(trade["amount_in"]);
    swap.set_min_amount_out(trade["min_amount_out"]);
  };
  const std::string trader = KeyOf(vector["key_text"]).Address();
  for (const json& trade : vector.value("swaps", json::array())) {
    paw::dex::v1::MsgSwap swap;
    swap.set_trader(trader);
    fill(swap, trade);
    swap.set_deadline(vector["deadline"]);
    tx.Add(swap);
  }
  if (vector.contains("batch")) {
    paw::dex::v1::MsgBatchSwap batch;
    batch.set_trader(trader);
    for (const json& trade : vector["batch"]) fill(*batch.add_swaps(), trade);
    batch.set_deadline(vector["deadline"]);
    tx.Add(batch);
  }
  tx.Memo(vector["memo"]).Gas(vector["gas"]).FeeGranter(vector["fee_granter"]);
  tx.ExpiresAfter({vector["timeout_height"].get<std::int64_t>()});
  for (const json& coin : vector["fee"]) tx.Fee(coin["amount"], coin["denom"]);
  return tx;
}

TEST(TransactionsTest, AreTheSdksByteForByte) {
  const json golden = Golden("transactions.json")["transactions"];
  ASSERT_GE(golden.size(), 60u);
  for (const json& vector : golden) {
    const Key key = KeyOf(vector["key_text"]);
    const Signer signer{.chain_id = vector["chain_id"],
                        .account_number = vector["account_number"],
                        .sequence = vector["sequence"]};
    const Tx tx = Build(vector);
    EXPECT_EQ(HexEncode(tx.SignBytes(key, signer)), vector["sign_bytes"]) << vector["name"];
    const SignedTx signed_tx = tx.Sign(key, signer);
    EXPECT_EQ(HexEncode(signed_tx.bytes), vector["tx_bytes"]) << vector["name"];
    EXPECT_EQ(signed_tx.hash, vector["hash"]) << vector["name"];
    EXPECT_EQ(signed_tx.expires_after.value, vector["timeout_height"]) << vector["name"];
  }
}

TEST(TransactionsTest, OfTheSdkAreDecoded) {
  const json golden = Golden("transactions.json")["transactions"];
  for (const json& vector : golden) {
    ASSERT_OK_AND_ASSIGN(const DecodedTx tx, DecodeTx(FromHex(vector["tx_bytes"])));
    EXPECT_EQ(tx.body.memo(), vector["memo"]);
    const std::size_t batches = vector.contains("batch") ? 1 : 0;
    EXPECT_EQ(static_cast<std::size_t>(tx.body.messages_size()),
              vector["sends"].size() + vector.value("swaps", json::array()).size() + batches);
    for (std::size_t i = 0; i < vector["sends"].size(); ++i) {
      EXPECT_EQ(tx.body.messages(static_cast<int>(i)).type_url(), "/cosmos.bank.v1beta1.MsgSend");
    }
    ASSERT_EQ(tx.auth_info.signer_infos_size(), 1);
    EXPECT_EQ(tx.auth_info.signer_infos(0).sequence(), vector["sequence"]);
    EXPECT_EQ(tx.auth_info.fee().gas_limit(), vector["gas"]);
  }
}

TEST(TransactionsTest, NonsenseIsNotDecoded) {
  const json golden = Golden("transactions.json")["transactions"][0];
  const std::string bytes = FromHex(golden["tx_bytes"]);
  EXPECT_THAT(DecodeTx(bytes.substr(0, bytes.size() - 1)),
              Fails(absl::StatusCode::kDataLoss, "not a transaction"));
  EXPECT_THAT(DecodeTx("\xff\xff\xff"), Fails(absl::StatusCode::kDataLoss, "not a transaction"));
}

// Tag and length of a short text or of nested bytes, then these.
std::string Field(int number, const std::string& bytes) {
  return std::string{static_cast<char>(number << 3 | 2), static_cast<char>(bytes.size())} + bytes;
}
std::string Number(int number, char value) {
  return std::string{static_cast<char>(number << 3), value};
}

// PAW's messages, by the numbers of its documents: the wire format written out by hand.
template <class Message>
std::string WireOf(const Message& message, const std::string& type) {
  EXPECT_EQ(message.GetTypeName(), type);
  return message.SerializeAsString();
}

TEST(PawMessagesTest, DexHasTheDocumentedNumbers) {
  namespace dex = paw::dex::v1;
  dex::MsgCreatePool create;
  create.set_creator("c");
  create.set_token_a("a");
  create.set_token_b("b");
  create.set_amount_a("10");
  create.set_amount_b("20");
  EXPECT_EQ(WireOf(create, "paw.dex.v1.MsgCreatePool"),
            Field(1, "c") + Field(2, "a") + Field(3, "b") + Field(4, "10") + Field(5, "20"));
  dex::MsgAddLiquidity add;
  add.set_provider("p");
  add.set_pool_id(7);
  add.set_amount_a("10");
  add.set_amount_b("20");
  EXPECT_EQ(WireOf(add, "paw.dex.v1.MsgAddLiquidity"),
            Field(1, "p") + Number(2, 7) + Field(3, "10") + Field(4, "20"));
  dex::MsgRemoveLiquidity remove;
  remove.set_provider("p");
  remove.set_pool_id(7);
  remove.set_shares("5");
  EXPECT_EQ(WireOf(remove, "paw.dex.v1.MsgRemoveLiquidity"),
            Field(1, "p") + Number(2, 7) + Field(3, "5"));
  const std::string trade = Field(1, "t") + Number(2, 7) + Field(3, "in") + Field(4, "out") +
                            Field(5, "10") + Field(6, "9") + Number(7, 100);
  const auto fill = [](auto& swap) {
    swap.set_trader("t");
    swap.set_pool_id(7);
    swap.set_token_in("in");
    swap.set_token_out("out");
    swap.set_amount_in("10");
    swap.set_min_amount_out("9");
    swap.set_deadline(100);
  };
  dex::MsgSwap swap;
  fill(swap);
  EXPECT_EQ(WireOf(swap, "paw.dex.v1.MsgSwap"), trade);
  dex::MsgRevealSwap reveal;
  fill(reveal);
  reveal.set_nonce("n");
  EXPECT_EQ(WireOf(reveal, "paw.dex.v1.MsgRevealSwap"), trade + Field(8, "n"));
  dex::MsgCommitSwap commit;
  commit.set_trader("t");
  commit.set_swap_hash("h");
  EXPECT_EQ(WireOf(commit, "paw.dex.v1.MsgCommitSwap"), Field(1, "t") + Field(2, "h"));
  dex::MsgBatchSwap batch;
  batch.set_trader("t");
  batch.set_deadline(100);
  auto* request = batch.add_swaps();
  request->set_pool_id(7);
  request->set_token_in("in");
  request->set_token_out("out");
  request->set_amount_in("10");
  request->set_min_amount_out("9");
  EXPECT_EQ(WireOf(batch, "paw.dex.v1.MsgBatchSwap"),
            Field(1, "t") +
                Field(2, Number(1, 7) + Field(2, "in") + Field(3, "out") + Field(4, "10") +
                             Field(5, "9")) +
                Number(3, 100));
}

TEST(PawMessagesTest, OracleHasTheDocumentedNumbers) {
  namespace oracle = paw::oracle::v1;
  oracle::MsgSubmitPrice price;
  price.set_validator("v");
  price.set_feeder("f");
  price.set_asset("a");
  price.set_price("1");
  EXPECT_EQ(WireOf(price, "paw.oracle.v1.MsgSubmitPrice"),
            Field(1, "v") + Field(2, "f") + Field(3, "a") + Field(4, "1"));
  oracle::MsgDelegateFeedConsent consent;
  consent.set_validator("v");
  consent.set_delegate("d");
  EXPECT_EQ(WireOf(consent, "paw.oracle.v1.MsgDelegateFeedConsent"), Field(1, "v") + Field(2, "d"));
  oracle::MsgEmergencyPauseOracle pause;
  pause.set_signer("s");
  pause.set_reason("r");
  EXPECT_EQ(WireOf(pause, "paw.oracle.v1.MsgEmergencyPauseOracle"), Field(1, "s") + Field(2, "r"));
  oracle::MsgResumeOracle resume;
  resume.set_authority("g");
  resume.set_reason("r");
  EXPECT_EQ(WireOf(resume, "paw.oracle.v1.MsgResumeOracle"), Field(1, "g") + Field(2, "r"));
}

TEST(PawMessagesTest, ComputeHasTheDocumentedNumbers) {
  namespace compute = paw::compute::v1;
  const auto fill = [](compute::ComputeSpec& spec) {
    spec.set_cpu_cores(1);
    spec.set_memory_mb(2);
    spec.set_gpu_count(3);
    spec.set_gpu_type("g");
    spec.set_storage_gb(5);
    spec.set_timeout_seconds(6);
  };
  const std::string spec =
      Number(1, 1) + Number(2, 2) + Number(3, 3) + Field(4, "g") + Number(5, 5) + Number(6, 6);
  compute::MsgRegisterProvider provider;
  provider.set_provider("p");
  provider.set_moniker("m");
  provider.set_endpoint("e");
  fill(*provider.mutable_available_specs());
  auto* pricing = provider.mutable_pricing();
  pricing->set_cpu_price_per_mcore_hour("1");
  pricing->set_memory_price_per_mb_hour("2");
  pricing->set_gpu_price_per_hour("3");
  pricing->set_storage_price_per_gb_hour("4");
  provider.set_stake("9");
  EXPECT_EQ(WireOf(provider, "paw.compute.v1.MsgRegisterProvider"),
            Field(1, "p") + Field(2, "m") + Field(3, "e") + Field(4, spec) +
                Field(5, Field(1, "1") + Field(2, "2") + Field(3, "3") + Field(4, "4")) +
                Field(6, "9"));
  compute::MsgDeactivateProvider gone;
  gone.set_provider("p");
  EXPECT_EQ(WireOf(gone, "paw.compute.v1.MsgDeactivateProvider"), Field(1, "p"));
  compute::MsgSubmitRequest request;
  request.set_requester("r");
  fill(*request.mutable_specs());
  request.set_container_image("i");
  request.add_command("c");
  (*request.mutable_env_vars())["k"] = "v";
  request.set_max_payment("5");
  request.set_preferred_provider("p");
  EXPECT_EQ(WireOf(request, "paw.compute.v1.MsgSubmitRequest"),
            Field(1, "r") + Field(2, spec) + Field(3, "i") + Field(4, "c") +
                Field(5, Field(1, "k") + Field(2, "v")) + Field(6, "5") + Field(7, "p"));
  compute::MsgCancelRequest cancel;
  cancel.set_requester("r");
  cancel.set_request_id(7);
  EXPECT_EQ(WireOf(cancel, "paw.compute.v1.MsgCancelRequest"), Field(1, "r") + Number(2, 7));
  compute::MsgSubmitResult result;
  result.set_provider("p");
  result.set_request_id(7);
  result.set_output_hash("h");
  result.set_output_url("u");
  result.set_exit_code(1);
  result.set_logs_url("l");
  result.set_verification_proof("x");
  EXPECT_EQ(WireOf(result, "paw.compute.v1.MsgSubmitResult"),
            Field(1, "p") + Number(2, 7) + Field(3, "h") + Field(4, "u") + Number(5, 1) +
                Field(6, "l") + Field(7, "x"));
}

// The order in which a map is filled does not show.
TEST(TransactionsTest, TheSameCallsMakeTheSameBytes) {
  const Key key = KeyOf("any");
  const auto bytes = [&](const std::vector<std::string>& names) {
    paw::compute::v1::MsgSubmitRequest request;
    for (const std::string& name : names) (*request.mutable_env_vars())[name] = name;
    return Tx().Add(request).Sign(key, {}).bytes;
  };
  EXPECT_EQ(bytes({"a", "b", "c", "d", "e"}), bytes({"e", "c", "d", "b", "a"}));
}

TEST(TxResultTest, HoldsTheMessagesResponses) {
  paw::dex::v1::MsgSwapResponse swapped;
  swapped.set_amount_out("99");
  cosmos::base::abci::v1beta1::TxMsgData data;
  auto* any = data.add_msg_responses();
  any->set_type_url("/paw.dex.v1.MsgSwapResponse");
  any->set_value(swapped.SerializeAsString());
  const TxResult result{.data = data.SerializeAsString()};
  ASSERT_OK_AND_ASSIGN(const auto read, ResponseOf<paw::dex::v1::MsgSwapResponse>(result, 0));
  EXPECT_EQ(read.amount_out(), "99");
  EXPECT_FALSE(ResponseOf<paw::dex::v1::MsgSwapResponse>(result, 1).ok());
  EXPECT_FALSE(ResponseOf<paw::dex::v1::MsgCreatePoolResponse>(result, 0).ok());
}

}  // namespace
}  // namespace pawk8s::chain
