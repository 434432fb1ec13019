#include "pawk8s/discovery/doors.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <string_view>

#include "pawk8s/kube/port_forward.h"
#include "pawk8s/net/http.h"

namespace pawk8s {
namespace {

constexpr std::chrono::seconds kAnswer{10};  // also of a loaded cluster
constexpr std::chrono::milliseconds kGreeting{1500};
constexpr std::size_t kMaxBody = 4 << 20;

net::HttpOptions To(const kube::Client& client, const kube::Pod& pod, std::uint16_t port) {
  net::HttpOptions options;
  options.dial = kube::DialPod(client, pod.ns(), pod.name(), port);
  options.max_body_bytes = kMaxBody;
  return options;
}

bool IsMetrics(const absl::StatusOr<net::HttpResponse>& answer) {
  return answer.ok() && answer->status == 200 && answer->body.find("# TYPE ") != std::string::npos;
}

// Empty if the answer is not what a Cosmos REST server says.
std::string NetworkOf(const absl::StatusOr<net::HttpResponse>& answer) {
  if (!answer.ok() || answer->status != 200) return "";
  const auto body = kube::Json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
  return kube::FindString(body, {"default_node_info", "network"}).value_or("");
}

// What the other end says by itself, or to the opening of an HTTP/2 connection.
std::string Greeting(const kube::Client& client, const kube::Pod& pod, std::uint16_t port,
                     const Deadline& deadline) {
  const auto forward =
      kube::PortForward::Open(client, pod.ns(), pod.name(), port, deadline.AtMost(kAnswer));
  if (!forward.ok()) return "";
  // The preface and an empty SETTINGS frame.
  constexpr std::string_view kHello("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\4\0\0\0\0\0", 33);
  const int fd = (*forward)->fd();
  std::string heard;
  // Not sent before the other end had time to speak first, as a peer does.
  for (const bool speak : {false, true}) {
    if (speak && ::send(fd, kHello.data(), kHello.size(), MSG_NOSIGNAL) < 0) break;
    const auto wait = speak ? Millis{kGreeting} : Millis{300};
    pollfd ready{fd, POLLIN, 0};
    if (::poll(&ready, 1, static_cast<int>(deadline.AtMost(wait).Remaining().count())) <= 0) {
      continue;
    }
    std::array<char, 64> bytes{};
    const auto count = ::recv(fd, bytes.data(), bytes.size(), 0);
    if (count <= 0) break;
    heard.assign(bytes.data(), static_cast<std::size_t>(count));
    break;
  }
  return heard;
}

// A SETTINGS frame on stream 0.
bool IsHttp2(std::string_view heard) {
  return heard.size() >= 9 && heard[3] == '\4' &&
         heard.substr(5, 4) == std::string_view("\0\0\0\0", 4);
}

// CometBFT's secret connection begins with the length-prefixed 32 bytes of an ephemeral key.
bool IsPeer(std::string_view heard) { return heard.starts_with("\x22\x0a\x20"); }

}  // namespace

Door AskRpc(const kube::Client& client, const kube::Pod& pod, std::uint16_t port,
            const Deadline& deadline) {
  Door door{.port = port};
  chain::Rpc rpc(To(client, pod, port), "http://" + pod.name());
  if (auto status = rpc.Status(deadline.AtMost(kAnswer)); status.ok())
    door.rpc = *std::move(status);
  return door;
}

Door AskAll(const kube::Client& client, const kube::Pod& pod, std::uint16_t port,
            const Deadline& deadline) {
  Door door = AskRpc(client, pod, port, deadline);
  if (door.rpc) return door;
  net::HttpClient http(To(client, pod, port));
  const auto get = [&](const char* path) {
    return http.Send({.url = "http://" + pod.name() + path}, deadline.AtMost(kAnswer));
  };
  const auto node_info = get("/cosmos/base/tendermint/v1beta1/node_info");
  if (!node_info.ok()) {
    const std::string heard = Greeting(client, pod, port, deadline);
    door.grpc = IsHttp2(heard);
    door.peers = IsPeer(heard);
    return door;
  }
  door.rest_network = NetworkOf(node_info);
  if (!door.rest_network.empty()) return door;
  door.metrics = IsMetrics(get("/metrics"));
  // CometBFT has no other page than its metrics.
  door.metrics_everywhere = door.metrics && IsMetrics(get("/"));
  if (door.metrics) return door;
  const auto health = get("/health");
  door.health = health.ok() && health->status == 200;
  return door;
}

}  // namespace pawk8s
