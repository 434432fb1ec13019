// How many transfers a running chain commits, every one accounted for.
//
//   PAWK8S_PROFILE=paw.yaml pawk8s_send_benchmark --account network/account-0.json --rate 150
//   pawk8s_send_benchmark --node 127.0.0.1:26657 --account network/account-0.json --rate 150
//
// The profile's validators are reached by port-forward, the first one first. Senders are made and
// funded first. Then the offers follow a schedule that does not wait for answers as long as one of
// --threads is free: offers behind what is wanted mean nodes that are slower than that. A validator
// may be killed meanwhile. Exit code 1 if the fate of any is unknown, or if the chain broke its
// word.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <fstream>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "cosmos/bank/v1beta1/tx.pb.h"
#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/chain/broadcaster.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/deployment/identity.h"
#include "pawk8s/kube/port_forward.h"

namespace pawk8s::chain {
namespace {

constexpr std::uint64_t kGas = 100'000;
constexpr std::uint64_t kFunds = 1'000'000;

struct Settings {
  std::vector<std::string> nodes;
  std::string account;
  double rate = 150;
  int seconds = 30;
  int senders = 200;
  int threads = 8;
};

cosmos::bank::v1beta1::MsgSend Transfer(const std::string& from, const std::string& to,
                                        std::uint64_t amount) {
  cosmos::bank::v1beta1::MsgSend send;
  send.set_from_address(from);
  send.set_to_address(to);
  auto* coin = send.add_amount();
  coin->set_denom("upaw");
  coin->set_amount(std::to_string(amount));
  return send;
}

Tx Paying(std::uint64_t gas) {
  return Tx().Gas(gas).Fee(std::to_string(gas / 1000), "upaw");  // 0.001upaw a unit
}

class Run {
 public:
  explicit Run(const Settings& settings) : settings_(settings) {}

  absl::Status Go() {
    RETURN_IF_ERROR(FindNodes());
    Rpc rpc(nodes_[0].options, "http://" + nodes_[0].address);
    ASSIGN_OR_RETURN(const NodeStatus status, rpc.Status(Soon()));
    chain_id_ = status.network;
    ledger_.emplace(status.latest);
    ASSIGN_OR_RETURN(auto stream,
                     BlockStream::Start(
                         nodes_, status.latest,
                         [this](const BlockTxs& block) { return ledger_->Saw(block); }, Soon()));
    RETURN_IF_ERROR(Fund(rpc));
    const TxTally before = ledger_->tally();
    const auto began = std::chrono::steady_clock::now();
    {
      std::vector<std::jthread> threads;
      for (int i = 0; i < settings_.threads; ++i) threads.emplace_back([this, i] { Offer(i); });
    }
    const absl::Status known = ledger_->AwaitAll(Deadline::After(std::chrono::seconds(120)));
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
    const TxTally after = ledger_->tally();
    const auto committed = after.committed - before.committed;
    ASSIGN_OR_RETURN(const std::vector<Millis> waits, CommitTimes());
    fmt::print(
        "offered {} in {} s ({:.1f}/s, {:.0f}/s wanted), not offered {}\n"
        "committed {} ({:.1f}/s until the last), failed {}, rejected {}, expired {}, unknown {}, "
        "contradicted {}, reconnects {}\n",
        after.sent - before.sent, settings_.seconds,
        static_cast<double>(after.sent - before.sent) / settings_.seconds, settings_.rate,
        skipped_.load(), committed, static_cast<double>(committed) / took.count(), after.failed,
        after.rejected, after.expired, after.unknown, after.contradicted, stream->reconnects());
    if (!waits.empty()) {
      fmt::print("from offer to block: p50 {} ms, p99 {} ms, most {} ms\n",
                 waits[waits.size() / 2].count(), waits[waits.size() * 99 / 100].count(),
                 waits.back().count());
    }
    if (!known.ok()) return Annotate(known, stream->status().ToString());
    if (after.contradicted > 0) return absl::InternalError("the chain broke its word");
    return absl::OkStatus();
  }

 private:
  static Deadline Soon() { return Deadline::After(std::chrono::seconds(10)); }

  absl::Status FindNodes() {
    for (const std::string& node : settings_.nodes) nodes_.push_back({{}, node});
    if (!nodes_.empty()) return absl::OkStatus();
    ASSIGN_OR_RETURN(const Profile profile, Profile::FromEnvironment());
    ASSIGN_OR_RETURN(paw_, Deployment::Connect(profile));
    RETURN_IF_ERROR(CheckIdentity(*paw_, Soon()));
    ASSIGN_OR_RETURN(const WorkloadState validators, paw_->Read(profile.validators, Soon()));
    if (!validators.IsSettled()) return absl::FailedPreconditionError(validators.ToString());
    for (const kube::Pod& pod : validators.pods) {
      nodes_.push_back(
          {{.dial = kube::DialPod(paw_->kube(), pod.ns(), pod.name(), profile.ports.rpc)},
           pod.name()});
    }
    return absl::OkStatus();
  }

  absl::Status Fund(Rpc& rpc) {
    std::ifstream in(settings_.account);
    const auto account = nlohmann::json::parse(in, nullptr, /*allow_exceptions=*/false);
    if (!account.is_object() || !account.contains("mnemonic")) {
      return absl::InvalidArgumentError("no mnemonic in " + settings_.account);
    }
    ASSIGN_OR_RETURN(Key rich, Key::FromMnemonic(account["mnemonic"].get<std::string>()));
    ASSIGN_OR_RETURN(const AccountInfo info, rpc.Account(rich.Address(), Soon()));
    Accounts payer;
    payer.Add(std::move(rich), info);
    Broadcaster broadcaster({.chain_id = chain_id_}, nodes_, payer, *ledger_);
    std::vector<Key> keys;
    for (int i = 0; i < settings_.senders; ++i) keys.push_back(Key::Generate());
    constexpr std::size_t kEach = 10;  // messages in a transaction
    for (std::size_t from = 0; from < keys.size(); from += kEach) {
      const std::size_t to = std::min(from + kEach, keys.size());
      ASSIGN_OR_RETURN(const auto offer,
                       broadcaster.Send(
                           [&](const Key& signer) {
                             Tx tx = Paying(kGas * kEach);
                             for (std::size_t i = from; i < to; ++i) {
                               tx.Add(Transfer(signer.Address(), keys[i].Address(), kFunds));
                             }
                             return tx;
                           },
                           Soon()));
      RETURN_IF_ERROR(offer.check.status());
      if (!offer.check->ok()) return absl::InternalError("funding: " + offer.check->log);
    }
    RETURN_IF_ERROR(ledger_->AwaitAll(Deadline::After(std::chrono::seconds(60))));
    for (Key& key : keys) {
      ASSIGN_OR_RETURN(const AccountInfo funded, rpc.Account(key.Address(), Soon()));
      senders_.Add(std::move(key), funded);
    }
    return absl::OkStatus();
  }

  void Offer(int thread) {
    Broadcaster broadcaster({.chain_id = chain_id_}, nodes_, senders_, *ledger_);
    const auto interval =
        std::chrono::duration<double>(static_cast<double>(settings_.threads) / settings_.rate);
    const auto began = std::chrono::steady_clock::now();
    const Deadline end = Deadline::At(began + std::chrono::seconds(settings_.seconds));
    for (int i = 0;; ++i) {
      const auto due =
          interval * (i + static_cast<double>(thread) / static_cast<double>(settings_.threads));
      const auto wait = due - (std::chrono::steady_clock::now() - began);
      if (wait.count() > 0) {
        Clock::Real().Sleep(std::chrono::duration_cast<std::chrono::nanoseconds>(wait), end);
      }
      if (end.Over()) return;
      const auto offer = broadcaster.Send(
          [](const Key& signer) {
            return Paying(kGas).Add(Transfer(signer.Address(), signer.Address(), 1));
          },
          Soon());
      if (offer.ok()) {
        const std::scoped_lock lock(mutex_);
        hashes_.push_back(offer->hash);
      } else {
        ++skipped_;  // most often: the same bytes are on their way already
      }
    }
  }

  // How long each of the committed took to get into a block, the shortest first.
  absl::StatusOr<std::vector<Millis>> CommitTimes() {
    std::vector<Millis> times;
    for (const std::string& hash : hashes_) {
      const absl::StatusOr<TxFate> fate = ledger_->Await(hash, Deadline::After(Millis{0}));
      if (absl::IsDeadlineExceeded(fate.status())) continue;  // counted as unknown
      RETURN_IF_ERROR(fate.status());
      if (fate->kind == TxFate::Kind::kCommitted) {
        times.push_back(std::chrono::duration_cast<Millis>(fate->ended - fate->sent));
      }
    }
    std::ranges::sort(times);
    return times;
  }

  Settings settings_;
  std::unique_ptr<Deployment> paw_;  // none when nodes are named
  std::vector<RpcNode> nodes_;
  std::string chain_id_;
  std::optional<TxLedger> ledger_;
  Accounts senders_;
  std::atomic<int> skipped_ = 0;
  std::mutex mutex_;
  std::vector<std::string> hashes_;  // of all offers
};

}  // namespace
}  // namespace pawk8s::chain

int main(int argc, char** argv) {
  CLI::App app("How many transfers a running chain commits");
  pawk8s::chain::Settings settings;
  app.add_option("--node", settings.nodes,
                 "host:port of an RPC, not the profile's; the next ones take over");
  app.add_option("--account", settings.account, "account-0.json of `pawd network`")->required();
  app.add_option("--rate", settings.rate, "offers a second")->check(CLI::PositiveNumber);
  app.add_option("--seconds", settings.seconds, "how long")->check(CLI::PositiveNumber);
  app.add_option("--senders", settings.senders, "accounts")->check(CLI::PositiveNumber);
  app.add_option("--threads", settings.threads, "connections")->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  const absl::Status result = pawk8s::chain::Run(settings).Go();
  if (result.ok()) return 0;
  fmt::print(stderr, "{}\n", result.ToString());
  return 1;
}
