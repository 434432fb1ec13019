#include "store.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "os.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

absl::Status SyncFolder(const std::string& folder) {
  const Fd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.ok() || ::fsync(fd.get()) != 0) return ErrnoStatus(errno, "syncing " + folder);
  return absl::OkStatus();
}

}  // namespace

absl::Status StoreFile(const std::string& folder, const std::string& name,
                       std::string_view content) {
  const std::string path = folder + "/" + name;
  const std::string fresh = path + ".new";
  {
    const Fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!fd.ok()) return ErrnoStatus(errno, "creating " + fresh);
    RETURN_IF_ERROR(WriteAll(fd.get(), content, fresh));
    if (::fsync(fd.get()) != 0) return ErrnoStatus(errno, "syncing " + fresh);
  }
  if (::rename(fresh.c_str(), path.c_str()) != 0) return ErrnoStatus(errno, "renaming " + fresh);
  return SyncFolder(folder);
}

absl::Status RemoveStored(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return ErrnoStatus(errno, "removing " + path);
  return SyncFolder(folder);
}

std::vector<std::string> ListStored(const std::string& folder, std::string_view suffix) {
  std::vector<std::string> names;
  DIR* open = ::opendir(folder.c_str());
  if (open == nullptr) return names;
  while (const dirent* entry = ::readdir(open)) {
    const std::string_view name = entry->d_name;
    if (name.ends_with(suffix)) names.emplace_back(name);
  }
  ::closedir(open);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace pawk8s::agent
