// Small pieces of POSIX with owners and errors that say what was done to what.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pawk8s::agent {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  ~Fd() { Reset(); }
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool ok() const { return fd_ >= 0; }
  void Reset();

 private:
  int fd_ = -1;
};

// "<what>: <errno's text>"; NotFound for ENOENT, ESRCH, ENODEV; PermissionDenied for EPERM, EACCES;
// Unimplemented for ENOSYS; otherwise Internal.
[[nodiscard]] absl::Status ErrnoStatus(int error, std::string_view what);

// At most `max` bytes; ResourceExhausted when there are more.
[[nodiscard]] absl::StatusOr<std::string> ReadAll(int fd, std::size_t max, std::string_view what);
[[nodiscard]] absl::StatusOr<std::string> ReadFile(const std::string& path,
                                                   std::size_t max = 1 << 20);
[[nodiscard]] absl::Status WriteAll(int fd, std::string_view bytes, std::string_view what);
// One write() to an existing file, as kernel files want it.
[[nodiscard]] absl::Status WriteKernelFile(const std::string& path, std::string_view text);

[[nodiscard]] std::int64_t WallMillis();
// Since boot, also while the machine sleeps: never set back.
[[nodiscard]] std::int64_t BootMillis();
[[nodiscard]] std::int64_t MonotonicMicros();
// Returns at that time of MonotonicMicros().
void SleepUntilMicros(std::int64_t when);

}  // namespace pawk8s::agent
