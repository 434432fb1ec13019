#include "pawk8s/kube/port_forward.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <thread>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/net/websocket.h"

namespace pawk8s::kube {
namespace {

// v4.channel.k8s.io with one port: channel 0 is data, channel 1 errors; the first message of each
// is the port, 2 bytes, little endian.
constexpr char kData = 0;
constexpr char kError = 1;

std::atomic<int> live_count{0};

}  // namespace

class PortForward::Impl {
 public:
  Impl(std::unique_ptr<net::WebSocket> socket, std::string what, int ours, int theirs)
      : what_(std::move(what)), fd_(ours), socket_(std::move(socket)) {
    ++live_count;
    pump_ = std::jthread([this, theirs](const std::stop_token& stop) { Pump(theirs, stop); });
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    pump_.request_stop();
    pump_.join();
    close(fd_);
    --live_count;
  }

  [[nodiscard]] int fd() const { return fd_; }

  absl::Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }

 private:
  void Pump(int theirs, const std::stop_token& stop) {
    bool seen[2] = {false, false};
    const absl::Status ended = socket_->Relay(
        theirs, std::string_view(&kData, 1),
        [&](std::string_view message) -> absl::StatusOr<std::string_view> {
          if (message.empty()) return message;
          const char channel = message.front();
          message.remove_prefix(1);
          if (channel != kData && channel != kError) return std::string_view();
          if (!std::exchange(seen[static_cast<int>(channel)], true)) return std::string_view();
          if (channel == kError) return absl::UnavailableError(std::string(message));
          return message;
        },
        stop);
    {
      const std::lock_guard lock(mutex_);
      status_ = absl::UnavailableError(
          fmt::format("{}: {}", what_, ended.ok() ? "closed on this side" : MessageOf(ended)));
    }
    // The reader sees EOF only after the reason is there to be asked for.
    close(theirs);
    socket_.reset();
  }

  const std::string what_;
  const int fd_;
  std::unique_ptr<net::WebSocket> socket_;  // the pump's alone
  mutable std::mutex mutex_;
  absl::Status status_;
  std::jthread pump_;
};

absl::StatusOr<std::unique_ptr<PortForward>> PortForward::Open(const Client& client,
                                                               const std::string& ns,
                                                               const std::string& pod,
                                                               std::uint16_t port,
                                                               const Deadline& deadline) {
  const std::string what = fmt::format("port-forward to {}/{}:{}", ns, pod, port);
  const std::string path =
      fmt::format("{}?ports={}", ObjectRef{kPods, ns, pod, "portforward"}.Path(), port);
  auto socket = client.OpenStream(path, {"v4.channel.k8s.io"}, deadline);
  if (!socket.ok()) return Annotate(socket.status(), what);
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
    return absl::ResourceExhaustedError(fmt::format("{}: {}", what, std::strerror(errno)));
  }
  return std::unique_ptr<PortForward>(
      new PortForward(std::make_unique<Impl>(*std::move(socket), what, pair[0], pair[1])));
}

PortForward::PortForward(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
PortForward::~PortForward() = default;
int PortForward::fd() const { return impl_->fd(); }
absl::Status PortForward::status() const { return impl_->status(); }
int PortForward::LiveCount() { return live_count; }

net::Dial DialPod(const Client& client, std::string ns, std::string pod, std::uint16_t port) {
  const auto own = std::make_shared<const Client>(client.Clone());
  return [own, ns = std::move(ns), pod = std::move(pod),
          port](const Deadline& deadline) -> absl::StatusOr<std::unique_ptr<net::Conduit>> {
    ASSIGN_OR_RETURN(auto forward, PortForward::Open(*own, ns, pod, port, deadline));
    return std::unique_ptr<net::Conduit>(std::move(forward));
  };
}

}  // namespace pawk8s::kube
