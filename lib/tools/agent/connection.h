// TCP and UDP with one deadline for the whole exchange, over sockets made in a pod's namespace.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "netns.h"
#include "pawk8s/agent/network_verbs.h"

namespace pawk8s::agent {

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};
// InvalidArgument unless `text` is an IPv4 or IPv6 address.
[[nodiscard]] absl::StatusOr<Address> ParseAddress(const std::string& text, std::int64_t port);

[[nodiscard]] Outcome OutcomeOf(int error);

// Every step returns 0 or an errno; ETIMEDOUT when `until` (MonotonicMicros()) is over.
class Connection {
 public:
  explicit Connection(Fd fd) : fd_(std::move(fd)) {}

  [[nodiscard]] int Connect(const Address& address, std::int64_t until);
  [[nodiscard]] int Send(std::string_view bytes, std::int64_t until);
  // Appends what comes; `ended` when the peer has closed.
  [[nodiscard]] int Receive(std::string& bytes, bool& ended, std::int64_t until);

 private:
  [[nodiscard]] int Await(short events, std::int64_t until) const;
  Fd fd_;
};

[[nodiscard]] absl::StatusOr<DialResult> Dial(const Node& node, const DialRequest& request);
[[nodiscard]] absl::StatusOr<HttpSeries> RunHttp(const Node& node, const HttpRequest& request);
[[nodiscard]] absl::StatusOr<DnsResult> AskDns(const Node& node, const DnsRequest& request);
[[nodiscard]] absl::StatusOr<CaptureResult> Capture(const Node& node,
                                                    const CaptureRequest& request);

}  // namespace pawk8s::agent
