// A running chain as its users reach it: transactions through a validator's RPC, blocks as they
// come, state by REST through the gateway, and the metrics of every validator.
//
//   LiveChain chain = ...Connect();
//   const TxFate fate = Must(chain.Send(alice, Paying(swap)));
//   const Pool before = Must(chain.PoolAt(1, fate.height - 1)), after = ...
//
// State is always asked for as of a height, so that "before" and "after" are the two sides of one
// block, whatever else happens meanwhile and however far behind the node is that answers.
// Calls wait at most kPatience; those that send sign with the sequence that the chain awaits.
#pragma once

#include <boost/multiprecision/cpp_int.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/chain/block_stream.h"
#include "pawk8s/chain/tx.h"
#include "pawk8s/chain/tx_ledger.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/net/http.h"
#include "pawk8s/observe/jaeger.h"

namespace pawk8s::chain {

// Of any size, because a product of two amounts has more than 256 bits.
using Amount = boost::multiprecision::cpp_int;
using Json = nlohmann::json;

inline constexpr std::chrono::seconds kPatience{60};

// What every transaction of these tests may use and pays: 0.001upaw for a unit of gas.
inline constexpr std::uint64_t kGas = 1'000'000;
inline constexpr std::uint64_t kFee = 1000;  // upaw
inline constexpr const char* kFeeDenom = "upaw";

[[nodiscard]] inline Tx Paying(const google::protobuf::Message& message) {
  return Tx().Add(message).Gas(kGas).Fee(std::to_string(kFee), kFeeDenom);
}

struct Pool {
  std::uint64_t id = 0;
  std::string token_a, token_b;
  Amount reserve_a, reserve_b, shares;

  [[nodiscard]] const Amount& ReserveOf(const std::string& token) const {
    return token == token_a ? reserve_a : reserve_b;
  }
  friend bool operator==(const Pool&, const Pool&) = default;
  friend void PrintTo(const Pool& pool, std::ostream* out) {
    *out << "pool " << pool.id << ": " << pool.reserve_a << pool.token_a << ", " << pool.reserve_b
         << pool.token_b << ", " << pool.shares << " shares";
  }
};

struct BlockEvent {
  Height height;
  Event event;
};

// Series as the page writes them: `name{label="value",...}`.
class MetricsPage {
 public:
  explicit MetricsPage(const std::string& text);
  // 0 for a series that is not there: a counter is shown from its first count on.
  [[nodiscard]] double Value(const std::string& series) const;

 private:
  std::map<std::string, double> values_;
};

class LiveChain {
 public:
  // What the environment names: see the README. FailedPrecondition if that is nothing, or if the
  // cluster is not the one that the profile pins.
  static absl::StatusOr<std::unique_ptr<LiveChain>> Connect();

  [[nodiscard]] const std::string& id() const { return id_; }
  // Funded with every token.
  [[nodiscard]] const Key& account(std::size_t i) const { return accounts_.at(i); }
  // The accounts of the validators.
  [[nodiscard]] const std::vector<Key>& operators() const { return operators_; }
  [[nodiscard]] std::size_t validators() const { return nodes_.size(); }
  [[nodiscard]] Rpc& rpc() { return *rpc_; }  // of the first validator
  [[nodiscard]] std::vector<RpcNode> rpc_nodes() const;
  // Of all that was sent; for who sends by itself.
  [[nodiscard]] TxLedger& ledger() { return *ledger_; }

  // The last block that has come.
  [[nodiscard]] Height seen() const { return ledger_->seen(); }
  [[nodiscard]] absl::Status AwaitHeight(Height height);

  // Decides what a signature is bound to, to make it wrong.
  using ChangeSigner = std::function<void(Signer&)>;
  // Offers a transaction once; the hash under which Await() tells its fate.
  [[nodiscard]] absl::StatusOr<std::string> Offer(const Key& key, Tx tx,
                                                  const ChangeSigner& change = {});
  [[nodiscard]] absl::StatusOr<TxFate> Await(const std::string& hash);
  [[nodiscard]] absl::StatusOr<TxFate> Send(const Key& key, Tx tx, const ChangeSigner& change = {});
  [[nodiscard]] TxTally tally() const { return ledger_->tally(); }

  // The answer of REST to GET `path` about the state after block `height`. NotFound if there is no
  // such thing.
  [[nodiscard]] absl::StatusOr<Json> Rest(const std::string& path, Height height);
  [[nodiscard]] absl::StatusOr<Pool> PoolAt(std::uint64_t id, Height height);
  // NotFound if the pair has no pool.
  [[nodiscard]] absl::StatusOr<Pool> PoolOf(const std::string& a, const std::string& b,
                                            Height height);
  [[nodiscard]] absl::StatusOr<Amount> BalanceAt(const std::string& address,
                                                 const std::string& denom, Height height);

  // What happened in block `height` outside its transactions.
  [[nodiscard]] absl::StatusOr<std::vector<Event>> BlockEvents(Height height);
  // The first such event in a block from `from` on with this attribute.
  [[nodiscard]] absl::StatusOr<BlockEvent> AwaitEvent(Height from, const std::string& type,
                                                      const std::string& attribute,
                                                      const std::string& value);

  // Where the traces are, or null if the environment does not say.
  [[nodiscard]] observe::Jaeger* jaeger() { return jaeger_ ? &*jaeger_ : nullptr; }
  // Of how many nodes traces are expected: those of the profile, or the processes.
  [[nodiscard]] std::size_t traced_nodes() const { return nodes_.size() + full_nodes_; }

  // The program's metrics of validator `i` once it has executed block `height`.
  [[nodiscard]] absl::StatusOr<MetricsPage> Metrics(std::size_t i, Height height);
  [[nodiscard]] absl::StatusOr<std::vector<MetricsPage>> MetricsOfAll(Height height);

 private:
  struct Node {
    RpcNode rpc;
    net::HttpOptions metrics;
    std::string metrics_url;
  };

  LiveChain() = default;
  absl::Status FindDeployment();
  absl::Status FindProcesses(const std::string& addresses);
  absl::Status ReadKeys(const std::string& folder);
  absl::Status Start();

  std::unique_ptr<Deployment> paw_;  // none for processes
  std::vector<Node> nodes_;
  net::HttpOptions gateway_options_;
  std::string gateway_url_;
  std::vector<Key> accounts_, operators_;
  std::size_t full_nodes_ = 0;
  std::optional<observe::Jaeger> jaeger_;

  std::string id_;
  std::optional<Rpc> rpc_;
  std::optional<net::HttpClient> raw_rpc_, gateway_;
  std::optional<TxLedger> ledger_;
  std::unique_ptr<BlockStream> stream_;  // last: its thread uses the ledger
};

}  // namespace pawk8s::chain
