#include "files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#define OPENSSL_SUPPRESS_DEPRECATED  // EVP would pull half of the library into the static program
#include <openssl/sha.h>

#include "pawk8s/agent/protocol.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {

absl::StatusOr<Fd> OpenBelow(const Node& node, std::int64_t pid, const std::string& path, int flags,
                             int mode) {
  const std::string root_path = fmt::format("{}/{}/root", node.proc, pid);
  const Fd root(::open(root_path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.ok() && (errno == ENOENT || errno == ESRCH)) {
    return TargetGone(fmt::format("process {} has ended", pid));
  }
  if (!root.ok()) return ErrnoStatus(errno, "opening " + root_path);
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  how.mode = static_cast<std::uint64_t>(mode);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  Fd fd(static_cast<int>(::syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof how)));
  if (!fd.ok() && errno == ENOSYS) {
    return absl::UnimplementedError("the node's kernel has no openat2 (Linux 5.6)");
  }
  if (!fd.ok()) return ErrnoStatus(errno, fmt::format("opening {} in the container", path));
  return fd;
}

absl::StatusOr<Fd> OpenIn(const Node& node, const Target& target, const std::string& path,
                          int flags, int mode) {
  ASSIGN_OR_RETURN(const ProcessStat process, FirstProcessOf(node, target));
  return OpenBelow(node, process.id.pid, path, flags, mode);
}

absl::StatusOr<std::pair<std::string, std::string>> SplitPath(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (!path.starts_with("/") || slash + 1 == path.size() || path.ends_with("/..") ||
      path.ends_with("/.")) {
    return absl::InvalidArgumentError(fmt::format("'{}' is no absolute path of a file", path));
  }
  return std::pair(slash == 0 ? "/" : path.substr(0, slash), path.substr(slash + 1));
}

absl::StatusOr<FilesystemFacts> Statvfs(const Node& node, const StatvfsRequest& request) {
  ASSIGN_OR_RETURN(const Fd fd, OpenIn(node, request.target, request.path, O_PATH));
  struct statvfs facts {};
  if (::fstatvfs(fd.get(), &facts) != 0) return ErrnoStatus(errno, "statvfs of " + request.path);
  const auto bytes = [&](fsblkcnt_t blocks) {
    return static_cast<std::int64_t>(blocks * facts.f_frsize);
  };
  return FilesystemFacts{.block_size = static_cast<std::int64_t>(facts.f_frsize),
                         .total_bytes = bytes(facts.f_blocks),
                         .free_bytes = bytes(facts.f_bfree),
                         .available_bytes = bytes(facts.f_bavail),
                         .inodes = static_cast<std::int64_t>(facts.f_files),
                         .free_inodes = static_cast<std::int64_t>(facts.f_ffree),
                         .read_only = (facts.f_flag & ST_RDONLY) != 0};
}

absl::StatusOr<FileDigest> Digest(const Node& node, const FileDigestRequest& request) {
  ASSIGN_OR_RETURN(const Fd fd, OpenIn(node, request.target, request.path, O_RDONLY | O_NONBLOCK));
  struct stat stat {};
  if (::fstat(fd.get(), &stat) != 0) return ErrnoStatus(errno, "stat of " + request.path);
  if (!S_ISREG(stat.st_mode)) {
    return absl::InvalidArgumentError(request.path + " is no regular file");
  }
  SHA256_CTX context;
  SHA256_Init(&context);
  FileDigest digest;
  char piece[65536];
  for (;;) {
    const ssize_t got = ::read(fd.get(), piece, sizeof piece);
    if (got < 0) return ErrnoStatus(errno, "reading " + request.path);
    if (got == 0) break;
    SHA256_Update(&context, piece, static_cast<std::size_t>(got));
    digest.size += got;
  }
  unsigned char sum[SHA256_DIGEST_LENGTH];
  SHA256_Final(sum, &context);
  for (const unsigned char byte : sum) digest.sha256 += fmt::format("{:02x}", byte);
  return digest;
}

absl::StatusOr<FileContent> ReadContent(const Node& node, const FileReadRequest& request) {
  const bool only_stat = request.max_bytes == 0;
  ASSIGN_OR_RETURN(const Fd fd, OpenIn(node, request.target, request.path,
                                       only_stat ? O_PATH : O_RDONLY | O_NONBLOCK));
  struct stat stat {};
  if (::fstat(fd.get(), &stat) != 0) return ErrnoStatus(errno, "stat of " + request.path);
  FileContent content{
      .size = stat.st_size,
      .mode = stat.st_mode,
      .uid = stat.st_uid,
      .gid = stat.st_gid,
      .modified_ms = std::int64_t{stat.st_mtim.tv_sec} * 1000 + stat.st_mtim.tv_nsec / 1'000'000};
  if (only_stat) return content;
  if (!S_ISREG(stat.st_mode)) {
    return absl::InvalidArgumentError(request.path + " is no regular file");
  }
  std::string& data = content.content.data;
  data.resize(static_cast<std::size_t>(request.max_bytes));
  std::size_t have = 0;
  while (have < data.size()) {
    const ssize_t got = ::pread(fd.get(), data.data() + have, data.size() - have,
                                request.offset + static_cast<std::int64_t>(have));
    if (got < 0) return ErrnoStatus(errno, "reading " + request.path);
    if (got == 0) break;
    have += static_cast<std::size_t>(got);
  }
  data.resize(have);
  return content;
}

absl::StatusOr<FileRemoved> RemoveFile(const Node& node, const FileRemoveRequest& request) {
  ASSIGN_OR_RETURN(const auto parts, SplitPath(request.path));
  if (!parts.second.starts_with("pawk8s-")) {
    return absl::InvalidArgumentError("only files named pawk8s-... can be removed, this is " +
                                      parts.second);
  }
  ASSIGN_OR_RETURN(const Fd folder,
                   OpenIn(node, request.target, parts.first, O_RDONLY | O_DIRECTORY));
  if (::unlinkat(folder.get(), parts.second.c_str(), 0) != 0) {
    if (errno == ENOENT) return FileRemoved{.was_there = false};
    return ErrnoStatus(errno, "removing " + request.path);
  }
  if (::fsync(folder.get()) != 0) return ErrnoStatus(errno, "syncing " + parts.first);
  return FileRemoved{.was_there = true};
}

}  // namespace pawk8s::agent
