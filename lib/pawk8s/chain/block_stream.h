// Every block from one on, in order and without a gap, as soon as a node has it.
//
//   ASSIGN_OR_RETURN(auto stream, BlockStream::Start({nodes}, height, on_block, deadline));
//
// A subscription (tm.event='NewBlock') over WebSocket; what it misses is read by RPC. When the node
// goes, or falls silent, the next one of the list takes over.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/chain/rpc.h"
#include "pawk8s/net/websocket.h"

namespace pawk8s::chain {

// How a node's RPC is reached.
struct RpcNode {
  net::HttpOptions options;
  std::string address = "node";  // host and port; decides nothing when `options.dial` is set
};

class BlockStream {
 public:
  // Called on the stream's own thread. An error ends the stream.
  using OnBlock = std::function<absl::Status(const BlockTxs&)>;

  // The first block given is the one after `before`. Returns once a node has taken the
  // subscription.
  static absl::StatusOr<std::unique_ptr<BlockStream>> Start(std::vector<RpcNode> nodes,
                                                            Height before, OnBlock on_block,
                                                            const Deadline& deadline);
  // Ends the thread.
  ~BlockStream();
  BlockStream(const BlockStream&) = delete;
  BlockStream& operator=(const BlockStream&) = delete;

  // Why the stream is interrupted or has ended; OK while it flows.
  [[nodiscard]] absl::Status status() const;
  // How often another connection had to be made.
  [[nodiscard]] int reconnects() const { return reconnects_; }

 private:
  BlockStream(std::vector<RpcNode> nodes, Height before, OnBlock on_block);
  void Run(const std::stop_token& stop, std::unique_ptr<net::WebSocket> socket);
  absl::StatusOr<std::unique_ptr<net::WebSocket>> Subscribe(const Deadline& deadline);
  // Until the connection fails or falls silent.
  absl::Status Follow(net::WebSocket& socket, const std::stop_token& stop);
  // Gives what has not been given yet, up to `last`.
  absl::Status CatchUp(Height last, Rpc& rpc, const Deadline& deadline);
  absl::Status Give(const BlockTxs& block);

  std::vector<RpcNode> nodes_;
  std::size_t node_ = 0;
  Height given_;
  OnBlock on_block_;
  bool refused_ = false;  // by on_block_
  std::atomic<int> reconnects_ = 0;
  mutable std::mutex mutex_;
  absl::Status status_;
  std::jthread thread_;  // last: uses all of the above
};

}  // namespace pawk8s::chain
