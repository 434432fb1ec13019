// The chain layer against a running chain that nobody else writes to:
//
//   PAWK8S_CHAIN_RPC=127.0.0.1:26657,127.0.0.1:36657 PAWK8S_CHAIN_ACCOUNTS=DIR ctest -L '^chain$'
//
// DIR holds account-<n>.json of `pawd network`, with the mnemonics of funded accounts. Without
// these variables the tests fail.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "cosmos/bank/v1beta1/tx.pb.h"
#include "kube/test_util.h"
#include "pawk8s/chain/broadcaster.h"
#include "pawk8s/chain/hex.h"
#include "pawk8s/chain/verification.h"

namespace pawk8s::chain {
namespace {

using testing::NotNull;

Deadline InAMinute() { return In(std::chrono::seconds(60)); }

std::string Setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

cosmos::bank::v1beta1::MsgSend SendTo(const std::string& from, const std::string& to,
                                      const std::string& denom = "upaw") {
  cosmos::bank::v1beta1::MsgSend send;
  send.set_from_address(from);
  send.set_to_address(to);
  auto* coin = send.add_amount();
  coin->set_denom(denom);
  coin->set_amount("1");
  return send;
}

class ChainLive : public testing::Test {
 protected:
  void SetUp() override {
    std::istringstream list(Setting("PAWK8S_CHAIN_RPC"));
    for (std::string address; std::getline(list, address, ',');) {
      nodes_.push_back({.options = {}, .address = address});
    }
    const std::string folder = Setting("PAWK8S_CHAIN_ACCOUNTS");
    ASSERT_FALSE(nodes_.empty() || folder.empty())
        << "set PAWK8S_CHAIN_RPC and PAWK8S_CHAIN_ACCOUNTS";
    for (int i = 0; std::filesystem::exists(fmt::format("{}/account-{}.json", folder, i)); ++i) {
      std::ifstream in(fmt::format("{}/account-{}.json", folder, i));
      const auto account = nlohmann::json::parse(in);
      auto key = Key::FromMnemonic(account["mnemonic"].get<std::string>());
      ASSERT_THAT(key, IsOk());
      ASSERT_EQ(key->Address(), account["address"]);
      keys_.push_back(*std::move(key));
    }
    ASSERT_FALSE(keys_.empty()) << "no account-0.json in " << folder;
    rpc_.emplace(net::HttpOptions{}, "http://" + nodes_[0].address);
    ASSERT_OK_AND_ASSIGN(const NodeStatus status, rpc_->Status(Soon()));
    chain_id_ = status.network;
    latest_ = status.latest;
  }

  std::vector<RpcNode> nodes_;
  std::vector<Key> keys_;
  std::optional<Rpc> rpc_;
  std::string chain_id_;
  Height latest_;
};

TEST_F(ChainLive, EverySendIsCommitted) {
  constexpr int kSends = 100;
  const std::string to = Key::Generate().Address();
  Accounts accounts;
  for (Key& key : keys_) {
    ASSERT_OK_AND_ASSIGN(const AccountInfo info, rpc_->Account(key.Address(), Soon()));
    accounts.Add(std::move(key), info);
  }
  TxLedger ledger(latest_);
  ASSERT_OK_AND_ASSIGN(
      const auto stream,
      BlockStream::Start(
          nodes_, latest_, [&](const BlockTxs& block) { return ledger.Saw(block); }, Soon()));
  Broadcaster broadcaster({.chain_id = chain_id_}, nodes_, accounts, ledger);
  std::vector<std::string> hashes;
  for (int i = 0; i < kSends; ++i) {
    ASSERT_OK_AND_ASSIGN(
        const auto offer,
        broadcaster.Send(
            [&](const Key& signer) {
              return Tx().Add(SendTo(signer.Address(), to)).Gas(200'000).Fee("200", "upaw");
            },
            InAMinute()));
    ASSERT_THAT(offer.check, IsOk());
    ASSERT_TRUE(offer.check->ok()) << offer.check->log;
    hashes.push_back(offer.hash);
  }
  ASSERT_THAT(ledger.AwaitAll(InAMinute()), IsOk()) << stream->status();
  for (const std::string& hash : hashes) {
    ASSERT_OK_AND_ASSIGN(const TxFate fate, ledger.Await(hash, Soon()));
    EXPECT_EQ(fate.kind, TxFate::Kind::kCommitted);
    EXPECT_TRUE(fate.result.ok()) << fate.result.log;
    ASSERT_THAT(fate.result.Find("transfer"), NotNull());
  }
  EXPECT_EQ(ledger.tally().committed, static_cast<std::uint64_t>(kSends));
  EXPECT_EQ(ledger.tally().unknown, 0u);
  EXPECT_EQ(ledger.tally().contradicted, 0u);
}

struct BadInput {
  const char* what;
  std::function<void(Tx&, Signer&)> apply;
  TxError error;
};

TEST_F(ChainLive, RefusalsHaveTheirDocumentedCodes) {
  const Key& key = keys_[0];
  const std::string from = key.Address();
  ASSERT_OK_AND_ASSIGN(const AccountInfo before, rpc_->Account(from, Soon()));
  const std::vector<BadInput> inputs = {
      {"a sequence too high", [](Tx&, Signer& signer) { ++signer.sequence; }, kWrongSequence},
      {"another chain", [](Tx&, Signer& signer) { signer.chain_id += "x"; }, kUnauthorized},
      {"another account", [](Tx&, Signer& signer) { ++signer.account_number; }, kUnauthorized},
      {"no fee", [](Tx&, Signer&) {}, kInsufficientFee},
      {"a fee too low", [](Tx& tx, Signer&) { tx.Fee("199", "upaw"); }, kInsufficientFee},
      {"a fee in another denomination", [](Tx& tx, Signer&) { tx.Fee("200", "uatom"); },
       kInsufficientFee},
      {"a long memo", [](Tx& tx, Signer&) { tx.Fee("200", "upaw").Memo(std::string(257, 'm')); },
       kMemoTooLarge},
      {"11 messages",
       [&](Tx& tx, Signer&) {
         tx.Fee("200", "upaw");
         for (int i = 0; i < 10; ++i) tx.Add(SendTo(from, from));
       },
       kInvalidRequest},
  };
  for (const BadInput& input : inputs) {
    Tx tx = Tx().Add(SendTo(from, from)).Gas(200'000);
    Signer signer{
        .chain_id = chain_id_, .account_number = before.number, .sequence = before.sequence};
    const bool fee_is_right =
        input.error.code == kWrongSequence.code || input.error.code == kUnauthorized.code;
    if (fee_is_right) tx.Fee("200", "upaw");
    input.apply(tx, signer);
    ASSERT_OK_AND_ASSIGN(const TxResult check, rpc_->Broadcast(tx.Sign(key, signer).bytes, Soon()));
    EXPECT_TRUE(check.Is(input.error))
        << input.what << ": " << check.codespace << "/" << check.code << " " << check.log;
  }
  ASSERT_OK_AND_ASSIGN(const AccountInfo after, rpc_->Account(from, Soon()));
  EXPECT_EQ(after.sequence, before.sequence);
  EXPECT_THAT(rpc_->Account(Key::Generate().Address(), Soon()),
              Fails(absl::StatusCode::kNotFound, testing::_));
}

TEST_F(ChainLive, HeadersAreSignedFromTheFirstOn) {
  constexpr std::int64_t kMost = 50;
  const Height last{std::min(latest_.value - 1, kMost)};
  ASSERT_GE(last.value, 3);
  std::optional<HeaderChain> headers;
  for (Height height{1}; height <= last; height = height + 1) {
    ASSERT_OK_AND_ASSIGN(const SignedHeader header, rpc_->SignedHeaderAt(height, Soon()));
    ASSERT_OK_AND_ASSIGN(const auto validators, rpc_->ValidatorsAt(height, Soon()));
    ASSERT_OK_AND_ASSIGN(const ValidatorSet set, ValidatorSet::Make(validators));
    if (headers) {
      ASSERT_THAT(headers->Append(header, set), IsOk());
    } else {
      ASSERT_OK_AND_ASSIGN(headers, HeaderChain::Begin(chain_id_, header, set));
    }
    ASSERT_OK_AND_ASSIGN(const Block block, rpc_->BlockAt(height, Soon()));
    EXPECT_EQ(block.hash, HexEncode(header.block_id.hash));
  }
}

}  // namespace
}  // namespace pawk8s::chain
