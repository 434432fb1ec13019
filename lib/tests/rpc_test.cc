#include "pawk8s/chain/rpc.h"

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <map>
#include <memory>
#include <string>
#include <thread>

#include "kube/test_util.h"
#include "pawk8s/net/conduit.h"

namespace pawk8s::chain {
namespace {

using testing::HasSubstr;

// A node at the other end of a socket pair: answers each GET from a table, and keeps the
// connection.
class FakeNode final : public net::Conduit {
 public:
  explicit FakeNode(std::map<std::string, std::string> answers) {
    int ends[2];
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    fd_ = ends[0];
    server_ = std::thread([peer = ends[1], answers = std::move(answers)] { Serve(peer, answers); });
  }
  ~FakeNode() override {
    ::shutdown(fd_, SHUT_RDWR);
    ::close(fd_);
    server_.join();
  }
  FakeNode(const FakeNode&) = delete;
  FakeNode& operator=(const FakeNode&) = delete;
  [[nodiscard]] int fd() const override { return fd_; }
  [[nodiscard]] absl::Status status() const override { return absl::OkStatus(); }

 private:
  static void Serve(int fd, const std::map<std::string, std::string>& answers) {
    std::string request;
    char buffer[4096];
    for (ssize_t n = 0; (n = ::read(fd, buffer, sizeof buffer)) > 0;) {
      request.append(buffer, static_cast<std::size_t>(n));
      if (request.find("\r\n\r\n") == std::string::npos) continue;
      const std::string target = request.substr(4, request.find(' ', 4) - 4);
      request.clear();
      const auto found = answers.find(target);
      const std::string body = found == answers.end() ? "{}" : found->second;
      const std::string answer =
          "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
      if (::send(fd, answer.data(), answer.size(), MSG_NOSIGNAL) < 0) break;
    }
    ::close(fd);
  }
  int fd_ = -1;
  std::thread server_;
};

class RpcTest : public testing::Test {
 protected:
  Rpc Node(std::map<std::string, std::string> answers) {
    net::HttpOptions options;
    options.dial = [this, answers](const Deadline&) {
      ++dials_;
      return absl::StatusOr<std::unique_ptr<net::Conduit>>(std::make_unique<FakeNode>(answers));
    };
    return Rpc(std::move(options));
  }
  int dials_ = 0;
};

constexpr const char* kStatus = R"({"result":{
  "node_info":{"id":"aa","network":"paw-testbed-1"},
  "sync_info":{"latest_block_height":"42","latest_block_time":"2026-01-31T23:59:59.123456789Z",
               "catching_up":false},
  "validator_info":{"address":"BB","voting_power":"10"}}})";

TEST_F(RpcTest, ReadsStatusOverOneKeptConnection) {
  Rpc rpc = Node({{"/status", kStatus}});
  for (int i = 0; i < 3; ++i) {
    ASSERT_OK_AND_ASSIGN(const NodeStatus status, rpc.Status(Soon()));
    EXPECT_EQ(status.id.hex, "aa");
    EXPECT_EQ(status.latest, Height{42});
    EXPECT_EQ(status.voting_power, 10);
    EXPECT_EQ(std::chrono::duration_cast<Millis>(status.latest_time.time_since_epoch()).count(),
              1'769'903'999'123);
  }
  EXPECT_EQ(dials_, 1);
}

TEST_F(RpcTest, ReadsAllPagesOfTheValidators) {
  const auto page = [](const char* address) {
    return std::string(R"({"result":{"total":"2","validators":[{"address":")") + address +
           R"(","pub_key":{"value":"k"},"voting_power":"1"}]}})";
  };
  Rpc rpc = Node({{"/validators?height=5&page=1&per_page=100", page("A")},
                  {"/validators?height=5&page=2&per_page=100", page("B")}});
  ASSERT_OK_AND_ASSIGN(const auto validators, rpc.ValidatorsAt({5}, Soon()));
  ASSERT_EQ(validators.size(), 2u);
  EXPECT_EQ(validators[1].address.hex, "B");
}

TEST_F(RpcTest, HashesTheServedGenesis) {
  Rpc rpc = Node({{"/genesis_chunked?chunk=0", R"({"result":{"total":"2","data":"YWI="}})"},
                  {"/genesis_chunked?chunk=1", R"({"result":{"total":"2","data":"Yw=="}})"}});
  ASSERT_OK_AND_ASSIGN(const std::string sha, rpc.GenesisSha256(Soon()));
  EXPECT_EQ(sha, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // "abc"
}

TEST_F(RpcTest, NonsenseIsDataLossAndNeverACrash) {
  for (const char* nonsense :
       {"", "[]", "null", "{", R"({"result":[]})", R"({"result":{"node_info":3}})",
        R"({"result":{"node_info":{"id":3,"network":"x"}}})",
        R"({"result":{"node_info":{"id":"a","network":"x"},"sync_info":{"latest_block_height":"4x",
            "latest_block_time":"2026-01-31T23:59:59Z","catching_up":false}}})"}) {
    EXPECT_THAT(Node({{"/status", nonsense}}).Status(Soon()),
                Fails(absl::StatusCode::kDataLoss, HasSubstr("GET http://node/status")))
        << nonsense;
  }
  EXPECT_THAT(Node({{"/status", R"({"error":{"code":-32603,"message":"no"}})"}}).Status(Soon()),
              Fails(absl::StatusCode::kInternal, HasSubstr("-32603")));
}

}  // namespace
}  // namespace pawk8s::chain
