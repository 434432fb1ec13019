// The part of WebSocket that sees Boost; only websocket*.cc include it.
#pragma once

#include <boost/asio.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <string>

#include "pawk8s/net/websocket.h"

namespace pawk8s::net {

// Everything runs on the calling thread: each call starts asynchronous operations and runs the
// io_context until they are done, the deadline is over or the stop token wakes it.
class WebSocket::Impl {
 public:
  using ErrorCode = boost::system::error_code;
  using OnDone = std::function<void(ErrorCode)>;
  using OnMessage = std::function<void(ErrorCode, std::string)>;

  explicit Impl(WebSocketOptions options);
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  virtual ~Impl() = default;

  // One of each may be under way at a time. The bytes must live until `on_done`.
  virtual void AsyncRead(OnMessage on_message) = 0;
  virtual void AsyncWrite(std::string_view bytes, OnDone on_done) = 0;

  absl::StatusOr<std::string> Read(const Deadline& deadline);
  absl::Status Write(std::string_view message, const Deadline& deadline);
  absl::Status Relay(int fd, std::string_view prefix, const Unwrap& unwrap,
                     const std::stop_token& stop);

  // Runs until `done()`. An error means: not done in time.
  absl::Status RunUntil(const std::function<bool()>& done, const Deadline& deadline,
                        std::string_view doing);

  const WebSocketOptions options;
  std::string subprotocol;
  boost::asio::io_context io;  // outlives the sockets, which derived classes own

 private:
  void KeepReading();

  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_;
  std::deque<std::string> inbox_;
  std::size_t inbox_bytes_ = 0;
  bool reading_ = false;
  absl::Status read_end_;  // once reading has failed
  absl::Status broken_;    // once writing has failed
};

// The canonical status for what Boost reports.
absl::Status StatusOf(const boost::system::error_code& error);

}  // namespace pawk8s::net
