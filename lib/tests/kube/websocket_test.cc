#include "pawk8s/net/websocket.h"

#include <thread>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"

namespace pawk8s::net {
namespace {

using absl::StatusCode;
using fake::FakeApiServer;
using testing::HasSubstr;

class WebSockets : public testing::Test {
 protected:
  WebSockets() {
    api_.store().Put("/api/v1/namespaces/paw/pods/p", {{"metadata", {{"name", "p"}}}});
  }
  WebSocketOptions To(int port) const {
    return {.url = api_.url() +
                   "/api/v1/namespaces/paw/pods/p/portforward?ports=" + std::to_string(port),
            .headers = {{"Authorization", "Bearer " + api_.config().token}},
            .subprotocols = {"v4.channel.k8s.io"},
            .tls = {.ca_pem = api_.config().ca_pem}};
  }
  static std::string Data(const std::string& bytes) { return std::string(1, '\0') + bytes; }
  FakeApiServer api_;
};

TEST_F(WebSockets, EchoComesBackWhole) {
  ASSERT_OK_AND_ASSIGN(auto socket, WebSocket::Connect(To(fake::kEchoPort), Soon(), nullptr));
  EXPECT_EQ(socket->subprotocol(), "v4.channel.k8s.io");
  ASSERT_THAT(socket->Read(Soon()), IsOk());  // the two port frames
  ASSERT_THAT(socket->Read(Soon()), IsOk());
  ASSERT_THAT(socket->Write(Data("hello"), Soon()), IsOk());
  ASSERT_OK_AND_ASSIGN(const std::string echo, socket->Read(Soon()));
  EXPECT_EQ(echo, Data("hello"));
}

// The peer echoes while we still write: without reading meanwhile both would wait for ever.
TEST_F(WebSockets, WritingALotToAPeerThatWritesDoesNotBlock) {
  ASSERT_OK_AND_ASSIGN(auto socket, WebSocket::Connect(To(fake::kEchoPort), Soon(), nullptr));
  const std::string piece = Data(std::string(32767, 'x'));
  for (int i = 0; i < 300; ++i) ASSERT_THAT(socket->Write(piece, Soon()), IsOk());
  std::size_t received = 0;
  while (received < 300u * 32767) {
    ASSERT_OK_AND_ASSIGN(const std::string message, socket->Read(Soon()));
    if (message.size() > 3) received += message.size() - 1;
  }
  EXPECT_EQ(received, 300u * 32767);
}

TEST_F(WebSockets, RefusalIsHandedOver) {
  WebSocketOptions options = To(7);
  options.headers.clear();
  HttpResponse refusal;
  EXPECT_THAT(WebSocket::Connect(options, Soon(), &refusal),
              Fails(StatusCode::kFailedPrecondition, HasSubstr("401")));
  EXPECT_EQ(refusal.status, 401);
  EXPECT_THAT(refusal.body, HasSubstr("Unauthorized"));
}

TEST_F(WebSockets, UntrustedPeerIsRefused) {
  WebSocketOptions options = To(7);
  options.tls.ca_pem = fake::CertificateAuthority().certificate_pem();
  EXPECT_THAT(WebSocket::Connect(options, Soon(), nullptr),
              Fails(StatusCode::kUnauthenticated, HasSubstr("certificate")));
  options = To(7);
  options.tls.server_name = "other.test";
  EXPECT_THAT(WebSocket::Connect(options, Soon(), nullptr),
              Fails(StatusCode::kUnauthenticated, HasSubstr("certificate")));
}

TEST_F(WebSockets, NobodyThereIsUnavailable) {
  EXPECT_THAT(WebSocket::Connect({.url = "ws://127.0.0.1:1/"}, Soon(), nullptr),
              Fails(StatusCode::kUnavailable, HasSubstr("refused")));
}

TEST_F(WebSockets, ReadContinuesAfterItsDeadline) {
  ASSERT_OK_AND_ASSIGN(auto socket, WebSocket::Connect(To(fake::kEchoPort), Soon(), nullptr));
  ASSERT_THAT(socket->Read(Soon()), IsOk());
  ASSERT_THAT(socket->Read(Soon()), IsOk());
  EXPECT_THAT(socket->Read(In(std::chrono::milliseconds(30))),
              Fails(StatusCode::kDeadlineExceeded, HasSubstr("message")));
  ASSERT_THAT(socket->Write(Data("x"), Soon()), IsOk());
  EXPECT_THAT(socket->Read(Soon()), IsOk());
}

TEST_F(WebSockets, StopFromAnotherThreadEndsAReadAtOnce) {
  ASSERT_OK_AND_ASSIGN(auto socket, WebSocket::Connect(To(fake::kEchoPort), Soon(), nullptr));
  ASSERT_THAT(socket->Read(Soon()), IsOk());
  ASSERT_THAT(socket->Read(Soon()), IsOk());
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_THAT(socket->Read(Deadline::After(std::chrono::seconds(30), stop.get_token())),
              Fails(StatusCode::kCancelled, HasSubstr("message")));
}

TEST_F(WebSockets, OrderlyEndIsOutOfRangeAndABrokenOneUnavailable) {
  ASSERT_OK_AND_ASSIGN(auto dying, WebSocket::Connect(To(fake::kDyingPort), Soon(), nullptr));
  ASSERT_THAT(dying->Write(Data("x"), Soon()), IsOk());
  absl::Status end;
  while (end.ok()) end = dying->Read(Soon()).status();
  EXPECT_THAT(end, Fails(StatusCode::kOutOfRange, HasSubstr("closed")));

  ASSERT_OK_AND_ASSIGN(auto cut, WebSocket::Connect(To(fake::kEchoPort), Soon(), nullptr));
  api_.DropConnections();
  end = absl::OkStatus();
  while (end.ok()) end = cut->Read(Soon()).status();
  EXPECT_THAT(end, Fails(StatusCode::kUnavailable, testing::_));
}

}  // namespace
}  // namespace pawk8s::net
