// Files and filesystems as a container sees them: the agent resolves every path below the
// container's own root, symbolic links included.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "pawk8s/agent/codec.h"
#include "pawk8s/agent/target.h"

namespace pawk8s::agent {

inline constexpr Text kPathBounds{.min = 1, .max = 1024};

struct FilesystemFacts {
  std::int64_t block_size = 0;
  std::int64_t total_bytes = 0;
  std::int64_t free_bytes = 0;
  std::int64_t available_bytes = 0;  // to processes without privileges
  std::int64_t inodes = 0;
  std::int64_t free_inodes = 0;
  bool read_only = false;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("block_size", self.block_size);
    field("total_bytes", self.total_bytes);
    field("free_bytes", self.free_bytes);
    field("available_bytes", self.available_bytes);
    field("inodes", self.inodes);
    field("free_inodes", self.free_inodes);
    field("read_only", self.read_only);
  }
};
struct StatvfsRequest {
  static constexpr const char* kVerb = "statvfs";
  using Result = FilesystemFacts;
  Target target;
  std::string path;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
    field("path", self.path, kPathBounds);
  }
};

struct FileDigest {
  std::string sha256;  // 64 hex digits
  std::int64_t size = 0;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("sha256", self.sha256);
    field("size", self.size);
  }
};
struct FileDigestRequest {
  static constexpr const char* kVerb = "file_digest";
  using Result = FileDigest;
  Target target;
  std::string path;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
    field("path", self.path, kPathBounds);
  }
};

struct FileContent {
  Bytes content;
  std::int64_t size = 0;  // of the whole file
  std::int64_t mode = 0;  // type and permissions, as in st_mode
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::int64_t modified_ms = 0;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("content", self.content);
    field("size", self.size);
    field("mode", self.mode);
    field("uid", self.uid);
    field("gid", self.gid);
    field("modified_ms", self.modified_ms);
  }
};
// Reads `max_bytes` from `offset`; 0 bytes of any kind of file is what stat() tells.
struct FileReadRequest {
  static constexpr const char* kVerb = "file_read";
  using Result = FileContent;
  Target target;
  std::string path;
  std::int64_t offset = 0;
  std::int64_t max_bytes = 65536;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
    field("path", self.path, kPathBounds);
    field("offset", self.offset, Number{.min = 0});
    field("max_bytes", self.max_bytes, Number{.min = 0, .max = 524'288});
  }
};

struct FileRemoved {
  bool was_there = false;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("was_there", self.was_there);
  }
};
// Removes a file that a FileWrite of this suite made and whose container is gone, such as a
// sentinel on a volume. Only files named "pawk8s-..." can be removed.
struct FileRemoveRequest {
  static constexpr const char* kVerb = "file_remove";
  using Result = FileRemoved;
  Target target;
  std::string path;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
    field("path", self.path, kPathBounds);
  }
};

struct WriterFailure {
  std::int64_t at_ms = 0;
  std::string operation;   // "write", "fsync"
  std::int64_t error = 0;  // errno
  std::string message;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("at_ms", self.at_ms);
    field("operation", self.operation);
    field("error", self.error);
    field("message", self.message);
  }
};
struct WriterReport {
  std::int64_t writes = 0;  // that were written and synced
  std::int64_t failed = 0;
  std::vector<WriterFailure> failures;  // the first 1000
  std::int64_t p50_us = 0;              // of write and fsync together
  std::int64_t p99_us = 0;
  std::int64_t max_us = 0;
  std::int64_t max_gap_us = 0;   // between the ends of two writes that succeeded
  bool container_ended = false;  // before the time was over

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("writes", self.writes);
    field("failed", self.failed);
    field("failures", self.failures);
    field("p50_us", self.p50_us);
    field("p99_us", self.p99_us);
    field("max_us", self.max_us);
    field("max_gap_us", self.max_gap_us);
    field("container_ended", self.container_ended);
  }
};
// Writes and fsyncs every `interval_ms` in a file without a name in the folder `path`, which is
// gone when the writer ends, however it ends.
struct FsyncWriterRequest {
  static constexpr const char* kVerb = "fsync_writer";
  using Result = WriterReport;
  Target target;
  std::string path;
  std::int64_t interval_ms = 100;
  std::int64_t duration_ms = 10'000;
  std::int64_t bytes = 4096;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
    field("path", self.path, kPathBounds);
    field("interval_ms", self.interval_ms, Number{.min = 1, .max = 60'000});
    field("duration_ms", self.duration_ms, Number{.min = 1, .max = 600'000});
    field("bytes", self.bytes, Number{.min = 1, .max = 1 << 20});
  }
};

}  // namespace pawk8s::agent
