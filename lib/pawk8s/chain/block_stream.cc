#include "pawk8s/chain/block_stream.h"

#include <fmt/format.h>

#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/chain/internal/json_fields.h"

namespace pawk8s::chain {
namespace {

constexpr std::chrono::seconds kRequest{5};
// Without a block for so long, the node is asked whether there is none.
constexpr std::chrono::seconds kSilence{3};
constexpr Millis kBetweenAttempts{200};
constexpr const char* kSubscribe =
    R"({"jsonrpc":"2.0","id":1,"method":"subscribe","params":{"query":"tm.event='NewBlock'"}})";

}  // namespace

BlockStream::BlockStream(std::vector<RpcNode> nodes, Height before, OnBlock on_block)
    : nodes_(std::move(nodes)), given_(before), on_block_(std::move(on_block)) {}

BlockStream::~BlockStream() = default;

absl::StatusOr<std::unique_ptr<BlockStream>> BlockStream::Start(std::vector<RpcNode> nodes,
                                                                Height before, OnBlock on_block,
                                                                const Deadline& deadline) {
  if (nodes.empty()) return absl::InvalidArgumentError("no node to read blocks from");
  std::unique_ptr<BlockStream> stream(
      new BlockStream(std::move(nodes), before, std::move(on_block)));
  auto socket = stream->Subscribe(deadline);
  for (std::size_t i = 1; !socket.ok() && i < stream->nodes_.size(); ++i) {
    ++stream->node_;
    socket = stream->Subscribe(deadline);
  }
  if (!socket.ok()) return socket.status();
  stream->thread_ =
      std::jthread([raw = stream.get(), first = *std::move(socket)](
                       const std::stop_token& stop) mutable { raw->Run(stop, std::move(first)); });
  return stream;
}

absl::Status BlockStream::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

absl::StatusOr<std::unique_ptr<net::WebSocket>> BlockStream::Subscribe(const Deadline& deadline) {
  const RpcNode& node = nodes_[node_];
  const Deadline limit = deadline.AtMost(kRequest);
  net::WebSocketOptions options{.url = "ws://" + node.address + "/websocket"};
  options.tls = node.options.tls;
  options.dial = node.options.dial;
  options.text = true;
  ASSIGN_OR_RETURN(auto socket, net::WebSocket::Connect(options, limit, nullptr));
  RETURN_IF_ERROR(socket->Write(kSubscribe, limit));
  // From this answer on no block is missed.
  ASSIGN_OR_RETURN(const std::string answer, socket->Read(limit));
  RETURN_IF_ERROR(internal::RpcError(internal::json::parse(answer, nullptr, false)));
  return socket;
}

void BlockStream::Run(const std::stop_token& stop, std::unique_ptr<net::WebSocket> socket) {
  for (;;) {
    absl::Status failure = socket != nullptr ? Follow(*socket, stop) : status();
    if (stop.stop_requested()) return;
    {
      const std::lock_guard lock(mutex_);
      status_ = failure;
    }
    if (refused_) return;
    Clock::Real().Sleep(kBetweenAttempts, Deadline::After(kRequest, stop));
    node_ = (node_ + 1) % nodes_.size();
    ++reconnects_;
    auto again = Subscribe(Deadline::After(kRequest, stop));
    const std::lock_guard lock(mutex_);
    status_ = again.status();
    socket = again.ok() ? *std::move(again) : nullptr;
  }
}

absl::Status BlockStream::Follow(net::WebSocket& socket, const std::stop_token& stop) {
  const RpcNode& node = nodes_[node_];
  Rpc rpc(node.options, "http://" + node.address);
  for (bool is_new = true;; is_new = false) {
    absl::StatusOr<std::string> message = absl::DeadlineExceededError("just connected");
    if (!is_new) message = socket.Read(Deadline::After(kSilence, stop));
    if (message.ok()) {
      ASSIGN_OR_RETURN(const BlockTxs block, ParseNewBlock(*message));
      RETURN_IF_ERROR(CatchUp(block.height + -1, rpc, Deadline::After(kRequest, stop)));
      RETURN_IF_ERROR(Give(block));
    } else if (absl::IsDeadlineExceeded(message.status())) {
      // Perhaps the chain stands still; perhaps this node does, or the subscription is lost. The
      // latest block may still be under execution and about to come.
      ASSIGN_OR_RETURN(const NodeStatus now, rpc.Status(Deadline::After(kRequest, stop)));
      const Height whole = now.latest + -1;
      if (!is_new && whole > given_) return absl::UnavailableError("the subscription is lost");
      RETURN_IF_ERROR(CatchUp(whole, rpc, Deadline::After(kRequest, stop)));
    } else {
      return message.status();
    }
  }
}

absl::Status BlockStream::CatchUp(Height last, Rpc& rpc, const Deadline& deadline) {
  while (given_ < last) {
    ASSIGN_OR_RETURN(const BlockTxs block, rpc.TxsAt(given_ + 1, deadline));
    RETURN_IF_ERROR(Give(block));
  }
  return absl::OkStatus();
}

absl::Status BlockStream::Give(const BlockTxs& block) {
  if (block.height <= given_) return absl::OkStatus();
  if (absl::Status taken = on_block_(block); !taken.ok()) {
    refused_ = true;
    return taken;
  }
  given_ = block.height;
  return absl::OkStatus();
}

}  // namespace pawk8s::chain
