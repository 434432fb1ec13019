// Connecting: TCP or a conduit, TLS, the upgrade.
#include <fmt/format.h>
#include <openssl/ssl.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <cctype>
#include <optional>
#include <utility>

#include "pawk8s/base/redact.h"
#include "pawk8s/base/status.h"
#include "pawk8s/net/internal/ignore_sigpipe.h"
#include "pawk8s/net/internal/url.h"
#include "pawk8s/net/internal/websocket_impl.h"

namespace pawk8s::net {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
namespace ssl = boost::asio::ssl;
namespace websocket = boost::beast::websocket;
using boost::system::error_code;
using tcp = asio::ip::tcp;
using Socket = asio::generic::stream_protocol::socket;
using TlsStream = ssl::stream<Socket>;

Socket& LowestLayer(Socket& socket) { return socket; }
Socket& LowestLayer(TlsStream& stream) { return stream.next_layer(); }

HttpResponse ToResponse(const websocket::response_type& from) {
  HttpResponse to;
  to.status = static_cast<int>(from.result_int());
  for (const auto& field : from) {
    std::string name(field.name_string().data(), field.name_string().size());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    to.headers.push_back({name, std::string(field.value().data(), field.value().size())});
  }
  to.body = from.body();
  return to;
}

absl::Status Configure(ssl::context& context, const TlsOptions& tls) {
  error_code error;
  const auto bad = [&](std::string_view what) {
    return absl::InvalidArgumentError(
        fmt::format("the {} is not usable PEM: {}", what, error.message()));
  };
  context.set_verify_mode(ssl::verify_peer, error);
  if (tls.ca_pem.empty()) {
    context.set_default_verify_paths(error);
  } else if (context.add_certificate_authority(asio::buffer(tls.ca_pem), error); error) {
    return bad("CA certificate");
  }
  if (tls.client_certificate_pem.empty()) return absl::OkStatus();
  context.use_certificate_chain(asio::buffer(tls.client_certificate_pem), error);
  if (error) return bad("client certificate");
  context.use_private_key(asio::buffer(tls.client_key_pem), ssl::context::pem, error);
  if (error) return bad("client key");
  return absl::OkStatus();
}

class Session : public WebSocket::Impl {
 public:
  using WebSocket::Impl::Impl;
  virtual Socket& socket() = 0;
  virtual absl::Status Handshakes(const internal::Url& url, const Deadline& deadline,
                                  HttpResponse* refusal) = 0;

  absl::Status Open(const internal::Url& url, const Deadline& deadline, HttpResponse* refusal) {
    RETURN_IF_ERROR(ConnectSocket(url, deadline));
    return Handshakes(url, deadline, refusal);
  }

 protected:
  // Runs one asynchronous operation to its end; its handler may be called after this returned.
  absl::StatusOr<error_code> Await(const std::function<void(OnDone)>& start,
                                   const Deadline& deadline, std::string_view doing) {
    const auto done = std::make_shared<std::optional<error_code>>();
    start([done](error_code error) { *done = error; });
    RETURN_IF_ERROR(RunUntil([&] { return done->has_value(); }, deadline, doing));
    return **done;
  }

  absl::Status AwaitOk(const std::function<void(OnDone)>& start, const Deadline& deadline,
                       std::string_view doing) {
    ASSIGN_OR_RETURN(const error_code error, Await(start, deadline, doing));
    return Annotate(StatusOf(error), doing);
  }

 private:
  absl::Status ConnectSocket(const internal::Url& url, const Deadline& deadline) {
    if (options.dial) {
      ASSIGN_OR_RETURN(conduit_, options.dial(deadline));
      error_code error;
      socket().assign(asio::generic::stream_protocol(AF_UNIX, 0), dup(conduit_->fd()), error);
      return StatusOf(error);
    }
    tcp::resolver resolver(io);
    const auto found = std::make_shared<tcp::resolver::results_type>();
    RETURN_IF_ERROR(AwaitOk(
        [&](OnDone on_done) {
          resolver.async_resolve(url.host, url.port, tcp::resolver::numeric_service,
                                 [found, on_done](error_code error, auto results) {
                                   *found = results;
                                   on_done(error);
                                 });
        },
        deadline, fmt::format("resolving {}", url.host)));
    absl::Status last = absl::UnavailableError("the name has no address");
    for (const auto& entry : *found) {
      const asio::generic::stream_protocol::endpoint endpoint(entry.endpoint());
      error_code ignored;
      socket().close(ignored);
      last = AwaitOk([&](OnDone on_done) { socket().async_connect(endpoint, std::move(on_done)); },
                     deadline, fmt::format("connecting to {}:{}", url.host, url.port));
      if (last.ok() || deadline.Over()) break;
    }
    if (last.ok()) socket().set_option(tcp::no_delay(true));
    return last;
  }

  std::unique_ptr<Conduit> conduit_;
};

template <class Stream>
class SessionOver final : public Session {
 public:
  // `context` is null when Stream is not TLS.
  SessionOver(WebSocketOptions the_options, std::unique_ptr<ssl::context> context)
      : Session(std::move(the_options)), context_(std::move(context)), stream_(Make()) {
    stream_.read_message_max(options.max_message_bytes);
    // One frame a message: API servers take the continuation frames of a message for messages.
    stream_.auto_fragment(false);
    stream_.text(options.text);
    stream_.binary(!options.text);
  }

  Socket& socket() override { return LowestLayer(stream_.next_layer()); }

  absl::Status Handshakes(const internal::Url& url, const Deadline& deadline,
                          HttpResponse* refusal) override {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      RETURN_IF_ERROR(TlsHandshake(url, deadline));
    }
    stream_.set_option(websocket::stream_base::decorator([this](websocket::request_type& request) {
      for (const Header& header : options.headers) {
        request.insert({header.name.data(), header.name.size()},
                       {header.value.data(), header.value.size()});
      }
      if (!options.subprotocols.empty()) {
        request.set(http::field::sec_websocket_protocol,
                    fmt::format("{}", fmt::join(options.subprotocols, ", ")));
      }
    }));
    const auto answer = std::make_shared<websocket::response_type>();
    const std::string host = fmt::format("{}:{}", url.HostInUrl(), url.port);
    ASSIGN_OR_RETURN(const error_code error,
                     Await(
                         [&](OnDone on_done) {
                           stream_.async_handshake(
                               *answer, host, url.target,
                               [answer, on_done](error_code ec) { on_done(ec); });
                         },
                         deadline, "upgrading to WebSocket"));
    if (error == websocket::error::upgrade_declined ||
        (error && answer->result_int() != 101 && answer->result_int() >= 300)) {
      if (refusal != nullptr) *refusal = ToResponse(*answer);
      return absl::FailedPreconditionError(fmt::format(
          "the server refused the upgrade to WebSocket with HTTP status {}", answer->result_int()));
    }
    if (error) return Annotate(StatusOf(error), "upgrading to WebSocket");
    const auto chosen = (*answer)[http::field::sec_websocket_protocol];
    subprotocol.assign(chosen.data(), chosen.size());
    return absl::OkStatus();
  }

  void AsyncRead(OnMessage on_message) override {
    stream_.async_read(buffer_,
                       [this, on_message = std::move(on_message)](error_code error, std::size_t) {
                         std::string message;
                         if (!error) message = beast::buffers_to_string(buffer_.data());
                         buffer_.consume(buffer_.size());
                         // A peer may drop TCP right after its close frame: that is an orderly end
                         // all the same.
                         if (error && stream_.reason()) error = websocket::error::closed;
                         on_message(error, std::move(message));
                       });
  }

  void AsyncWrite(std::string_view bytes, OnDone on_done) override {
    stream_.async_write(
        asio::buffer(bytes.data(), bytes.size()),
        [on_done = std::move(on_done)](error_code error, std::size_t) { on_done(error); });
  }

 private:
  websocket::stream<Stream> Make() {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      return websocket::stream<Stream>(io, *context_);
    } else {
      return websocket::stream<Stream>(io);
    }
  }

  absl::Status TlsHandshake(const internal::Url& url, const Deadline& deadline) {
    TlsStream& tls = stream_.next_layer();
    const std::string& name = options.tls.server_name.empty() ? url.host : options.tls.server_name;
    error_code is_name;
    static_cast<void>(asio::ip::make_address(name, is_name));
    if (is_name) SSL_set_tlsext_host_name(tls.native_handle(), name.c_str());
    tls.set_verify_callback(ssl::host_name_verification(name));
    return AwaitOk(
        [&](OnDone on_done) { tls.async_handshake(ssl::stream_base::client, std::move(on_done)); },
        deadline, "TLS handshake");
  }

  const std::unique_ptr<ssl::context> context_;
  websocket::stream<Stream> stream_;
  beast::flat_buffer buffer_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<WebSocket>> WebSocket::Connect(const WebSocketOptions& options,
                                                              const Deadline& deadline,
                                                              HttpResponse* refusal) {
  internal::IgnoreSigpipe();
  const std::string what = Redact(fmt::format("WebSocket {}", options.url));
  RETURN_IF_ERROR(deadline.Check(what));
  ASSIGN_OR_RETURN(const internal::Url url, internal::ParseUrl(options.url));
  std::unique_ptr<Session> session;
  if (url.tls) {
    auto context = std::make_unique<ssl::context>(ssl::context::tls_client);
    if (absl::Status s = Configure(*context, options.tls); !s.ok()) return Annotate(s, what);
    session = std::make_unique<SessionOver<TlsStream>>(options, std::move(context));
  } else {
    session = std::make_unique<SessionOver<Socket>>(options, nullptr);
  }
  if (absl::Status s = session->Open(url, deadline, refusal); !s.ok()) return Annotate(s, what);
  return std::unique_ptr<WebSocket>(new WebSocket(std::move(session)));
}

}  // namespace pawk8s::net
