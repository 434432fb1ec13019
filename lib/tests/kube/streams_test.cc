// exec and port-forward, what is not in the contract (contract_test.cc).
#include <unistd.h>

#include <thread>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"
#include "pawk8s/kube/exec.h"
#include "pawk8s/kube/port_forward.h"
#include "pawk8s/net/http.h"

namespace pawk8s::kube {
namespace {

using absl::StatusCode;
using fake::FakeApiServer;
using testing::HasSubstr;

class Streams : public testing::Test {
 protected:
  explicit Streams(const FakeApiServer::Options& options = {})
      : api_(options), client_(api_.config()) {
    api_.store().Put("/api/v1/namespaces/paw/pods/p", {{"metadata", {{"name", "p"}}}});
  }
  absl::StatusOr<std::unique_ptr<PortForward>> Forward(int port) {
    return PortForward::Open(client_, "paw", "p", static_cast<std::uint16_t>(port), Soon());
  }
  FakeApiServer api_;
  Client client_;
};

TEST_F(Streams, ForwardedBytesComeBack) {
  ASSERT_OK_AND_ASSIGN(auto forward, Forward(fake::kEchoPort));
  ASSERT_EQ(write(forward->fd(), "hello", 5), 5);
  char buffer[16];
  ASSERT_EQ(read(forward->fd(), buffer, sizeof(buffer)), 5);
  EXPECT_EQ(std::string(buffer, 5), "hello");
  EXPECT_THAT(forward->status(), IsOk());
}

TEST_F(Streams, ForwardToAClosedPortReadsAsEofAndSaysWhy) {
  ASSERT_OK_AND_ASSIGN(auto forward, Forward(fake::kRefusedPort));
  char byte;
  EXPECT_EQ(read(forward->fd(), &byte, 1), 0);
  EXPECT_THAT(forward->status(),
              Fails(StatusCode::kUnavailable, HasSubstr("port-forward to paw/p:9: dial tcp4")));
}

TEST_F(Streams, DeathOfAForwardReachesTheHttpClientThatUsesIt) {
  net::HttpClient http({.dial = DialPod(client_, "paw", "p", fake::kDyingPort)});
  EXPECT_THAT(
      http.Send({.url = "http://pod/status"}, Soon()),
      Fails(StatusCode::kUnavailable, HasSubstr("port-forward to paw/p:11: the peer closed")));
  net::HttpClient refused({.dial = DialPod(client_, "paw", "p", fake::kRefusedPort)});
  EXPECT_THAT(refused.Send({.url = "http://pod/status"}, Soon()),
              Fails(StatusCode::kUnavailable, HasSubstr("connection refused")));
}

TEST_F(Streams, HttpKeepsItsForwardAndDialsAnewWhenItDied) {
  net::HttpClient http({.dial = DialPod(client_, "paw", "p", fake::kHttpPort)});
  for (const char* path : {"/a", "/b", "/c"}) {
    ASSERT_OK_AND_ASSIGN(const auto answer,
                         http.Send({.url = std::string("http://pod") + path}, Soon()));
    EXPECT_EQ(answer.body, path);
  }
  EXPECT_EQ(api_.connections_accepted(), 1);
  EXPECT_EQ(PortForward::LiveCount(), 1);
  api_.DropConnections();
  EXPECT_THAT(http.Send({.url = "http://pod/d"}, Soon()), IsOk());
  EXPECT_EQ(PortForward::LiveCount(), 1);
}

TEST_F(Streams, ForwardsAreCountedAndEndPromptly) {
  EXPECT_EQ(PortForward::LiveCount(), 0);
  {
    ASSERT_OK_AND_ASSIGN(auto one, Forward(fake::kEchoPort));
    ASSERT_OK_AND_ASSIGN(auto two, Forward(fake::kEchoPort));
    EXPECT_EQ(PortForward::LiveCount(), 2);
    const auto before = std::chrono::steady_clock::now();
    one.reset();
    two.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(3));
  }
  EXPECT_EQ(PortForward::LiveCount(), 0);
}

TEST_F(Streams, DialThatFailsIsTheHttpClientsError) {
  net::HttpClient http({.dial = DialPod(client_, "paw", "absent", 80)});
  EXPECT_THAT(http.Send({.url = "http://pod/"}, Soon()),
              Fails(StatusCode::kNotFound, HasSubstr("port-forward to paw/absent:80: GET ")));
}

class OldStreams : public Streams {
 protected:
  OldStreams() : Streams({.exec_v4_only = true}) {}
};

TEST_F(OldStreams, ExecFallsBackToV4ButCannotEndInput) {
  ASSERT_OK_AND_ASSIGN(
      const ExecResult ran,
      Exec(client_, {.ns = "paw", .pod = "p", .argv = {"sh", "-c", "echo x; exit 4"}}, Soon()));
  EXPECT_EQ(ran.out, "x\n");
  EXPECT_EQ(ran.exit_code, 4);
  EXPECT_THAT(Exec(client_, {.ns = "paw", .pod = "p", .argv = {"cat"}, .input = "x"}, Soon()),
              Fails(StatusCode::kInvalidArgument, HasSubstr("1.29")));
}

TEST_F(Streams, ExecThatLosesItsConnectionHasNoExitCode) {
  std::jthread cutter([&] {
    while (api_.connections_accepted() == 0 || api_.requests_answered() == 0)
      std::this_thread::yield();
    api_.DropConnections();
  });
  const auto ran = Exec(client_, {.ns = "paw", .pod = "p", .argv = {"sleep", "1"}}, Soon());
  EXPECT_THAT(ran, Fails(StatusCode::kUnavailable, HasSubstr("exec 'sleep 1' in paw/p")));
}

TEST_F(Streams, ExecStreamThatIsGoneSaysSoWithoutWaiting) {
  ASSERT_OK_AND_ASSIGN(
      ExecStream cat,
      ExecStream::Open(client_, {.ns = "paw", .pod = "p", .argv = {"cat"}, .input = "x"}, Soon()));
  ASSERT_OK_AND_ASSIGN(const ExecStream::Piece piece, cat.Read(Soon()));
  EXPECT_EQ(piece.out, "x");
  api_.DropConnections();
  for (int i = 0; i < 200; ++i) {  // until the kernel has told this side
    const auto next = cat.Read(In(std::chrono::milliseconds(0)));
    if (!absl::IsDeadlineExceeded(next.status())) {
      EXPECT_THAT(next, Fails(StatusCode::kUnavailable, HasSubstr("without an exit code")));
      return;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ADD_FAILURE() << "the end of the connection was not seen";
}

TEST_F(Streams, ExecEndsAtItsDeadline) {
  EXPECT_THAT(Exec(client_, {.ns = "paw", .pod = "p", .argv = {"sleep", "1"}},
                   In(std::chrono::milliseconds(200))),
              Fails(StatusCode::kDeadlineExceeded, HasSubstr("exec 'sleep 1' in paw/p")));
}

}  // namespace
}  // namespace pawk8s::kube
