#include "chain/live/live_chain.h"

#include <fmt/format.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/identity.h"
#include "pawk8s/kube/port_forward.h"
#include "pawk8s/wait/until.h"

namespace pawk8s::chain {
namespace {

constexpr std::int64_t kLifetime = 30;  // blocks that a transaction has to get into one
constexpr Millis kPoll{50};
constexpr std::uint16_t kJaegerQueryPort = 16686;

Deadline Patience() { return Deadline::After(kPatience); }

std::string Setting(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

absl::StatusOr<Json> ParseJson(const std::string& body) {
  Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (json.is_discarded()) return absl::DataLossError("not JSON: " + body.substr(0, 200));
  return json;
}

// A pod that does not serve yet, and a node that is behind, are worth another attempt.
absl::Status RestError(const net::HttpResponse& answer) {
  const std::string text = fmt::format("{}: {}", answer.status, answer.body);
  if (answer.body.find("height in the future") != std::string::npos || answer.status >= 502) {
    return absl::UnavailableError(text);
  }
  return absl::Status(
      answer.status == 404 ? absl::StatusCode::kNotFound : absl::StatusCode::kInternal, text);
}

absl::StatusOr<Pool> ReadPool(const Json& answer) {
  const Json& json = answer.at("pool");
  const auto text = [&](const char* field) { return json.at(field).get<std::string>(); };
  return Pool{.id = std::stoull(text("id")),
              .token_a = text("token_a"),
              .token_b = text("token_b"),
              .reserve_a = Amount(text("reserve_a")),
              .reserve_b = Amount(text("reserve_b")),
              .shares = Amount(text("total_shares"))};
}

absl::StatusOr<std::vector<Key>> KeysIn(const std::string& folder, std::string_view name) {
  std::vector<Key> keys;
  for (int i = 0;; ++i) {
    const std::string file = fmt::format("{}/{}-{}.json", folder, name, i);
    if (!std::filesystem::exists(file)) break;
    std::ifstream in(file);
    const Json account = Json::parse(in, nullptr, /*allow_exceptions=*/false);
    if (!account.is_object() || !account.contains("mnemonic")) {
      return absl::InvalidArgumentError("no mnemonic in " + file);
    }
    ASSIGN_OR_RETURN(Key key, Key::FromMnemonic(account["mnemonic"].get<std::string>()));
    keys.push_back(std::move(key));
  }
  if (keys.empty()) return absl::NotFoundError(fmt::format("no {}-0.json in {}", name, folder));
  return keys;
}

}  // namespace

MetricsPage::MetricsPage(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const std::size_t space = line.rfind(' ');
    if (line.empty() || line[0] == '#' || space == std::string::npos) continue;
    values_[line.substr(0, space)] = std::strtod(line.c_str() + space, nullptr);
  }
}

double MetricsPage::Value(const std::string& series) const {
  const auto it = values_.find(series);
  return it == values_.end() ? 0 : it->second;
}

absl::StatusOr<std::unique_ptr<LiveChain>> LiveChain::Connect() {
  std::unique_ptr<LiveChain> chain(new LiveChain);
  const std::string folder = Setting("PAWK8S_CHAIN_ACCOUNTS");
  if (folder.empty()) return absl::FailedPreconditionError("set PAWK8S_CHAIN_ACCOUNTS");
  RETURN_IF_ERROR(chain->ReadKeys(folder));
  if (const std::string processes = Setting("PAWK8S_CHAIN_RPC"); !processes.empty()) {
    RETURN_IF_ERROR(chain->FindProcesses(processes));
  } else {
    RETURN_IF_ERROR(chain->FindDeployment());
  }
  RETURN_IF_ERROR(chain->Start());
  return chain;
}

absl::Status LiveChain::ReadKeys(const std::string& folder) {
  ASSIGN_OR_RETURN(accounts_, KeysIn(folder, "account"));
  ASSIGN_OR_RETURN(operators_, KeysIn(folder, "validator"));
  return absl::OkStatus();
}

absl::Status LiveChain::FindDeployment() {
  ASSIGN_OR_RETURN(const Profile profile, Profile::FromEnvironment());
  ASSIGN_OR_RETURN(paw_, Deployment::Connect(profile));
  RETURN_IF_ERROR(CheckIdentity(*paw_, Patience()));
  const auto door = [&](const kube::Pod& pod, std::uint16_t port) {
    return net::HttpOptions{.dial = kube::DialPod(paw_->kube(), pod.ns(), pod.name(), port)};
  };
  ASSIGN_OR_RETURN(const WorkloadState validators, paw_->Read(profile.validators, Patience()));
  if (!validators.IsSettled()) return absl::FailedPreconditionError(validators.ToString());
  for (const kube::Pod& pod : validators.pods) {
    nodes_.push_back({.rpc = {.options = door(pod, profile.ports.rpc), .address = pod.name()},
                      .metrics = door(pod, profile.ports.app_metrics),
                      .metrics_url = "http://" + pod.name()});
  }
  ASSIGN_OR_RETURN(const WorkloadState api, paw_->Read(profile.api, Patience()));
  const std::vector<kube::Pod> gateways = api.ReadyPods();
  if (gateways.empty()) return absl::FailedPreconditionError(api.ToString());
  gateway_options_ = door(gateways[0], profile.ports.gateway_rest);
  gateway_url_ = "http://" + gateways[0].name();
  ASSIGN_OR_RETURN(const WorkloadState full_nodes, paw_->Read(profile.nodes, Patience()));
  full_nodes_ = full_nodes.ReadyPods().size();
  const std::string jaeger = Setting("PAWK8S_CHAIN_JAEGER");
  const std::size_t slash = jaeger.find('/');
  if (jaeger.empty()) return absl::OkStatus();
  if (slash == std::string::npos) {
    return absl::FailedPreconditionError("PAWK8S_CHAIN_JAEGER names no namespace/Deployment");
  }
  WorkloadRef deployment;
  deployment.ns = jaeger.substr(0, slash);
  deployment.name = jaeger.substr(slash + 1);
  ASSIGN_OR_RETURN(const WorkloadState collectors, paw_->Read(deployment, Patience()));
  const std::vector<kube::Pod> ready = collectors.ReadyPods();
  if (ready.empty()) return absl::FailedPreconditionError(collectors.ToString());
  jaeger_.emplace(door(ready[0], kJaegerQueryPort));
  return absl::OkStatus();
}

absl::Status LiveChain::FindProcesses(const std::string& addresses) {
  std::istringstream list(addresses);
  for (std::string address; std::getline(list, address, ',');) {
    const std::string host = address.substr(0, address.rfind(':'));
    nodes_.push_back({.rpc = {.options = {}, .address = address},
                      .metrics = {},
                      .metrics_url = "http://" + host + ":36660"});
  }
  const std::string gateway = Setting("PAWK8S_CHAIN_GATEWAY");
  if (gateway.empty()) return absl::FailedPreconditionError("set PAWK8S_CHAIN_GATEWAY");
  gateway_url_ = "http://" + gateway;
  return absl::OkStatus();
}

absl::Status LiveChain::Start() {
  rpc_.emplace(nodes_[0].rpc.options, "http://" + nodes_[0].rpc.address);
  raw_rpc_.emplace(nodes_[0].rpc.options);
  gateway_.emplace(gateway_options_);
  ASSIGN_OR_RETURN(const NodeStatus status, rpc_->Status(Patience()));
  id_ = status.network;
  ledger_.emplace(status.latest);
  ASSIGN_OR_RETURN(stream_,
                   BlockStream::Start(
                       rpc_nodes(), status.latest,
                       [this](const BlockTxs& block) { return ledger_->Saw(block); }, Patience()));
  return absl::OkStatus();
}

std::vector<RpcNode> LiveChain::rpc_nodes() const {
  std::vector<RpcNode> nodes;
  for (const Node& node : nodes_) nodes.push_back(node.rpc);
  return nodes;
}

absl::Status LiveChain::AwaitHeight(Height height) {
  const auto report = Until(
      Patience(), Every(kPoll),
      [this](const Deadline&) -> absl::StatusOr<std::int64_t> { return seen().value; },
      [&](std::int64_t seen) { return seen >= height.value; });
  return Annotate(report.status,
                  fmt::format("waiting for block {}, {} has come", height.value, seen().value));
}

absl::StatusOr<std::string> LiveChain::Offer(const Key& key, Tx tx, const ChangeSigner& change) {
  ASSIGN_OR_RETURN(const AccountInfo info, rpc_->Account(key.Address(), Patience()));
  Signer signer{.chain_id = id_, .account_number = info.number, .sequence = info.sequence};
  if (change) change(signer);
  const SignedTx signed_tx = tx.ExpiresAfter(seen() + kLifetime).Sign(key, signer);
  RETURN_IF_ERROR(ledger_->Sent(signed_tx));
  ASSIGN_OR_RETURN(const TxResult check, rpc_->Broadcast(signed_tx.bytes, Patience()));
  if (!check.ok()) RETURN_IF_ERROR(ledger_->Rejected(signed_tx.hash, check));
  return signed_tx.hash;
}

absl::StatusOr<TxFate> LiveChain::Await(const std::string& hash) {
  return ledger_->Await(hash, Patience());
}

absl::StatusOr<TxFate> LiveChain::Send(const Key& key, Tx tx, const ChangeSigner& change) {
  ASSIGN_OR_RETURN(const std::string hash, Offer(key, std::move(tx), change));
  return Await(hash);
}

absl::StatusOr<Json> LiveChain::Rest(const std::string& path, Height height) {
  const net::HttpRequest request{
      .url = gateway_url_ + path,
      .headers = {{"x-cosmos-block-height", std::to_string(height.value)}}};
  const auto report = Until(
      Patience(), Every(kPoll),
      [&](const Deadline& deadline) -> absl::StatusOr<std::string> {
        ASSIGN_OR_RETURN(const net::HttpResponse answer, gateway_->Send(request, deadline));
        if (answer.status != 200) return RestError(answer);
        return answer.body;
      },
      [](const std::string&) { return true; });
  if (!report.status.ok()) {
    return Annotate(report.status,
                    fmt::format("{} at {} ({})", path, height.value, MessageOf(report.last_error)));
  }
  return ParseJson(*report.last);
}

absl::StatusOr<Pool> LiveChain::PoolAt(std::uint64_t id, Height height) {
  ASSIGN_OR_RETURN(const Json answer, Rest(fmt::format("/paw/dex/v1/pools/{}", id), height));
  return ReadPool(answer);
}

absl::StatusOr<Pool> LiveChain::PoolOf(const std::string& a, const std::string& b, Height height) {
  ASSIGN_OR_RETURN(const Json answer,
                   Rest(fmt::format("/paw/dex/v1/pools/by-tokens/{}/{}", a, b), height));
  return ReadPool(answer);
}

absl::StatusOr<Amount> LiveChain::BalanceAt(const std::string& address, const std::string& denom,
                                            Height height) {
  ASSIGN_OR_RETURN(
      const Json answer,
      Rest(fmt::format("/cosmos/bank/v1beta1/balances/{}/by_denom?denom={}", address, denom),
           height));
  return Amount(answer.at("balance").at("amount").get<std::string>());
}

absl::StatusOr<std::vector<Event>> LiveChain::BlockEvents(Height height) {
  const net::HttpRequest request{
      .url = fmt::format("http://{}/block_results?height={}", nodes_[0].rpc.address, height.value)};
  ASSIGN_OR_RETURN(const net::HttpResponse answer, raw_rpc_->Send(request, Patience()));
  ASSIGN_OR_RETURN(const Json json, ParseJson(answer.body));
  if (!json.contains("result")) return absl::InternalError(answer.body);
  std::vector<Event> events;
  const Json& list = json["result"]["finalize_block_events"];
  for (const Json& entry : list) {
    Event event{.type = entry.at("type").get<std::string>(), .attributes = {}};
    for (const Json& attribute : entry.at("attributes")) {
      event.attributes.emplace_back(attribute.at("key").get<std::string>(),
                                    attribute.at("value").get<std::string>());
    }
    events.push_back(std::move(event));
  }
  return events;
}

absl::StatusOr<BlockEvent> LiveChain::AwaitEvent(Height from, const std::string& type,
                                                 const std::string& attribute,
                                                 const std::string& value) {
  const Deadline deadline = Patience();
  for (Height height = from; !deadline.Over(); height = height + 1) {
    RETURN_IF_ERROR(AwaitHeight(height));
    ASSIGN_OR_RETURN(const std::vector<Event> events, BlockEvents(height));
    for (const Event& event : events) {
      const std::string* found = event.Find(attribute);
      if (event.type == type && found != nullptr && *found == value)
        return BlockEvent{height, event};
    }
  }
  return absl::DeadlineExceededError(
      fmt::format("no {} with {}={} in the blocks from {} on", type, attribute, value, from.value));
}

absl::StatusOr<MetricsPage> LiveChain::Metrics(std::size_t i, Height height) {
  const Node& node = nodes_.at(i);
  Rpc rpc(node.rpc.options, "http://" + node.rpc.address);
  // A node has the next block only when it has executed this one.
  const auto report = Until(
      Patience(), Every(kPoll), [&](const Deadline& deadline) { return rpc.Status(deadline); },
      [&](const NodeStatus& status) { return status.latest > height; });
  RETURN_IF_ERROR(Annotate(report.status, node.rpc.address));
  net::HttpClient client(node.metrics);
  ASSIGN_OR_RETURN(const net::HttpResponse answer,
                   client.Send({.url = node.metrics_url + "/metrics"}, Patience()));
  if (answer.status != 200) return absl::InternalError(answer.body);
  return MetricsPage(answer.body);
}

absl::StatusOr<std::vector<MetricsPage>> LiveChain::MetricsOfAll(Height height) {
  std::vector<MetricsPage> pages;
  for (std::size_t i = 0; i < validators(); ++i) {
    ASSIGN_OR_RETURN(MetricsPage page, Metrics(i, height));
    pages.push_back(std::move(page));
  }
  return pages;
}

}  // namespace pawk8s::chain
