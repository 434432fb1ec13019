#include "connection.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>

#include "pawk8s/base/status.h"

namespace pawk8s::agent {

absl::StatusOr<Address> ParseAddress(const std::string& text, std::int64_t port) {
  Address address;
  const auto network_port = htons(static_cast<std::uint16_t>(port));
  auto* v4 = reinterpret_cast<sockaddr_in*>(&address.storage);
  if (::inet_pton(AF_INET, text.c_str(), &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = network_port;
    address.size = sizeof *v4;
    return address;
  }
  auto* v6 = reinterpret_cast<sockaddr_in6*>(&address.storage);
  if (::inet_pton(AF_INET6, text.c_str(), &v6->sin6_addr) == 1) {
    v6->sin6_family = AF_INET6;
    v6->sin6_port = network_port;
    address.size = sizeof *v6;
    return address;
  }
  return absl::InvalidArgumentError(fmt::format("'{}' is no IP address", text));
}

Outcome OutcomeOf(int error) {
  switch (error) {
    case 0:
      return Outcome::kOk;
    case ECONNREFUSED:
      return Outcome::kRefused;
    case ECONNRESET:
    case EPIPE:
      return Outcome::kReset;
    case ETIMEDOUT:
      return Outcome::kTimeout;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
      return Outcome::kUnreachable;
    default:
      return Outcome::kFailed;
  }
}

int Connection::Await(short events, std::int64_t until) const {
  pollfd one{.fd = fd_.get(), .events = events};
  for (;;) {
    const std::int64_t left = until - MonotonicMicros();
    if (left <= 0) return ETIMEDOUT;
    const int ready = ::poll(&one, 1, static_cast<int>((left + 999) / 1000));
    if (ready > 0) return 0;
    if (ready < 0 && errno != EINTR) return errno;
  }
}

int Connection::Connect(const Address& address, std::int64_t until) {
  const auto* to = reinterpret_cast<const sockaddr*>(&address.storage);
  if (::connect(fd_.get(), to, address.size) == 0) return 0;
  if (errno != EINPROGRESS) return errno;
  if (const int error = Await(POLLOUT, until); error != 0) return error;
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

int Connection::Send(std::string_view bytes, std::int64_t until) {
  while (!bytes.empty()) {
    const ssize_t put = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (put >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(put));
    } else if (errno == EAGAIN) {
      if (const int error = Await(POLLOUT, until); error != 0) return error;
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

int Connection::Receive(std::string& bytes, bool& ended, std::int64_t until) {
  char piece[65536];
  for (;;) {
    if (const int error = Await(POLLIN, until); error != 0) return error;
    const ssize_t got = ::recv(fd_.get(), piece, sizeof piece, 0);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return errno;
    ended = got == 0;
    bytes.append(piece, static_cast<std::size_t>(got));
    return 0;
  }
}

absl::StatusOr<DialResult> Dial(const Node& node, const DialRequest& request) {
  ASSIGN_OR_RETURN(const Address address, ParseAddress(request.address, request.port));
  ASSIGN_OR_RETURN(
      Fd fd, SocketIn(node, request.place, address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK));
  DialResult result{.at_ms = WallMillis()};
  const std::int64_t began = MonotonicMicros();
  const std::int64_t until = began + request.timeout_ms * 1000;
  Connection connection(std::move(fd));
  int error = connection.Connect(address, until);
  result.connect_us = MonotonicMicros() - began;
  if (error == 0) error = connection.Send(request.send.data, until);
  std::string& received = result.received.data;
  const auto wanted = static_cast<std::size_t>(request.read_bytes);
  bool ended = false;
  while (error == 0 && !ended && received.size() < wanted) {
    error = connection.Receive(received, ended, until);
  }
  // Less than was wanted is an answer, too; nothing is none.
  if (wanted > 0 && received.empty() && error == 0) error = ECONNRESET;
  if (wanted > 0 && !received.empty()) error = 0;
  received.resize(std::min(received.size(), wanted));
  result.error = error;
  result.outcome = OutcomeOf(error);
  return result;
}

}  // namespace pawk8s::agent
