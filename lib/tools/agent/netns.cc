#include "netns.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "pawk8s/agent/protocol.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

absl::StatusOr<std::int64_t> InodeOf(const std::string& path) {
  struct stat stat {};
  if (::stat(path.c_str(), &stat) != 0) return ErrnoStatus(errno, "looking at " + path);
  return static_cast<std::int64_t>(stat.st_ino);
}

std::string PathOf(const Node& node, std::int64_t pid) {
  return fmt::format("{}/{}/ns/net", node.proc, pid);
}

}  // namespace

absl::StatusOr<NetworkNamespace> FindNamespace(const Node& node, const Place& place) {
  if (!place.pod_uid) {
    // The agent's pod uses the node's own network.
    const auto self = ReadStat(node, ::getpid());
    if (!self) return absl::UnimplementedError("the node's processes are not visible (hostPID)");
    ASSIGN_OR_RETURN(const std::int64_t inode, InodeOf(PathOf(node, self->id.pid)));
    return NetworkNamespace{self->id, inode};
  }
  ASSIGN_OR_RETURN(const auto processes, ProcessesOfPod(node, *place.pod_uid));
  for (const ProcessStat& process : processes) {
    const absl::StatusOr<std::int64_t> inode = InodeOf(PathOf(node, process.id.pid));
    if (inode.ok()) return NetworkNamespace{process.id, *inode};
    if (!absl::IsNotFound(inode.status())) return inode.status();  // else it ended meanwhile
  }
  return TargetGone(fmt::format("pod {} has ended", *place.pod_uid));
}

absl::Status InNamespace(const Node& node, const NetworkNamespace& where,
                         const std::function<absl::Status()>& work) {
  const Fd own(::open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC));
  struct stat stat {};
  if (!own.ok() || ::fstat(own.get(), &stat) != 0) {
    return ErrnoStatus(errno, "opening the own network namespace");
  }
  if (static_cast<std::int64_t>(stat.st_ino) == where.inode) return work();
  const std::string path = PathOf(node, where.through.pid);
  const Fd other(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!other.ok() || ::fstat(other.get(), &stat) != 0 ||
      static_cast<std::int64_t>(stat.st_ino) != where.inode) {
    return TargetGone("the pod with that network namespace has ended");
  }
  if (::setns(other.get(), CLONE_NEWNET) != 0) return ErrnoStatus(errno, "entering " + path);
  const absl::Status done = work();
  if (::setns(own.get(), CLONE_NEWNET) != 0) {
    // Every later act would hit the wrong network.
    std::perror("returning to the own network namespace");
    std::abort();
  }
  return done;
}

absl::StatusOr<Fd> SocketIn(const Node& node, const Place& place, int domain, int type,
                            int protocol) {
  ASSIGN_OR_RETURN(const NetworkNamespace where, FindNamespace(node, place));
  Fd fd;
  RETURN_IF_ERROR(InNamespace(node, where, [&]() -> absl::Status {
    fd = Fd(::socket(domain, type | SOCK_CLOEXEC, protocol));
    return fd.ok() ? absl::OkStatus() : ErrnoStatus(errno, "making a socket");
  }));
  return fd;
}

}  // namespace pawk8s::agent
