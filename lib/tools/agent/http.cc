// A series of GETs by schedule, all of them in one thread: none waits for another.
#include <fmt/format.h>
#include <poll.h>

#include <algorithm>
#include <cerrno>
#include <list>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "connection.h"
#include "pawk8s/agent/protocol.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

constexpr std::size_t kMaxHead = 65536;

// What has come of a reply so far.
struct ParsedReply {
  std::int64_t status = 0;  // 0: the head is not there yet
  std::size_t body_at = 0;
  std::optional<std::size_t> length;  // none: until the peer closes
  bool valid = true;
};

ParsedReply ParseReply(std::string_view bytes) {
  ParsedReply reply;
  const std::size_t head_end = bytes.find("\r\n\r\n");
  if (head_end == std::string_view::npos) {
    reply.valid =
        bytes.size() < kMaxHead && std::string_view("HTTP/1.").starts_with(bytes.substr(0, 7));
    return reply;
  }
  const std::string_view head = bytes.substr(0, head_end + 2);
  if (!head.starts_with("HTTP/1.") || head.size() < 14 ||
      !absl::SimpleAtoi(absl::string_view(head.data() + 9, 3), &reply.status) ||
      reply.status < 100) {
    reply.valid = false;
    return reply;
  }
  reply.body_at = head_end + 4;
  for (std::size_t at = head.find("\r\n") + 2; at < head.size();) {
    const std::size_t end = head.find("\r\n", at);
    const std::string_view line = head.substr(at, end - at);
    constexpr std::string_view kLength = "content-length:";
    if (absl::StartsWithIgnoreCase(absl::string_view(line.data(), line.size()), kLength.data())) {
      std::size_t length = 0;
      if (absl::SimpleAtoi(
              absl::string_view(line.data() + kLength.size(), line.size() - kLength.size()),
              &length)) {
        reply.length = length;
      }
    }
    at = end + 2;
  }
  if (reply.status == 204 || reply.status == 304) reply.length = 0;
  return reply;
}

// One GET in flight.
struct Attempt {
  std::size_t index;
  Fd fd;
  std::int64_t began;
  std::int64_t until;
  bool connected = false;
  std::string received = {};
};

class Series {
 public:
  Series(const HttpRequest& request, const Address& address, const Node& node,
         const NetworkNamespace& where)
      : request_(request), address_(address), node_(node), where_(where) {
    const bool v6 = address.storage.ss_family == AF_INET6;
    const std::string host = !request.host.empty() ? request.host
                             : v6 ? fmt::format("[{}]:{}", request.address, request.port)
                                  : fmt::format("{}:{}", request.address, request.port);
    text_ = fmt::format(
        "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: pawk8s\r\nAccept: */*\r\n"
        "Connection: close\r\n\r\n",
        request.path, host);
  }

  absl::StatusOr<HttpSeries> Run() {
    const std::int64_t began = MonotonicMicros();
    std::int64_t sent = 0;
    while ((sent < request_.count && !stop_) || !flying_.empty()) {
      const std::int64_t next = began + sent * request_.interval_ms * 1000;
      const bool more = sent < request_.count && !stop_;
      if (more && MonotonicMicros() >= next) {
        RETURN_IF_ERROR(Send());
        ++sent;
        continue;
      }
      Wait(more ? next : began + 3'600'000'000);
    }
    return HttpSeries{std::move(replies_)};
  }

 private:
  absl::Status Send() {
    Fd fd;
    const absl::Status made = InNamespace(node_, where_, [&]() -> absl::Status {
      fd = Fd(::socket(address_.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      return fd.ok() ? absl::OkStatus() : ErrnoStatus(errno, "making a socket");
    });
    if (!made.ok() && (!IsTargetGone(made) || replies_.empty())) return made;
    const std::int64_t now = MonotonicMicros();
    replies_.push_back({.at_ms = WallMillis()});
    Attempt attempt{replies_.size() - 1, std::move(fd), now, now + request_.timeout_ms * 1000};
    if (!made.ok()) {  // the pod ended in the middle of the series: what was seen is told
      Finish(attempt, ENODEV);
      return absl::OkStatus();
    }
    const auto* to = reinterpret_cast<const sockaddr*>(&address_.storage);
    if (::connect(attempt.fd.get(), to, address_.size) != 0 && errno != EINPROGRESS) {
      Finish(attempt, errno);
      return absl::OkStatus();
    }
    flying_.push_back(std::move(attempt));
    return absl::OkStatus();
  }

  // Until something can go on, the next one is due or one has run out of time.
  void Wait(std::int64_t next) {
    std::vector<pollfd> polled;
    for (const Attempt& attempt : flying_) {
      next = std::min(next, attempt.until);
      const short events = attempt.connected ? POLLIN : POLLOUT;
      polled.push_back({.fd = attempt.fd.get(), .events = events});
    }
    const std::int64_t left = std::max<std::int64_t>(0, next - MonotonicMicros());
    ::poll(polled.data(), polled.size(),
           static_cast<int>(std::min<std::int64_t>(left / 1000 + 1, 60'000)));
    std::size_t at = 0;
    for (auto attempt = flying_.begin(); attempt != flying_.end(); ++at) {
      const bool ready = polled[at].revents != 0;
      const bool late = MonotonicMicros() >= attempt->until;
      if ((ready && Advance(*attempt)) || (!ready && late && Finish(*attempt, ETIMEDOUT))) {
        attempt = flying_.erase(attempt);
      } else {
        ++attempt;
      }
    }
  }

  // True once it is over.
  bool Advance(Attempt& attempt) {
    if (!attempt.connected) {
      int error = 0;
      socklen_t size = sizeof error;
      ::getsockopt(attempt.fd.get(), SOL_SOCKET, SO_ERROR, &error, &size);
      if (error != 0) return Finish(attempt, error);
      attempt.connected = true;
      replies_[attempt.index].connect_us = MonotonicMicros() - attempt.began;
      // A new connection's buffer takes a request of a few kilobytes at once.
      const ssize_t put = ::send(attempt.fd.get(), text_.data(), text_.size(), MSG_NOSIGNAL);
      if (put < 0) return Finish(attempt, errno);
      return put == static_cast<ssize_t>(text_.size()) ? false : Finish(attempt, EMSGSIZE);
    }
    char piece[65536];
    const ssize_t got = ::recv(attempt.fd.get(), piece, sizeof piece, 0);
    if (got < 0) return errno == EAGAIN || errno == EINTR ? false : Finish(attempt, errno);
    attempt.received.append(piece, static_cast<std::size_t>(got));
    const ParsedReply reply = ParseReply(attempt.received);
    if (!reply.valid) return Finish(attempt, EPROTO);
    const auto wanted = std::min(reply.length.value_or(static_cast<std::size_t>(request_.max_body)),
                                 static_cast<std::size_t>(request_.max_body));
    const bool whole = reply.status != 0 && attempt.received.size() >= reply.body_at + wanted &&
                       (reply.length || request_.max_body > 0);
    if (got == 0 || whole) return Finish(attempt, reply.status == 0 ? ECONNRESET : 0);
    return false;
  }

  bool Finish(const Attempt& attempt, int error) {
    HttpReply& result = replies_[attempt.index];
    result.total_us = MonotonicMicros() - attempt.began;
    const ParsedReply reply = ParseReply(attempt.received);
    if (error == 0 || reply.status != 0) {
      // The head counts as the reply, even if the time ran out within the body.
      result.status = reply.status;
      result.body.data =
          attempt.received.substr(reply.body_at, static_cast<std::size_t>(request_.max_body));
    }
    result.error = error;
    result.outcome = OutcomeOf(error);
    failures_ = result.status == 0 ? failures_ + 1 : 0;
    stop_ =
        stop_ || (request_.stop_after_failures > 0 && failures_ >= request_.stop_after_failures);
    return true;
  }

  const HttpRequest& request_;
  const Address& address_;
  const Node& node_;
  const NetworkNamespace where_;
  std::string text_;
  std::vector<HttpReply> replies_;
  std::list<Attempt> flying_;
  std::int64_t failures_ = 0;
  bool stop_ = false;
};

}  // namespace

absl::StatusOr<HttpSeries> RunHttp(const Node& node, const HttpRequest& request) {
  for (const std::string& text : {request.path, request.host}) {
    for (const char c : text) {
      if (c <= ' ' || c == 0x7f) {
        return absl::InvalidArgumentError("path and host may hold neither spaces nor line ends");
      }
    }
  }
  ASSIGN_OR_RETURN(const Address address, ParseAddress(request.address, request.port));
  ASSIGN_OR_RETURN(const NetworkNamespace where, FindNamespace(node, request.place));
  return Series(request, address, node, where).Run();
}

}  // namespace pawk8s::agent
