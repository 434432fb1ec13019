// Files as a container sees them.
#pragma once

#include <string>

#include "os.h"
#include "pawk8s/agent/file_verbs.h"
#include "processes.h"

namespace pawk8s::agent {

// Opens `path` below the root of process `pid`: neither ".." nor a symbolic link leads out of it.
[[nodiscard]] absl::StatusOr<Fd> OpenBelow(const Node& node, std::int64_t pid,
                                           const std::string& path, int flags, int mode = 0);
// ... of the container's first process.
[[nodiscard]] absl::StatusOr<Fd> OpenIn(const Node& node, const Target& target,
                                        const std::string& path, int flags, int mode = 0);
// "/a/b" -> {"/a", "b"}; InvalidArgument unless it is absolute and names a file.
[[nodiscard]] absl::StatusOr<std::pair<std::string, std::string>> SplitPath(
    const std::string& path);

[[nodiscard]] absl::StatusOr<FilesystemFacts> Statvfs(const Node& node,
                                                      const StatvfsRequest& request);
[[nodiscard]] absl::StatusOr<FileDigest> Digest(const Node& node, const FileDigestRequest& request);
[[nodiscard]] absl::StatusOr<FileContent> ReadContent(const Node& node,
                                                      const FileReadRequest& request);
[[nodiscard]] absl::StatusOr<FileRemoved> RemoveFile(const Node& node,
                                                     const FileRemoveRequest& request);
[[nodiscard]] absl::StatusOr<WriterReport> RunWriter(const Node& node,
                                                     const FsyncWriterRequest& request);

}  // namespace pawk8s::agent
