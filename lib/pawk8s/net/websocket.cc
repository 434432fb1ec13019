#include "pawk8s/net/websocket.h"

#include <fmt/format.h>

#include <array>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/local/stream_protocol.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/websocket/error.hpp>
#include <chrono>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/net/internal/websocket_impl.h"

namespace pawk8s::net {

namespace asio = boost::asio;
using boost::system::error_code;

absl::Status StatusOf(const error_code& error) {
  if (!error) return absl::OkStatus();
  if (error == boost::beast::websocket::error::closed) {
    return absl::OutOfRangeError("the peer closed the connection");
  }
  const std::string why = error.message();
  if (error.category() == asio::error::get_ssl_category() &&
      why.find("certificate") != std::string::npos) {
    return absl::UnauthenticatedError(why);
  }
  return absl::UnavailableError(why);
}

WebSocket::Impl::Impl(WebSocketOptions the_options)
    : options(std::move(the_options)), io(1), work_(io.get_executor()) {}

absl::Status WebSocket::Impl::RunUntil(const std::function<bool()>& done, const Deadline& deadline,
                                       std::string_view doing) {
  const std::stop_callback wake(deadline.stop(), [this] { asio::post(io, [] {}); });
  while (!done()) {
    if (!deadline.Over()) {
      io.run_one_until(deadline.when());
    } else if (deadline.Cancelled() || io.poll_one() == 0) {
      // What has arrived by then still counts: a deadline that is over asks without waiting.
      return deadline.Check(doing);
    }
  }
  return absl::OkStatus();
}

void WebSocket::Impl::KeepReading() {
  if (reading_ || !read_end_.ok() || inbox_bytes_ >= options.max_queued_bytes) return;
  reading_ = true;
  AsyncRead([this](error_code error, std::string message) {
    reading_ = false;
    if (error) {
      read_end_ = StatusOf(error);
      return;
    }
    inbox_bytes_ += message.size();
    inbox_.push_back(std::move(message));
    KeepReading();
  });
}

absl::StatusOr<std::string> WebSocket::Impl::Read(const Deadline& deadline) {
  KeepReading();
  RETURN_IF_ERROR(RunUntil([this] { return !inbox_.empty() || !read_end_.ok(); }, deadline,
                           "waiting for a message"));
  if (inbox_.empty()) return read_end_;
  std::string message = std::move(inbox_.front());
  inbox_.pop_front();
  inbox_bytes_ -= message.size();
  return message;
}

absl::Status WebSocket::Impl::Write(std::string_view message, const Deadline& deadline) {
  RETURN_IF_ERROR(broken_);
  RETURN_IF_ERROR(deadline.Check("sending a message"));
  KeepReading();
  struct Sending {
    std::string bytes;
    bool done = false;
    absl::Status result;
  };
  // Outlives this call when the deadline does not.
  const auto sending = std::make_shared<Sending>();
  sending->bytes = message;
  AsyncWrite(sending->bytes, [sending](error_code error) {
    sending->done = true;
    sending->result = StatusOf(error);
  });
  broken_ = RunUntil([&] { return sending->done; }, deadline, "sending a message");
  if (broken_.ok()) broken_ = sending->result;
  // What the peer sent before it went away says more than that it is gone.
  if (!broken_.ok() && !read_end_.ok()) broken_ = read_end_;
  return broken_;
}

namespace {

using LocalSocket = asio::generic::stream_protocol::socket;

// Shared by the handlers, which may run after Relay() has returned.
struct RelayState {
  explicit RelayState(asio::io_context& io) : local(io) {}
  LocalSocket local;
  std::string out;  // prefix and bytes of the local socket
  std::array<char, 32768> chunk{};
  std::string in;  // the message that is being delivered
  bool over = false;
  absl::Status result;

  void End(absl::Status why) {
    if (over) return;
    over = true;
    result = std::move(why);
  }
};

}  // namespace

absl::Status WebSocket::Impl::Relay(int fd, std::string_view prefix, const Unwrap& unwrap,
                                    const std::stop_token& stop) {
  const auto state = std::make_shared<RelayState>(io);
  error_code assigned;
  state->local.assign(asio::generic::stream_protocol(AF_UNIX, 0), fd, assigned);
  if (assigned) return absl::InternalError(assigned.message());

  // The handlers keep `state` alive, and through it these two functions; `over` stops the cycle.
  std::function<void()> upload;
  std::function<void(std::string)> deliver;
  std::function<void()> download;

  upload = [&, this] {
    state->local.async_read_some(
        asio::buffer(state->chunk), [&, this, state](error_code error, std::size_t n) {
          if (state->over) return;
          if (error) return state->End(absl::OkStatus());  // its owner has closed it
          state->out.assign(prefix);
          state->out.append(state->chunk.data(), n);
          AsyncWrite(state->out, [&, state](error_code write_error) {
            if (state->over) return;
            // The reader will say why the peer is gone.
            if (!write_error) upload();
          });
        });
  };
  deliver = [&, this](std::string message) {
    state->in = std::move(message);
    const absl::StatusOr<std::string_view> bytes = unwrap(state->in);
    if (!bytes.ok()) return state->End(bytes.status());
    if (bytes->empty()) return download();
    asio::async_write(state->local, asio::buffer(bytes->data(), bytes->size()),
                      [&, state](error_code error, std::size_t) {
                        if (state->over) return;
                        if (error) return state->End(absl::OkStatus());
                        download();
                      });
  };
  download = [&, this] {
    if (!inbox_.empty()) {
      std::string message = std::move(inbox_.front());
      inbox_.pop_front();
      inbox_bytes_ -= message.size();
      return deliver(std::move(message));
    }
    if (!read_end_.ok()) return state->End(read_end_);
    reading_ = true;
    AsyncRead([&, this, state](error_code error, std::string message) {
      reading_ = false;
      if (error) read_end_ = StatusOf(error);
      if (state->over) return;
      if (error) return state->End(read_end_);
      deliver(std::move(message));
    });
  };
  upload();
  download();

  const auto forever = SteadyTime::max();
  const absl::Status ran =
      RunUntil([&] { return state->over; }, Deadline::At(forever, stop), "relaying");
  state->End(ran);
  error_code ignored;
  state->local.release(ignored);
  return state->result;
}

WebSocket::WebSocket(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
WebSocket::~WebSocket() = default;

const std::string& WebSocket::subprotocol() const { return impl_->subprotocol; }

absl::StatusOr<std::string> WebSocket::Read(const Deadline& deadline) {
  return impl_->Read(deadline);
}

absl::Status WebSocket::Write(std::string_view message, const Deadline& deadline) {
  return impl_->Write(message, deadline);
}

absl::Status WebSocket::Relay(int fd, std::string_view prefix, const Unwrap& unwrap,
                              const std::stop_token& stop) {
  return impl_->Relay(fd, prefix, unwrap, stop);
}

}  // namespace pawk8s::net
