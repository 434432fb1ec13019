// What the chain of a deployment can do, as the suite sees it: through the gateway's REST, in what
// blocks say of transactions, in metrics.
//
//   PAWK8S_PROFILE=... PAWK8S_CHAIN_ACCOUNTS=DIR build/dev/bin/pawk8s_chain_demonstration
//
// DIR holds account-<n>.json and validator-<n>.json of `pawd network`, with the mnemonics of funded
// accounts (on a testbed the instance's folder `network`). Without these variables the tests fail.
// Each trades from an account of its own, so that others may use the chain meanwhile, but pool 1.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <boost/multiprecision/cpp_int.hpp>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cosmos/bank/v1beta1/tx.pb.h"
#include "kube/test_util.h"
#include "paw/compute/v1/tx.pb.h"
#include "paw/dex/v1/tx.pb.h"
#include "paw/oracle/v1/tx.pb.h"
#include "pawk8s/chain/block_stream.h"
#include "pawk8s/chain/key.h"
#include "pawk8s/chain/tx.h"
#include "pawk8s/chain/tx_ledger.h"
#include "pawk8s/chain/tx_response.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/kube/port_forward.h"
#include "pawk8s/net/http.h"
#include "pawk8s/wait/until.h"

namespace pawk8s::chain {
namespace {

using boost::multiprecision::cpp_int;
using google::protobuf::Message;
using nlohmann::json;
using testing::Contains;
using testing::NotNull;
using testing::Pair;

constexpr std::uint64_t kPool = 1;  // of the genesis: upaw and uusdc
constexpr std::uint64_t kGas = 400'000;
constexpr std::int64_t kFee = 400;  // upaw, at 0.001 a unit of gas
constexpr std::int64_t kFunds = 50'000'000;

constexpr TxError kNotFound{"sdk", 38};
constexpr TxError kPoolExists{"dex", 15};
constexpr TxError kSlippage{"dex", 17};
constexpr TxError kInvalidPair{"dex", 18};
constexpr TxError kDeadlinePassed{"dex", 30};
constexpr TxError kCommitRevealOff{"dex", 47};
constexpr TxError kSwapTooLarge{"dex", 8};

// Amounts in the smallest unit. Pool fees are 0.3 %, of which 0.05 % leave the pool.
struct Reserves {
  cpp_int paw;
  cpp_int usdc;
  friend bool operator==(const Reserves&, const Reserves&) = default;
};

// What `in` upaw buys at constant product, and what the pool has then: exact, rounded down once.
cpp_int Sell(cpp_int in, Reserves& pool) {
  const cpp_int net = in * 997;
  const cpp_int out = net * pool.usdc / (pool.paw * 1000 + net);
  pool.paw += in - in * 5 / 10'000;
  pool.usdc -= out;
  return out;
}

// An account that nobody else signs for.
struct Signatory {
  Key key;
  AccountInfo info;
  [[nodiscard]] std::string address() const { return key.Address(); }
};

class Demonstration : public testing::Test {
 protected:
  void SetUp() override {
    const char* profile = std::getenv("PAWK8S_PROFILE");
    const char* folder = std::getenv("PAWK8S_CHAIN_ACCOUNTS");
    ASSERT_TRUE(profile != nullptr && folder != nullptr)
        << "set PAWK8S_PROFILE and PAWK8S_CHAIN_ACCOUNTS";
    folder_ = folder;
    ASSERT_OK_AND_ASSIGN(const Profile of, Profile::Load(profile));
    ASSERT_OK_AND_ASSIGN(paw_, Deployment::Connect(of));
    ASSERT_OK_AND_ASSIGN(const WorkloadState validators, paw_->Read(of.validators, Soon()));
    for (const kube::Pod& pod : validators.ReadyPods()) {
      nodes_.push_back({.options = {.dial = Dial(pod, of.ports.rpc)}});
      metrics_.push_back({.dial = Dial(pod, of.ports.app_metrics)});
    }
    ASSERT_OK_AND_ASSIGN(const WorkloadState gateways, paw_->Read(of.api, Soon()));
    ASSERT_FALSE(nodes_.empty() || gateways.ReadyPods().empty());
    rest_.emplace(net::HttpOptions{.dial = Dial(gateways.ReadyPods()[0], of.ports.gateway_rest)});
    rpc_.emplace(nodes_[0].options);
    ASSERT_OK_AND_ASSIGN(const NodeStatus status, rpc_->Status(Soon()));
    chain_id_ = status.network;
    ledger_.emplace(status.latest);
    ASSERT_OK_AND_ASSIGN(
        stream_,
        BlockStream::Start(
            nodes_, status.latest, [this](const BlockTxs& b) { return ledger_->Saw(b); }, Soon()));
  }
  void TearDown() override {
    if (!ledger_) return;
    EXPECT_EQ(ledger_->tally().unknown, 0u);
    EXPECT_EQ(ledger_->tally().contradicted, 0u);
  }

  // "account-0" and so on of the network.
  absl::StatusOr<Signatory> Named(const std::string& name) {
    std::ifstream in(folder_ + "/" + name + ".json");
    const json account = json::parse(in, nullptr, /*allow_exceptions=*/false);
    if (!account.is_object()) return absl::NotFoundError("no " + name + ".json in " + folder_);
    ASSIGN_OR_RETURN(Key key, Key::FromMnemonic(account.at("mnemonic").get<std::string>()));
    ASSIGN_OR_RETURN(const AccountInfo info, rpc_->Account(key.Address(), Soon()));
    return Signatory{std::move(key), info};
  }

  // With kFunds of upaw and of uusdc.
  absl::StatusOr<Signatory> NewTrader() {
    ASSIGN_OR_RETURN(Signatory rich, Named("account-0"));
    Key key = Key::Generate();
    cosmos::bank::v1beta1::MsgSend send;
    send.set_from_address(rich.address());
    send.set_to_address(key.Address());
    for (const char* denom : {"upaw", "uusdc"}) {
      auto* coin = send.add_amount();
      coin->set_denom(denom);
      coin->set_amount(std::to_string(kFunds));
    }
    ASSIGN_OR_RETURN(const TxResult sent, Deliver(rich, send));
    if (!sent.ok()) return absl::InternalError("the trader is not funded: " + sent.log);
    ASSIGN_OR_RETURN(const AccountInfo info, rpc_->Account(key.Address(), Soon()));
    return Signatory{std::move(key), info};
  }

  // The result of its execution, or of the check that refused it.
  absl::StatusOr<TxResult> Deliver(Signatory& from, const Message& message) {
    const SignedTx tx = Tx().Add(message)
                            .Gas(kGas)
                            .Fee(std::to_string(kFee), "upaw")
                            .ExpiresAfter(ledger_->seen() + 20)
                            .Sign(from.key, {.chain_id = chain_id_,
                                             .account_number = from.info.number,
                                             .sequence = from.info.sequence});
    RETURN_IF_ERROR(ledger_->Sent(tx));
    ASSIGN_OR_RETURN(const TxResult check, rpc_->Broadcast(tx.bytes, Soon()));
    if (!check.ok()) {
      RETURN_IF_ERROR(ledger_->Rejected(tx.hash, check));
      return check;
    }
    ++from.info.sequence;
    ASSIGN_OR_RETURN(const TxFate fate, ledger_->Await(tx.hash, In(std::chrono::seconds(60))));
    if (fate.kind != TxFate::Kind::kCommitted) return absl::InternalError("it is in no block");
    return fate.result;
  }

  // What the gateway answers; what it does not have yet, its node may be about to commit.
  json Rest(const std::string& path) {
    const auto report = Until(
        Soon(), Every(Millis{200}),
        [&](const Deadline& d) { return rest_->Send({.url = "http://gateway" + path}, d); },
        [](const net::HttpResponse& answer) { return answer.status == 200; });
    EXPECT_THAT(report.status, IsOk()) << path << ": " << (report.last ? report.last->body : "");
    return report.last ? json::parse(report.last->body, nullptr, /*allow_exceptions=*/false)
                       : json();
  }
  Reserves PoolNow() {
    const json pool = Rest(fmt::format("/paw/dex/v1/pools/{}", kPool)).at("pool");
    return {cpp_int(pool.at("reserve_a").get<std::string>()),
            cpp_int(pool.at("reserve_b").get<std::string>())};
  }
  cpp_int Balance(const Signatory& of, const std::string& denom) {
    const json answer = Rest(
        fmt::format("/cosmos/bank/v1beta1/balances/{}/by_denom?denom={}", of.address(), denom));
    return cpp_int(answer.at("balance").at("amount").get<std::string>());
  }
  template <class T, class Read>
  void ExpectSoon(const T& want, Read read) {
    const auto report = Until(
        Soon(), Every(Millis{200}), [&](const Deadline&) { return absl::StatusOr<T>(read()); },
        [&](const T& now) { return now == want; });
    EXPECT_THAT(report.status, IsOk());
  }
  // A sample of one validator's metrics, by its name and labels; 0 while there is none.
  double Sample(std::size_t validator, const std::string& name) {
    net::HttpClient http(metrics_[validator]);
    const auto page = http.Send({.url = "http://validator/metrics"}, Soon());
    EXPECT_THAT(page, IsOk());
    if (!page.ok()) return -1;
    const auto at = ("\n" + page->body).find("\n" + name + " ");
    return at == std::string::npos ? 0
                                   : std::strtod(page->body.c_str() + at + name.size(), nullptr);
  }

  paw::dex::v1::MsgSwap Swap(const Signatory& trader, const std::string& in) const {
    paw::dex::v1::MsgSwap swap;
    swap.set_trader(trader.address());
    swap.set_pool_id(kPool);
    swap.set_token_in("upaw");
    swap.set_token_out("uusdc");
    swap.set_amount_in(in);
    swap.set_min_amount_out("1");
    swap.set_deadline(std::time(nullptr) + 600);
    return swap;
  }

  net::Dial Dial(const kube::Pod& pod, std::uint16_t port) {
    return kube::DialPod(paw_->kube(), pod.ns(), pod.name(), port);
  }

  std::string folder_;
  std::unique_ptr<Deployment> paw_;
  std::vector<RpcNode> nodes_;
  std::vector<net::HttpOptions> metrics_;
  std::optional<net::HttpClient> rest_;
  std::optional<Rpc> rpc_;
  std::string chain_id_;
  std::optional<TxLedger> ledger_;
  std::unique_ptr<BlockStream> stream_;
};

TEST_F(Demonstration, ASwapPaysTheFormulaToTheLastUnit) {
  ASSERT_OK_AND_ASSIGN(Signatory trader, NewTrader());
  const std::string counter = fmt::format(
      R"(paw_dex_swaps_total{{pool_id="{}",status="success",token_in="upaw",token_out="uusdc"}})",
      kPool);
  std::vector<double> counted;
  for (std::size_t i = 0; i < metrics_.size(); ++i) counted.push_back(Sample(i, counter));
  Reserves pool = PoolNow();
  const cpp_int out = Sell(1'234'567, pool);

  ASSERT_OK_AND_ASSIGN(const TxResult result, Deliver(trader, Swap(trader, "1234567")));

  ASSERT_TRUE(result.ok()) << result.log;
  ASSERT_OK_AND_ASSIGN(const auto response, ResponseOf<paw::dex::v1::MsgSwapResponse>(result, 0));
  EXPECT_EQ(cpp_int(response.amount_out()), out);
  const Event* event = result.Find("dex_swap");
  ASSERT_THAT(event, NotNull());
  EXPECT_THAT(event->attributes, Contains(Pair("amount_out", out.str())));
  EXPECT_THAT(event->attributes, Contains(Pair("trader", trader.address())));
  ExpectSoon(pool, [&] { return PoolNow(); });
  ExpectSoon(cpp_int(kFunds + out), [&] { return Balance(trader, "uusdc"); });
  ExpectSoon(cpp_int(kFunds - 1'234'567 - kFee), [&] { return Balance(trader, "upaw"); });
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    ExpectSoon(counted[i] + 1, [&] { return Sample(i, counter); });
    const std::string gauge = R"(paw_dex_pool_reserves{{denom="upaw",pool_id="{}"}})";
    ExpectSoon(pool.paw.convert_to<double>(),
               [&] { return Sample(i, fmt::format(fmt::runtime(gauge), kPool)); });
  }
}

TEST_F(Demonstration, ABatchSwapsOneAfterAnotherOrNotAtAll) {
  ASSERT_OK_AND_ASSIGN(Signatory trader, NewTrader());
  Reserves pool = PoolNow();
  paw::dex::v1::MsgBatchSwap batch;
  batch.set_trader(trader.address());
  batch.set_deadline(std::time(nullptr) + 600);
  std::vector<std::string> outs;
  for (const int in : {1'000'000, 2'000'000, 3'000'000}) {
    auto* swap = batch.add_swaps();
    swap->set_pool_id(kPool);
    swap->set_token_in("upaw");
    swap->set_token_out("uusdc");
    swap->set_amount_in(std::to_string(in));
    swap->set_min_amount_out("1");
    outs.push_back(Sell(in, pool).str());
  }
  ASSERT_OK_AND_ASSIGN(const TxResult result, Deliver(trader, batch));
  ASSERT_TRUE(result.ok()) << result.log;
  ASSERT_OK_AND_ASSIGN(const auto response,
                       ResponseOf<paw::dex::v1::MsgBatchSwapResponse>(result, 0));
  ASSERT_EQ(response.results_size(), 3);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(response.results(i).amount_out(), outs[i]);
  EXPECT_THAT(result.Find("batch_swap"), NotNull());
  ExpectSoon(pool, [&] { return PoolNow(); });

  batch.mutable_swaps(2)->set_min_amount_out("4000000");
  ASSERT_OK_AND_ASSIGN(const TxResult failed, Deliver(trader, batch));
  EXPECT_TRUE(failed.Is({"dex", 93})) << failed.codespace << "/" << failed.code;
  EXPECT_EQ(PoolNow(), pool);
}

TEST_F(Demonstration, APoolOfAPairIsMadeOnce) {
  ASSERT_OK_AND_ASSIGN(Signatory owner, Named("account-0"));
  paw::dex::v1::MsgCreatePool create;
  create.set_creator(owner.address());
  create.set_token_a("uatom");
  create.set_token_b("uusdc");
  create.set_amount_a("2000000");
  create.set_amount_b("8000000");
  ASSERT_OK_AND_ASSIGN(const TxResult first, Deliver(owner, create));
  if (first.ok()) {  // else a run before has made it
    ASSERT_OK_AND_ASSIGN(const auto made,
                         ResponseOf<paw::dex::v1::MsgCreatePoolResponse>(first, 0));
    ASSERT_THAT(first.Find("dex_pool_created"), NotNull());
    EXPECT_THAT(first.Find("dex_pool_created")->attributes,
                Contains(Pair("shares", "4000000")));  // sqrt(a * b)
    const json pool = Rest("/paw/dex/v1/pools/by-tokens/uatom/uusdc").at("pool");
    EXPECT_EQ(pool.at("id"), std::to_string(made.pool_id()));
  } else {
    EXPECT_TRUE(first.Is(kPoolExists)) << first.log;
  }
  std::swap(*create.mutable_token_a(), *create.mutable_token_b());
  ASSERT_OK_AND_ASSIGN(const TxResult again, Deliver(owner, create));
  EXPECT_TRUE(again.Is(kPoolExists)) << again.codespace << "/" << again.code << " " << again.log;
}

struct BadSwap {
  const char* what;
  std::function<void(paw::dex::v1::MsgSwap&)> apply;
  TxError error;
};

TEST_F(Demonstration, BadSwapsHaveTheirCodesAndChangeNothing) {
  ASSERT_OK_AND_ASSIGN(Signatory trader, NewTrader());
  const std::string most = ((cpp_int(1) << 255) - 1).str();
  const std::vector<BadSwap> inputs = {
      {"an unknown pool", [](auto& swap) { swap.set_pool_id(987'654); }, kNotFound},
      {"an expired deadline", [](auto& swap) { swap.set_deadline(1); }, kDeadlinePassed},
      {"a price far off", [](auto& swap) { swap.set_min_amount_out("2000000"); }, kSlippage},
      {"another pair", [](auto& swap) { swap.set_token_out("uatom"); }, kInvalidPair},
      {"255 bits", [&](auto& swap) { swap.set_amount_in(most); }, kSwapTooLarge},
  };
  const Reserves pool = PoolNow();
  cpp_int paw = kFunds;
  for (const BadSwap& input : inputs) {
    paw::dex::v1::MsgSwap swap = Swap(trader, "1000000");
    input.apply(swap);
    const std::uint64_t sequence = trader.info.sequence;
    ASSERT_OK_AND_ASSIGN(const TxResult result, Deliver(trader, swap));
    EXPECT_TRUE(result.Is(input.error))
        << input.what << ": " << result.codespace << "/" << result.code << " " << result.log;
    if (trader.info.sequence > sequence) paw -= kFee;  // what got into a block is paid for
  }
  ExpectSoon(paw, [&] { return Balance(trader, "upaw"); });
  EXPECT_EQ(Balance(trader, "uusdc"), kFunds);
  EXPECT_EQ(PoolNow(), pool);
}

TEST_F(Demonstration, CommitsAreRefusedWhileCommitRevealIsOff) {
  ASSERT_OK_AND_ASSIGN(Signatory trader, NewTrader());
  paw::dex::v1::MsgCommitSwap commit;
  commit.set_trader(trader.address());
  commit.set_swap_hash(std::string(64, 'a'));
  ASSERT_OK_AND_ASSIGN(const TxResult result, Deliver(trader, commit));
  EXPECT_TRUE(result.Is(kCommitRevealOff)) << result.codespace << "/" << result.code;
}

TEST_F(Demonstration, ARoundsPriceIsTheMedianOfTheValidators) {
  constexpr std::int64_t kRound = 15;  // blocks
  std::vector<Signatory> validators;
  for (int i = 0; i < 4; ++i) {
    ASSERT_OK_AND_ASSIGN(Signatory validator, Named(fmt::format("validator-{}", i)));
    validators.push_back(std::move(validator));
  }
  // All in one round: not shortly before its end.
  const auto early = Until(
      In(std::chrono::seconds(30)), Every(Millis{200}),
      [&](const Deadline&) { return absl::StatusOr<std::int64_t>(ledger_->seen().value); },
      [&](std::int64_t height) { return height % kRound < kRound - 8; });
  ASSERT_THAT(early.status, IsOk());
  const std::int64_t began = ledger_->seen().value;
  for (std::size_t i = 0; i < validators.size(); ++i) {
    paw::oracle::v1::MsgSubmitPrice price;
    price.set_validator(validators[i].key.Address("pawtestvaloper"));
    price.set_feeder(validators[i].address());
    price.set_asset("ETH/USD");
    price.set_price(fmt::format("{}000000000000000000", 3000 + i));
    ASSERT_OK_AND_ASSIGN(const TxResult result, Deliver(validators[i], price));
    ASSERT_TRUE(result.ok()) << result.log;
    ASSERT_THAT(result.Find("oracle_price_submitted"), NotNull());
  }
  const auto round = Until(
      In(std::chrono::seconds(40)), Every(Millis{500}),
      [&](const Deadline& d) -> absl::StatusOr<json> {
        ASSIGN_OR_RETURN(const net::HttpResponse answer,
                         rest_->Send({.url = "http://gateway/paw/oracle/v1/price/ETH/USD"}, d));
        return json::parse(answer.body, nullptr, /*allow_exceptions=*/false);
      },
      [&](const json& answer) {
        return answer.contains("price") &&
               std::stoll(answer["price"]["block_height"].get<std::string>()) > began;
      });
  ASSERT_THAT(round.status, IsOk());
  const json price = round.last->at("price");
  EXPECT_EQ(price.at("price"), "3001.000000000000000000");  // half of the power is at or below it
  EXPECT_EQ(price.at("num_validators"), 4);
  for (std::size_t i = 0; i < metrics_.size(); ++i) {
    ExpectSoon(3001.0,
               [&] { return Sample(i, R"(paw_oracle_aggregated_price{asset="ETH/USD"})"); });
  }
}

TEST_F(Demonstration, AJobIsPaidOutOfItsEscrow) {
  constexpr int kStake = 1'000'000;
  constexpr int kMost = 150;
  constexpr int kPay = 100;  // 6 upaw a thousandth of a core and hour x 1000 x 60 s
  ASSERT_OK_AND_ASSIGN(Signatory provider, NewTrader());
  ASSERT_OK_AND_ASSIGN(Signatory requester, NewTrader());
  paw::compute::v1::MsgRegisterProvider offer;
  offer.set_provider(provider.address());
  offer.set_moniker("demonstration");
  offer.set_endpoint("https://compute.example");
  offer.mutable_available_specs()->set_cpu_cores(4000);
  offer.mutable_available_specs()->set_memory_mb(4096);
  offer.mutable_pricing()->set_cpu_price_per_mcore_hour("6000000000000000000");
  offer.mutable_pricing()->set_memory_price_per_mb_hour("0");
  offer.mutable_pricing()->set_gpu_price_per_hour("0");
  offer.mutable_pricing()->set_storage_price_per_gb_hour("0");
  offer.set_stake(std::to_string(kStake));
  ASSERT_OK_AND_ASSIGN(const TxResult registered, Deliver(provider, offer));
  ASSERT_TRUE(registered.ok()) << registered.log;
  EXPECT_THAT(registered.Find("compute_provider_registered"), NotNull());

  paw::compute::v1::MsgSubmitRequest request;
  request.set_requester(requester.address());
  request.mutable_specs()->set_cpu_cores(1000);
  request.mutable_specs()->set_memory_mb(512);
  request.mutable_specs()->set_timeout_seconds(60);
  request.set_container_image("job:1");
  request.set_max_payment(std::to_string(kMost));
  request.set_preferred_provider(provider.address());
  ASSERT_OK_AND_ASSIGN(const TxResult submitted, Deliver(requester, request));
  ASSERT_TRUE(submitted.ok()) << submitted.log;
  EXPECT_THAT(submitted.Find("compute_escrow_created"), NotNull());
  ASSERT_OK_AND_ASSIGN(const auto made,
                       ResponseOf<paw::compute::v1::MsgSubmitRequestResponse>(submitted, 0));
  ExpectSoon(cpp_int(kFunds - kFee - kMost), [&] { return Balance(requester, "upaw"); });

  paw::compute::v1::MsgSubmitResult result;
  result.set_provider(provider.address());
  result.set_request_id(made.request_id());
  result.set_output_hash(std::string(64, 'a'));
  result.set_output_url("https://out.example/1");
  ASSERT_OK_AND_ASSIGN(const TxResult delivered, Deliver(provider, result));
  ASSERT_TRUE(delivered.ok()) << delivered.log;
  EXPECT_THAT(delivered.Find("compute_result"), NotNull());
  const auto paid = Until(
      In(std::chrono::seconds(40)), Every(Millis{500}),
      [&](const Deadline&) { return absl::StatusOr<cpp_int>(Balance(provider, "upaw")); },
      [&](const cpp_int& now) { return now == kFunds - 2 * kFee - kStake + kPay; });
  EXPECT_THAT(paid.status, IsOk());
  ExpectSoon(cpp_int(kFunds - kFee - kPay), [&] { return Balance(requester, "upaw"); });
  const json job = Rest(fmt::format("/paw/compute/v1/requests/{}", made.request_id()));
  EXPECT_EQ(job.at("request").at("status"), "REQUEST_STATUS_COMPLETED");
}

}  // namespace
}  // namespace pawk8s::chain
