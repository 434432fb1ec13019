// A writer that proves that a volume takes data all the time: every failure with its time.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "files.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

constexpr std::size_t kMaxFailures = 1000;

std::int64_t Quantile(const std::vector<std::int64_t>& sorted, std::size_t percent) {
  if (sorted.empty()) return 0;
  return sorted[std::min(sorted.size() - 1, sorted.size() * percent / 100)];
}

// Where files without names are not to be had, a named one is removed as soon as it is open.
absl::StatusOr<Fd> OpenNameless(const Node& node, const FsyncWriterRequest& request,
                                std::int64_t pid) {
  absl::StatusOr<Fd> nameless = OpenBelow(node, pid, request.path, O_TMPFILE | O_WRONLY, 0600);
  if (nameless.ok()) return nameless;
  ASSIGN_OR_RETURN(const Fd folder, OpenBelow(node, pid, request.path, O_RDONLY | O_DIRECTORY));
  const std::string name = "pawk8s-writer-" + std::to_string(::getpid());
  Fd file(::openat(folder.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.ok()) return ErrnoStatus(errno, "creating a file in " + request.path);
  ::unlinkat(folder.get(), name.c_str(), 0);
  return file;
}

}  // namespace

absl::StatusOr<WriterReport> RunWriter(const Node& node, const FsyncWriterRequest& request) {
  ASSIGN_OR_RETURN(const ProcessStat process, FirstProcessOf(node, request.target));
  ASSIGN_OR_RETURN(const Fd file, OpenNameless(node, request, process.id.pid));
  const std::string block(static_cast<std::size_t>(request.bytes), 'p');
  WriterReport report;
  std::vector<std::int64_t> took;
  const std::int64_t began = MonotonicMicros();
  std::int64_t last_good = began;
  const auto failed = [&](const char* operation) {
    ++report.failed;
    if (report.failures.size() >= kMaxFailures) return;
    report.failures.push_back({WallMillis(), operation, errno, std::strerror(errno)});
  };
  for (std::int64_t next = began; next < began + request.duration_ms * 1000;
       next = std::max(next + request.interval_ms * 1000, MonotonicMicros())) {
    SleepUntilMicros(next);
    if (!IsAlive(node, process.id)) {
      report.container_ended = true;
      break;
    }
    const std::int64_t start = MonotonicMicros();
    // Always the same block: the volume must take it, but it must not be filled up.
    if (::pwrite(file.get(), block.data(), block.size(), 0) != request.bytes) {
      failed("write");
      continue;
    }
    if (::fsync(file.get()) != 0) {
      failed("fsync");
      continue;
    }
    const std::int64_t end = MonotonicMicros();
    took.push_back(end - start);
    report.max_gap_us = std::max(report.max_gap_us, end - last_good);
    last_good = end;
  }
  report.max_gap_us = std::max(report.max_gap_us, MonotonicMicros() - last_good);
  std::sort(took.begin(), took.end());
  report.writes = static_cast<std::int64_t>(took.size());
  report.p50_us = Quantile(took, 50);
  report.p99_us = Quantile(took, 99);
  report.max_us = took.empty() ? 0 : took.back();
  return report;
}

}  // namespace pawk8s::agent
