#include "os.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

std::int64_t Nanos(clockid_t clock) {
  timespec now{};
  ::clock_gettime(clock, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

void Fd::Reset() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

absl::Status ErrnoStatus(int error, std::string_view what) {
  const std::string message = fmt::format("{}: {}", what, std::strerror(error));
  switch (error) {
    case ENOENT:
    case ESRCH:
    case ENODEV:
      return absl::NotFoundError(message);
    case EPERM:
    case EACCES:
      return absl::PermissionDeniedError(message);
    case ENOSYS:
      return absl::UnimplementedError(message);
    default:
      return absl::InternalError(message);
  }
}

absl::StatusOr<std::string> ReadAll(int fd, std::size_t max, std::string_view what) {
  std::string all;
  char piece[16384];
  for (;;) {
    const ssize_t got = ::read(fd, piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, fmt::format("reading {}", what));
    if (got == 0) return all;
    all.append(piece, static_cast<std::size_t>(got));
    if (all.size() > max) {
      return absl::ResourceExhaustedError(fmt::format("{} has more than {} bytes", what, max));
    }
  }
}

absl::StatusOr<std::string> ReadFile(const std::string& path, std::size_t max) {
  const Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.ok()) return ErrnoStatus(errno, "opening " + path);
  return ReadAll(fd.get(), max, path);
}

absl::Status WriteAll(int fd, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) return ErrnoStatus(errno, fmt::format("writing {}", what));
    bytes.remove_prefix(static_cast<std::size_t>(put));
  }
  return absl::OkStatus();
}

absl::Status WriteKernelFile(const std::string& path, std::string_view text) {
  const Fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!fd.ok()) return ErrnoStatus(errno, "opening " + path);
  if (::write(fd.get(), text.data(), text.size()) < 0) {
    return ErrnoStatus(errno, fmt::format("writing '{}' to {}", text, path));
  }
  return absl::OkStatus();
}

std::int64_t WallMillis() { return Nanos(CLOCK_REALTIME) / 1'000'000; }
std::int64_t BootMillis() { return Nanos(CLOCK_BOOTTIME) / 1'000'000; }
std::int64_t MonotonicMicros() { return Nanos(CLOCK_MONOTONIC) / 1'000; }

void SleepUntilMicros(std::int64_t when) {
  const timespec until{.tv_sec = when / 1'000'000, .tv_nsec = when % 1'000'000 * 1000};
  while (::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, nullptr) == EINTR) {
  }
}

}  // namespace pawk8s::agent
