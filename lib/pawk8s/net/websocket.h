// A WebSocket client (RFC 6455) with a deadline on every step.
//
//   ASSIGN_OR_RETURN(auto socket, net::WebSocket::Connect({.url = "wss://..."}, deadline,
//   nullptr)); RETURN_IF_ERROR(socket->Write("hello", deadline)); ASSIGN_OR_RETURN(const
//   std::string answer, socket->Read(deadline));
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/net/http.h"
#include "pawk8s/net/tls.h"

namespace pawk8s::net {

struct WebSocketOptions {
  std::string url;  // ws, wss, http or https
  std::vector<Header> headers;
  std::vector<std::string> subprotocols;  // offered in this order
  TlsOptions tls;
  Dial dial;          // as HttpOptions::dial; the conduit lives as long as the WebSocket
  bool text = false;  // frames that Write() sends: text or binary
  std::size_t max_message_bytes = 64u << 20;  // a longer one breaks the connection
  std::size_t max_queued_bytes = 256u << 20;  // received during Write() and not yet read
};

// Not thread-safe, but cancelling the deadline's stop token from any thread ends a call at once.
class WebSocket {
 public:
  // Connects and upgrades. When the server answers with anything but 101, the error is
  // FailedPrecondition and the answer is stored in `*refusal` if that is given. Other errors are
  // those of HttpClient::Send().
  static absl::StatusOr<std::unique_ptr<WebSocket>> Connect(const WebSocketOptions& options,
                                                            const Deadline& deadline,
                                                            HttpResponse* refusal);
  ~WebSocket();

  // What the server chose; empty when nothing.
  [[nodiscard]] const std::string& subprotocol() const;

  // The next whole message. OutOfRange when the peer has closed the connection in order,
  // Unavailable when it broke. After DeadlineExceeded and Cancelled a later Read() continues, no
  // byte is lost.
  [[nodiscard]] absl::StatusOr<std::string> Read(const Deadline& deadline);

  // Sends one message; messages that arrive meanwhile are kept for Read(), so that two peers which
  // both write do not wait for each other. After DeadlineExceeded the connection is broken.
  [[nodiscard]] absl::Status Write(std::string_view message, const Deadline& deadline);

  // What arrives goes through `unwrap`: the bytes that belong to the local socket (may be empty),
  // or an error that ends the relay.
  using Unwrap = std::function<absl::StatusOr<std::string_view>(std::string_view message)>;

  // Copies between the stream socket `fd` and this connection, both ways with backpressure, until
  // one side ends or `stop` is requested; what the peer sent before it ended is still delivered.
  // Each message sent is `prefix` plus bytes of `fd`. OK when `fd` was closed by its owner,
  // Cancelled after `stop`, OutOfRange when the peer closed, otherwise the failure.
  [[nodiscard]] absl::Status Relay(int fd, std::string_view prefix, const Unwrap& unwrap,
                                   const std::stop_token& stop);

  class Impl;

 private:
  explicit WebSocket(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawk8s::net
