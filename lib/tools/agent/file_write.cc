// Writes a file in a container; undone by giving it its old content, or by removing it.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <optional>

#include "executor.h"
#include "files.h"
#include "pawk8s/agent/protocol.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

constexpr std::size_t kMaxOld = 1 << 20;

struct WriteUndo {
  std::optional<Bytes> old;  // none: there was no such file
  // Of the file, so that it is found again on its volume after the container has gone.
  std::int64_t inode = 0;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("old", self.old, Text{.max = kMaxOld});
    field("inode", self.inode);
  }
};

absl::Status WriteSynced(int fd, std::string_view content, const std::string& path) {
  if (::ftruncate(fd, 0) != 0) return ErrnoStatus(errno, "truncating " + path);
  if (::lseek(fd, 0, SEEK_SET) != 0) return ErrnoStatus(errno, "rewinding " + path);
  RETURN_IF_ERROR(WriteAll(fd, content, path));
  return ::fsync(fd) == 0 ? absl::OkStatus() : ErrnoStatus(errno, "syncing " + path);
}

// Does process `pid` see, at that path, the file of the fault with the fault's content?
bool SeesFile(const Node& node, std::int64_t pid, const FileWrite& fault, const WriteUndo& undo) {
  const auto fd = OpenBelow(node, pid, fault.path, O_RDONLY | O_NONBLOCK);
  struct stat stat {};
  if (!fd.ok() || ::fstat(fd->get(), &stat) != 0 || !S_ISREG(stat.st_mode)) return false;
  if (static_cast<std::int64_t>(stat.st_ino) != undo.inode) return false;
  const auto content = ReadAll(fd->get(), fault.content.data.size(), fault.path);
  return content.ok() && *content == fault.content.data;
}

absl::Status UndoFor(const Node& node, std::int64_t pid, const FileWrite& fault,
                     const WriteUndo& undo) {
  ASSIGN_OR_RETURN(const auto parts, SplitPath(fault.path));
  if (undo.old) {
    const absl::StatusOr<Fd> file = OpenBelow(node, pid, fault.path, O_RDWR);
    if (absl::IsNotFound(file.status()) && !IsTargetGone(file.status())) {
      ASSIGN_OR_RETURN(const Fd again, OpenBelow(node, pid, fault.path, O_RDWR | O_CREAT, 0644));
      return WriteSynced(again.get(), undo.old->data, fault.path);
    }
    RETURN_IF_ERROR(file.status());
    return WriteSynced(file->get(), undo.old->data, fault.path);
  }
  ASSIGN_OR_RETURN(const Fd folder, OpenBelow(node, pid, parts.first, O_RDONLY | O_DIRECTORY));
  struct stat stat {};
  if (::fstatat(folder.get(), parts.second.c_str(), &stat, AT_SYMLINK_NOFOLLOW) != 0) {
    return errno == ENOENT ? absl::OkStatus() : ErrnoStatus(errno, "stat of " + fault.path);
  }
  // Somebody else's file by now? One whose number was not written down yet is still empty.
  const bool ours =
      undo.inode != 0 ? static_cast<std::int64_t>(stat.st_ino) == undo.inode : stat.st_size == 0;
  if (!ours) return absl::OkStatus();
  if (::unlinkat(folder.get(), parts.second.c_str(), 0) != 0 && errno != ENOENT) {
    return ErrnoStatus(errno, "removing " + fault.path);
  }
  return ::fsync(folder.get()) == 0 ? absl::OkStatus()
                                    : ErrnoStatus(errno, "syncing " + parts.first);
}

// A process of a later container that has the same volume at the same path.
std::optional<std::int64_t> FindOnNode(const Node& node, const FileWrite& fault,
                                       const WriteUndo& undo) {
  if (undo.inode == 0) return std::nullopt;
  const auto pods = ProcessesOfPod(node, "pod");  // every pod's cgroup has this in its path
  if (!pods.ok()) return std::nullopt;
  for (const ProcessStat& process : *pods) {
    if (SeesFile(node, process.id.pid, fault, undo)) return process.id.pid;
  }
  return std::nullopt;
}

}  // namespace

absl::StatusOr<Undo> Prepare(const Node& node, const FileWrite& fault) {
  RETURN_IF_ERROR(SplitPath(fault.path).status());
  const absl::StatusOr<Fd> file = OpenIn(node, fault.target, fault.path, O_RDONLY | O_NONBLOCK);
  if (absl::IsNotFound(file.status()) && !IsTargetGone(file.status())) return Encode(WriteUndo{});
  RETURN_IF_ERROR(file.status());
  struct stat stat {};
  if (::fstat(file->get(), &stat) != 0 || !S_ISREG(stat.st_mode)) {
    return absl::InvalidArgumentError(fault.path + " is no regular file");
  }
  ASSIGN_OR_RETURN(std::string old, ReadAll(file->get(), kMaxOld, fault.path));
  return Encode(
      WriteUndo{.old = Bytes{std::move(old)}, .inode = static_cast<std::int64_t>(stat.st_ino)});
}

absl::Status Apply(const Node& node, const FileWrite& fault, Undo& undo, const SaveUndo& save) {
  ASSIGN_OR_RETURN(auto record, Decode<WriteUndo>(undo));
  const int create = record.old ? 0 : O_CREAT | O_EXCL;
  ASSIGN_OR_RETURN(const Fd file,
                   OpenIn(node, fault.target, fault.path, O_RDWR | create, record.old ? 0 : 0644));
  struct stat stat {};
  if (::fstat(file.get(), &stat) != 0) return ErrnoStatus(errno, "stat of " + fault.path);
  record.inode = static_cast<std::int64_t>(stat.st_ino);
  undo = Encode(record);
  RETURN_IF_ERROR(save(undo));
  RETURN_IF_ERROR(WriteSynced(file.get(), fault.content.data, fault.path));
  ASSIGN_OR_RETURN(const auto parts, SplitPath(fault.path));
  ASSIGN_OR_RETURN(const Fd folder,
                   OpenIn(node, fault.target, parts.first, O_RDONLY | O_DIRECTORY));
  return ::fsync(folder.get()) == 0 ? absl::OkStatus()
                                    : ErrnoStatus(errno, "syncing " + parts.first);
}

absl::Status Revert(const Node& node, const FileWrite& fault, const Undo& undo) {
  ASSIGN_OR_RETURN(const auto record, Decode<WriteUndo>(undo));
  const absl::StatusOr<ProcessStat> process = FirstProcessOf(node, fault.target);
  if (process.ok()) return UndoFor(node, process->id.pid, fault, record);
  if (!IsTargetGone(process.status())) return process.status();
  if (const auto pid = FindOnNode(node, fault, record)) return UndoFor(node, *pid, fault, record);
  return process.status();
}

// Not with its container: the file may be on a volume.
bool IsGone(const Node& /*node*/, const FileWrite& /*fault*/, const Undo& /*undo*/) {
  return false;
}

}  // namespace pawk8s::agent
