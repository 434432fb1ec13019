#include "chain/fake_node.h"

#include <atomic>
#include <boost/asio.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>
#include <vector>

#include "pawk8s/chain/tx.h"
#include "pawk8s/net/digest.h"

namespace pawk8s::chain {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using nlohmann::json;

class FakeNode::Impl {
 public:
  Impl() : acceptor_(context_, {asio::ip::make_address("127.0.0.1"), 0}) {
    acceptor_thread_ = std::thread([this] { Accept(); });
  }

  ~Impl() {
    stopping_ = true;
    ::shutdown(acceptor_.native_handle(), SHUT_RDWR);
    acceptor_thread_.join();
    {
      const std::lock_guard lock(mutex_);
      for (const auto& socket : sockets_) ::shutdown(socket->native_handle(), SHUT_RDWR);
    }
    for (std::thread& thread : threads_) thread.join();
  }

  std::string address() const {
    return "127.0.0.1:" + std::to_string(acceptor_.local_endpoint().port());
  }

  void MakeBlock() {
    const std::lock_guard lock(mutex_);
    json txs = json::array();
    json results = json::array();
    for (const std::string& tx : mempool_) {
      txs.push_back(net::Base64Encode(tx));
      results.push_back({{"code", 0},
                         {"codespace", ""},
                         {"log", ""},
                         {"data", nullptr},
                         {"gas_wanted", "1"},
                         {"gas_used", "1"},
                         {"events", json::array()}});
    }
    mempool_.clear();
    const std::string height = std::to_string(blocks_.size() + 1);
    const json block = {{"header", {{"height", height}, {"time", "2026-01-31T23:59:59Z"}}},
                        {"data", {{"txs", txs}}}};
    blocks_.push_back({block, results});
    if (muted_) return;
    const std::string event =
        json{{"jsonrpc", "2.0"},
             {"id", 1},
             {"result",
              {{"data",
                {{"type", "tendermint/event/NewBlock"},
                 {"value",
                  {{"block", block}, {"result_finalize_block", {{"tx_results", results}}}}}}}}}}
            .dump();
    for (const auto& subscriber : subscribers_) {
      beast::error_code ignored;
      subscriber->write(asio::buffer(event), ignored);
    }
  }

  void DropSubscribers() {
    const std::lock_guard lock(mutex_);
    for (const auto& subscriber : subscribers_) {
      ::shutdown(subscriber->next_layer().native_handle(), SHUT_RDWR);
    }
    subscribers_.clear();
  }

  std::mutex mutex_;
  std::vector<std::pair<json, json>> blocks_;
  std::vector<std::string> mempool_;
  std::map<std::string, std::uint64_t> sequences_;  // by public key
  std::uint64_t first_sequence_ = 0;
  bool muted_ = false;
  bool refusing_ = false;
  int lost_answers_ = 0;
  int offers_ = 0;

 private:
  using Socket = std::shared_ptr<tcp::socket>;
  using Subscriber = std::shared_ptr<beast::websocket::stream<tcp::socket&>>;

  void Accept() {
    for (;;) {
      auto socket = std::make_shared<tcp::socket>(context_);
      beast::error_code error;
      acceptor_.accept(*socket, error);
      if (error || stopping_) return;
      const std::lock_guard lock(mutex_);
      if (refusing_) continue;
      sockets_.push_back(socket);
      threads_.emplace_back([this, socket] { Serve(*socket); });
    }
  }

  void Serve(tcp::socket& socket) {
    beast::flat_buffer buffer;
    beast::error_code error;
    for (;;) {
      http::request<http::string_body> request;
      http::read(socket, buffer, request, error);
      if (error) return;
      if (beast::websocket::is_upgrade(request)) return Subscribe(socket, request);
      const std::string body = Answer(std::string(request.target()), request.body());
      if (body.empty()) break;
      http::response<http::string_body> response(http::status::ok, request.version());
      response.body() = body;
      response.prepare_payload();
      http::write(socket, response, error);
      if (error) return;
    }
    ::shutdown(socket.native_handle(), SHUT_RDWR);
  }

  void Subscribe(tcp::socket& socket, const http::request<http::string_body>& request) {
    auto stream = std::make_shared<beast::websocket::stream<tcp::socket&>>(socket);
    beast::error_code error;
    beast::flat_buffer buffer;
    stream->accept(request, error);
    if (!error) stream->read(buffer, error);
    if (error) return;
    const std::lock_guard lock(mutex_);
    if (refusing_) {
      ::shutdown(socket.native_handle(), SHUT_RDWR);
      return;
    }
    stream->text(true);
    stream->write(asio::buffer(std::string(R"({"jsonrpc":"2.0","id":1,"result":{}})")), error);
    subscribers_.push_back(stream);
  }

  // Empty: the connection is to end without an answer.
  std::string Answer(const std::string& target, const std::string& body) {
    const std::lock_guard lock(mutex_);
    if (refusing_) return "";
    if (target == "/status") {
      return Result({{"node_info", {{"id", "a"}, {"network", "paw-1"}}},
                     {"sync_info",
                      {{"latest_block_height", std::to_string(blocks_.size())},
                       {"latest_block_time", "2026-01-31T23:59:59Z"},
                       {"catching_up", false}}},
                     {"validator_info", {{"address", "A"}, {"voting_power", "10"}}}});
    }
    const std::size_t at = target.find("?height=");
    if (at != std::string::npos) {
      const auto height = static_cast<std::size_t>(std::stoul(target.substr(at + 8)));
      if (height == 0 || height > blocks_.size()) return R"({"error":{"code":-32603}})";
      const auto& [block, results] = blocks_[height - 1];
      if (target.starts_with("/block?")) return Result({{"block", block}});
      return Result({{"height", std::to_string(height)}, {"txs_results", results}});
    }
    return Offer(json::parse(body));
  }

  static std::string Result(const json& result) { return json{{"result", result}}.dump(); }

  std::string Offer(const json& call) {
    ++offers_;
    const std::string tx = net::Base64Decode(call["params"]["tx"].get<std::string>()).value();
    if (!known_.insert(tx).second) {
      return R"({"error":{"code":-32603,"data":"tx already exists in cache"}})";
    }
    const auto signer = DecodeTx(tx)->auth_info.signer_infos(0);
    const auto [entry, is_new] =
        sequences_.try_emplace(signer.public_key().value(), first_sequence_);
    std::uint64_t& expected = entry->second;
    if (signer.sequence() != expected) {
      known_.erase(tx);
      return Result({{"code", 32},
                     {"codespace", "sdk"},
                     {"log", "account sequence mismatch, expected " + std::to_string(expected) +
                                 ", got " + std::to_string(signer.sequence())}});
    }
    ++expected;
    mempool_.push_back(tx);
    if (lost_answers_ > 0) {
      --lost_answers_;
      return "";
    }
    return Result({{"code", 0}, {"codespace", ""}, {"log", ""}});
  }

  std::atomic<bool> stopping_ = false;
  asio::io_context context_;
  tcp::acceptor acceptor_;
  std::set<std::string> known_;
  std::vector<Socket> sockets_;
  std::vector<Subscriber> subscribers_;
  std::vector<std::thread> threads_;
  std::thread acceptor_thread_;
};

FakeNode::FakeNode() : impl_(std::make_unique<Impl>()) {}
FakeNode::~FakeNode() = default;

RpcNode FakeNode::rpc() const { return {.options = {}, .address = impl_->address()}; }

void FakeNode::MakeBlock() { impl_->MakeBlock(); }

Height FakeNode::height() const {
  const std::lock_guard lock(impl_->mutex_);
  return {static_cast<std::int64_t>(impl_->blocks_.size())};
}

void FakeNode::SetSequence(std::uint64_t sequence) {
  const std::lock_guard lock(impl_->mutex_);
  impl_->first_sequence_ = sequence;
  for (auto& [key, expected] : impl_->sequences_) expected = sequence;
}

void FakeNode::EmptyMempool() {
  const std::lock_guard lock(impl_->mutex_);
  impl_->mempool_.clear();
}

void FakeNode::DropSubscribers() { impl_->DropSubscribers(); }

void FakeNode::Mute(bool muted) {
  const std::lock_guard lock(impl_->mutex_);
  impl_->muted_ = muted;
}

void FakeNode::Refuse(bool refusing) {
  const std::lock_guard lock(impl_->mutex_);
  impl_->refusing_ = refusing;
}

void FakeNode::LoseAnswers(int count) {
  const std::lock_guard lock(impl_->mutex_);
  impl_->lost_answers_ = count;
}

int FakeNode::offers() const {
  const std::lock_guard lock(impl_->mutex_);
  return impl_->offers_;
}

}  // namespace pawk8s::chain
