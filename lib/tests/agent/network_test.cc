// dial, http and dns against small servers on the loopback.
#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <functional>
#include <thread>

#include "connection.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::Lt;
using testing::SizeIs;

// A socket on a free port of 127.0.0.1, served by `work` in a thread until the test is over.
class Server {
 public:
  Server(int type, std::function<void(int fd)> work) : fd_(socket(AF_INET, type, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(bind(fd_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    if (type == SOCK_STREAM) {
      EXPECT_EQ(listen(fd_.get(), 16), 0);
    }
    getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this, work] { work(fd_.get()); });
  }
  ~Server() {
    shutdown(fd_.get(), SHUT_RDWR);
    thread_.join();
  }
  [[nodiscard]] std::int64_t port() const { return port_; }

 private:
  Fd fd_;
  std::int64_t port_ = 0;
  std::thread thread_;
};

// Answers each connection with `reply` and closes it.
std::function<void(int)> Replies(const std::string& reply) {
  return [reply](int listener) {
    for (;;) {
      const Fd peer(accept(listener, nullptr, nullptr));
      if (!peer.ok()) return;
      char request[4096];
      if (recv(peer.get(), request, sizeof request, 0) <= 0) continue;
      send(peer.get(), reply.data(), reply.size(), MSG_NOSIGNAL);
    }
  };
}

HttpRequest Get(std::int64_t port) { return {.address = "127.0.0.1", .port = port}; }

TEST(AgentDial, TellsARefusalFromAReply) {
  const Server server(SOCK_STREAM, Replies("0123456789"));
  const DialRequest request{.address = "127.0.0.1",
                            .port = server.port(),
                            .timeout_ms = 2000,
                            .send = {"x"},
                            .read_bytes = 4};
  const auto reply = Dial({}, request);
  ASSERT_TRUE(reply.ok()) << reply.status();
  EXPECT_EQ(reply->outcome, Outcome::kOk);
  EXPECT_EQ(reply->received.data, "0123");
  DialRequest refused = request;
  refused.port = 1;
  EXPECT_EQ(Dial({}, refused)->outcome, Outcome::kRefused);
  DialRequest named = request;
  named.address = "localhost";
  EXPECT_TRUE(absl::IsInvalidArgument(Dial({}, named).status()));
}

TEST(AgentDial, SilenceIsATimeout) {
  const Server server(SOCK_STREAM, [](int listener) {
    const Fd peer(accept(listener, nullptr, nullptr));
    char end;
    while (peer.ok() && recv(peer.get(), &end, 1, 0) > 0) {
    }
  });
  const auto reply =
      Dial({}, {.address = "127.0.0.1", .port = server.port(), .timeout_ms = 50, .read_bytes = 1});
  EXPECT_EQ(reply->outcome, Outcome::kTimeout);
}

TEST(AgentHttp, ReadsStatusAndTheBodyItIsTold) {
  const Server server(SOCK_STREAM,
                      Replies("HTTP/1.1 503 No\r\ncontent-length: 5\r\n\r\nhello and more"));
  HttpRequest request = Get(server.port());
  request.max_body = 3;
  const auto series = RunHttp({}, request);
  ASSERT_TRUE(series.ok()) << series.status();
  ASSERT_THAT(series->replies, SizeIs(1));
  EXPECT_EQ(series->replies[0].outcome, Outcome::kOk);
  EXPECT_EQ(series->replies[0].status, 503);
  EXPECT_EQ(series->replies[0].body.data, "hel");
  EXPECT_GT(series->replies[0].at_ms, 0);
}

TEST(AgentHttp, ASeriesKeepsItsScheduleAndCountsFailures) {
  const Server server(SOCK_STREAM, Replies("HTTP/1.0 200 OK\r\n\r\n"));
  HttpRequest request = Get(server.port());
  request.count = 5;
  request.interval_ms = 20;
  const std::int64_t began = MonotonicMicros();
  const auto series = RunHttp({}, request);
  ASSERT_TRUE(series.ok()) << series.status();
  EXPECT_THAT(series->replies, SizeIs(5));
  EXPECT_GE(MonotonicMicros() - began, 80'000);
  for (const HttpReply& reply : series->replies) EXPECT_EQ(reply.status, 200);
}

TEST(AgentHttp, EndsAfterFailuresInARow) {
  HttpRequest request = Get(1);
  request.count = 100;
  request.interval_ms = 1;
  request.stop_after_failures = 3;
  const auto series = RunHttp({}, request);
  ASSERT_TRUE(series.ok()) << series.status();
  // Those that were under way already may come on top.
  EXPECT_THAT(series->replies, SizeIs(AllOf(Ge(3), Lt(100))));
  EXPECT_EQ(series->replies[0].outcome, Outcome::kRefused);
  EXPECT_EQ(series->replies[0].status, 0);
}

TEST(AgentHttp, WhatIsNoHttpIsNoReply) {
  const Server server(SOCK_STREAM, Replies("SSH-2.0-x\r\n\r\n"));
  const auto series = RunHttp({}, Get(server.port()));
  ASSERT_TRUE(series.ok()) << series.status();
  EXPECT_EQ(series->replies[0].outcome, Outcome::kFailed);
  EXPECT_EQ(series->replies[0].status, 0);
}

TEST(AgentHttp, RefusesLineEndsInItsHead) {
  HttpRequest request = Get(1);
  request.path = "/\r\nX: y";
  EXPECT_TRUE(absl::IsInvalidArgument(RunHttp({}, request).status()));
}

// The query's head and question, answered with one A record that points back to the name.
std::string DnsReply(std::string query) {
  query[2] = static_cast<char>(0x85);  // a reply, authoritative, recursion desired
  query[7] = 1;                        // one answer
  return query + std::string("\xc0\x0c\0\1\0\1\0\0\0\x1e\0\4\x0a\1\2\3", 16);
}

TEST(AgentDns, ReadsTheAnswerOverUdp) {
  const Server server(SOCK_DGRAM, [](int fd) {
    char query[512];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t got =
        recvfrom(fd, query, sizeof query, 0, reinterpret_cast<sockaddr*>(&from), &size);
    if (got < 12) return;
    std::string other(query, static_cast<std::size_t>(got));
    other[0] = static_cast<char>(other[0] + 1);  // not the reply to this query
    for (const std::string& reply :
         {DnsReply(other), DnsReply({query, static_cast<std::size_t>(got)})}) {
      sendto(fd, reply.data(), reply.size(), 0, reinterpret_cast<sockaddr*>(&from), size);
    }
  });
  const auto result =
      AskDns({}, {.server = "127.0.0.1", .port = server.port(), .name = "a.paw.svc."});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, Outcome::kOk);
  EXPECT_EQ(result->rcode, "NOERROR");
  EXPECT_TRUE(result->authoritative);
  ASSERT_THAT(result->answers, SizeIs(1));
  EXPECT_EQ(result->answers[0].name, "a.paw.svc");
  EXPECT_EQ(result->answers[0].type, "A");
  EXPECT_EQ(result->answers[0].value, "10.1.2.3");
  EXPECT_EQ(result->answers[0].ttl, 30);
}

TEST(AgentDns, ReadsTheAnswerOverTcp) {
  const Server server(SOCK_STREAM, [](int listener) {
    const Fd peer(accept(listener, nullptr, nullptr));
    char query[512];
    const ssize_t got = recv(peer.get(), query, sizeof query, 0);
    if (got < 14) return;
    const std::string reply = DnsReply({query + 2, static_cast<std::size_t>(got - 2)});
    const std::string framed = std::string{'\0', static_cast<char>(reply.size())} + reply;
    send(peer.get(), framed.data(), framed.size(), MSG_NOSIGNAL);
  });
  const auto result =
      AskDns({}, {.server = "127.0.0.1", .port = server.port(), .name = "a.paw.svc", .tcp = true});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->outcome, Outcome::kOk);
  EXPECT_THAT(result->answers, SizeIs(1));
}

TEST(AgentDns, NoReplyIsATimeoutAndABadNameIsRefused) {
  const Server silent(SOCK_DGRAM, [](int fd) {
    char query[512];
    recv(fd, query, sizeof query, 0);
  });
  const auto result =
      AskDns({}, {.server = "127.0.0.1", .port = silent.port(), .name = "a", .timeout_ms = 50});
  EXPECT_EQ(result->outcome, Outcome::kTimeout);
  EXPECT_TRUE(absl::IsInvalidArgument(
      AskDns({}, {.server = "127.0.0.1", .name = std::string(70, 'a')}).status()));
}

}  // namespace
}  // namespace pawk8s::agent
