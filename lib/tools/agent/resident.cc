#include "resident.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

#include "absl/strings/strip.h"
#include "dispatch.h"
#include "executor.h"
#include "keeper.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

// Of the pod's grace period of 20 s.
constexpr std::int64_t kRevertPatienceMillis = 15'000;
constexpr std::int64_t kConnectPatienceMillis = 2'000;

absl::StatusOr<sockaddr_un> AddressOf(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    return absl::InvalidArgumentError(path + " is too long for a socket");
  }
  path.copy(address.sun_path, path.size());
  return address;
}

absl::StatusOr<Fd> Listen(const std::string& path) {
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(path));
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  ::unlink(path.c_str());
  if (!fd.ok() ||
      ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), 64) != 0) {
    return ErrnoStatus(errno, "listening on " + path);
  }
  return fd;
}

absl::StatusOr<Fd> CatchSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  Fd fd(::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.ok()) return ErrnoStatus(errno, "catching signals");
  return fd;
}

void ReapChildren() {
  while (::waitpid(-1, nullptr, WNOHANG) > 0) {
  }
}

// True when one of them asks to end.
bool TakeSignals(int fd) {
  bool end = false;
  signalfd_siginfo info;
  while (::read(fd, &info, sizeof info) == sizeof info) {
    if (info.ssi_signo == SIGCHLD) {
      ReapChildren();
    } else {
      end = true;
    }
  }
  return end;
}

void Serve(int listener, const Node& node, Keeper& keeper) {
  const Fd peer(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (!peer.ok()) return;
  // The peer sends its whole request at once; nobody may hold up the deadlines.
  const timeval patience{.tv_sec = 2};
  ::setsockopt(peer.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(peer.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  absl::StatusOr<Json> answer = absl::InternalError("not answered");
  const absl::StatusOr<std::string> text = ReadAll(peer.get(), kMaxRequestBytes, "a request");
  if (!text.ok()) return;
  const absl::StatusOr<Request> request = ParseRequest(*text);
  if (request.ok()) {
    answer = AnswerAsResident(node, keeper, *request);
  } else {
    answer = request.status();
  }
  IgnoreError(WriteAll(peer.get(), AnswerText(answer), "an answer"),
              "the peer has gone; what was done is in the list of faults");
}

absl::Status RevertEverything(Keeper& keeper) {
  const std::int64_t until = BootMillis() + kRevertPatienceMillis;
  for (;;) {
    const absl::Status reverted = keeper.RevertAll();
    if (reverted.ok() || BootMillis() > until) return reverted;
    SleepUntilMicros(MonotonicMicros() + 200'000);
    ReapChildren();
  }
}

}  // namespace

absl::Status RunResident(const ResidentOptions& options) {
  // The pod may share the node's processes, and then is not the one that orphans go to.
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ASSIGN_OR_RETURN(const Fd signals, CatchSignals());
  ASSIGN_OR_RETURN(const std::string boot_id,
                   ReadFile(options.node.proc + "/sys/kernel/random/boot_id"));
  NodeExecutor executor(options.node);
  Keeper keeper(executor, options.state, std::string(absl::StripAsciiWhitespace(boot_id)), [] {
    return Now{WallMillis(), BootMillis()};
  });
  keeper.Recover();
  ASSIGN_OR_RETURN(const Fd listener, Listen(options.socket));
  for (;;) {
    pollfd both[] = {{.fd = listener.get(), .events = POLLIN},
                     {.fd = signals.get(), .events = POLLIN}};
    ::poll(both, 2, static_cast<int>(keeper.UntilNextTick()));
    if (both[1].revents != 0 && TakeSignals(signals.get())) break;
    keeper.Tick();
    if (both[0].revents != 0) Serve(listener.get(), options.node, keeper);
  }
  ::unlink(options.socket.c_str());
  return RevertEverything(keeper);
}

absl::StatusOr<std::string> AskResident(const std::string& socket, std::string_view request) {
  ASSIGN_OR_RETURN(const sockaddr_un address, AddressOf(socket));
  const std::int64_t until = BootMillis() + kConnectPatienceMillis;
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if ((errno != ENOENT && errno != ECONNREFUSED) || BootMillis() > until) {
      return absl::UnavailableError(
          std::string(MessageOf(ErrnoStatus(errno, "reaching the agent's first process"))));
    }
    SleepUntilMicros(MonotonicMicros() + 20'000);
  }
  RETURN_IF_ERROR(WriteAll(fd.get(), request, "the request"));
  ::shutdown(fd.get(), SHUT_WR);
  return ReadAll(fd.get(), std::size_t{64} << 20, "the answer");
}

}  // namespace pawk8s::agent
