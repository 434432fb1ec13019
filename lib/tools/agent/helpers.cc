#include "helpers.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

// Waits for its release, then tells whether the process beside it still lives.
class Beside {
 public:
  explicit Beside(std::int64_t pid) : pidfd_(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))) {
    ::prctl(PR_SET_NAME, kHelperName.data());
    char start = 0;
    released_ = pidfd_.ok() && ::read(STDIN_FILENO, &start, 1) == 1;
  }
  [[nodiscard]] bool Goes() const { return released_; }
  [[nodiscard]] bool Lives() const {
    pollfd ended{.fd = pidfd_.get(), .events = POLLIN};
    return ::poll(&ended, 1, 0) == 0;
  }

 private:
  Fd pidfd_;
  bool released_ = false;
};

}  // namespace

absl::StatusOr<Helper> Helper::Start(const Node& node, const std::vector<std::string>& argv) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return ErrnoStatus(errno, "making a pipe");
  const Fd read_end(ends[0]);
  Helper helper;
  helper.start_ = Fd(ends[1]);
  std::vector<char*> arguments{const_cast<char*>(kHelperName.data())};
  for (const std::string& one : argv) arguments.push_back(const_cast<char*>(one.c_str()));
  arguments.push_back(nullptr);
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) return ErrnoStatus(errno, "starting a helper");
  if (pid == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(0);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::dup2(read_end.get(), STDIN_FILENO);
    ::execv("/proc/self/exe", arguments.data());
    ::_exit(127);
  }
  const auto stat = ReadStat(node, pid);
  if (!stat) return absl::InternalError("a helper ended at once");
  helper.id_ = stat->id;
  return helper;
}

absl::Status Helper::Join(const std::set<std::string>& folders) const {
  for (const std::string& folder : folders) {
    RETURN_IF_ERROR(WriteKernelFile(folder + "/cgroup.procs", std::to_string(id_.pid)));
  }
  return absl::OkStatus();
}

absl::Status Helper::Release() const { return WriteAll(start_.get(), "!", "a helper's pipe"); }

absl::Status EndHelpers(const Node& node, const std::vector<ProcessId>& helpers) {
  for (const ProcessId& helper : helpers) {
    const absl::Status sent = SendSignal(node, helper, SIGKILL);
    if (!sent.ok() && !absl::IsNotFound(sent)) return sent;
  }
  // One that is throttled dies when its cgroup gets its next slice.
  const std::int64_t patience = MonotonicMicros() + 1'000'000;
  for (const ProcessId& helper : helpers) {
    while (IsAlive(node, helper)) {
      if (MonotonicMicros() > patience) {
        return absl::UnavailableError("a process of the agent's has not ended yet");
      }
      SleepUntilMicros(MonotonicMicros() + 5'000);
    }
  }
  return absl::OkStatus();
}

int Burn(std::int64_t pid) {
  const Beside beside(pid);
  while (beside.Goes() && beside.Lives()) {
    const std::int64_t until = MonotonicMicros() + 20'000;
    while (MonotonicMicros() < until) {
    }
  }
  return 0;
}

int Press(std::int64_t pid, std::int64_t bytes) {
  constexpr std::int64_t kPage = 4096;
  constexpr std::int64_t kLongestMicros = 20'000'000;
  const Beside beside(pid);
  if (!beside.Goes()) return 0;
  void* at = ::mmap(nullptr, static_cast<std::size_t>(bytes), PROT_READ | PROT_WRITE,
                    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return 1;
  auto* memory = static_cast<volatile char*>(at);
  const std::int64_t until = MonotonicMicros() + kLongestMicros;
  for (std::int64_t used = 0; beside.Lives() && MonotonicMicros() < until;) {
    if (used < bytes) {
      memory[used] = 1;
      used += kPage;
    } else {
      SleepUntilMicros(MonotonicMicros() + 20'000);
    }
  }
  return 0;
}

}  // namespace pawk8s::agent
