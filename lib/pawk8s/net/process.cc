#include "pawk8s/net/process.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio.hpp>
#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <cerrno>
#include <cstring>
#include <optional>
#include <stop_token>

#include "pawk8s/base/status.h"
#include "pawk8s/net/internal/ignore_sigpipe.h"

namespace pawk8s::net {
namespace {

namespace asio = boost::asio;
namespace bp = boost::process;
using boost::system::error_code;

constexpr std::size_t kMaxOutputBytes = 16u << 20;

// Boost's own environment class reads beyond the end of variables that are shorter than the one it
// looks for.
class AddedEnvironment : public bp::extend::handler {
 public:
  explicit AddedEnvironment(const std::vector<std::pair<std::string, std::string>>& added) {
    for (const auto& [key, value] : added) lines_.push_back(key + "=" + value);
    for (char** line = environ; *line != nullptr; ++line) {
      const std::string_view text(*line);
      const std::string_view name = text.substr(0, text.find('='));
      const bool replaced = std::any_of(added.begin(), added.end(),
                                        [&](const auto& one) { return one.first == name; });
      if (!replaced) lines_.emplace_back(text);
    }
  }

  template <class Executor>
  void on_setup(Executor& executor) {
    pointers_.clear();
    for (std::string& line : lines_) pointers_.push_back(line.data());
    pointers_.push_back(nullptr);
    executor.env = pointers_.data();
  }

 private:
  std::vector<std::string> lines_;
  std::vector<char*> pointers_;
};

// Runs in the child, before exec.
struct OwnGroupThatDiesWithUs : bp::extend::handler {
  template <class Executor>
  void on_exec_setup(Executor&) const {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGPIPE, SIG_DFL);
  }
};

// Kills what is left of the group and reaps the child. Boost's own wait does not reap after
// terminate() (boostorg/process#217).
class Reaper {
 public:
  explicit Reaper(pid_t pid) : pid_(pid) {}
  Reaper(const Reaper&) = delete;
  Reaper& operator=(const Reaper&) = delete;
  ~Reaper() {
    if (reaped_) return;
    kill(-pid_, SIGKILL);
    kill(pid_, SIGKILL);
    int status = 0;
    while (waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
  }

  // The exit code once the child has ended; nothing before.
  bool TryReap(int* exit_code) {
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) != pid_) return false;
    reaped_ = true;
    *exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
  }

 private:
  const pid_t pid_;
  bool reaped_ = false;
};

// Reads a pipe to its end into a string.
class Drain {
 public:
  explicit Drain(asio::io_context& io) : pipe(io) {}
  void Start() {
    pipe.async_read_some(asio::buffer(chunk_), [this](error_code ec, std::size_t n) {
      text.append(chunk_.data(), n);
      if (ec || text.size() > kMaxOutputBytes) {
        done = true;
        return;
      }
      Start();
    });
  }
  bp::async_pipe pipe;
  std::string text;
  bool done = false;

 private:
  std::array<char, 16384> chunk_{};
};

}  // namespace

absl::StatusOr<ProcessResult> RunProcess(const ProcessSpec& spec, const Deadline& deadline) {
  if (spec.argv.empty()) return absl::InvalidArgumentError("no program is named");
  const std::string& name = spec.argv.front();
  RETURN_IF_ERROR(deadline.Check(name));
  const auto program =
      name.find('/') == std::string::npos ? bp::search_path(name) : boost::filesystem::path(name);
  if (program.empty()) {
    return absl::NotFoundError(fmt::format("{}: there is no such program in PATH", name));
  }

  internal::IgnoreSigpipe();
  asio::io_context io;
  Drain out(io);
  Drain err(io);
  bp::async_pipe in(io);
  std::error_code failed;
  bp::child child(bp::exe = program.string(),
                  bp::args = std::vector<std::string>(spec.argv.begin() + 1, spec.argv.end()),
                  bp::std_in<in, bp::std_out> out.pipe, bp::std_err > err.pipe,
                  AddedEnvironment(spec.env), OwnGroupThatDiesWithUs(), failed);
  if (failed) {
    return absl::NotFoundError(fmt::format("{} cannot be started: {}", name, failed.message()));
  }
  const pid_t pid = child.id();
  Reaper reaper(pid);
  child.detach();

  out.Start();
  err.Start();
  asio::async_write(in, asio::buffer(spec.input), [&](error_code, std::size_t) { in.close(); });

  asio::posix::stream_descriptor ended(io, static_cast<int>(syscall(SYS_pidfd_open, pid, 0)));
  ProcessResult result;
  bool exited = false;
  ended.async_wait(asio::posix::stream_descriptor::wait_read, [&](error_code ec) {
    if (!ec) exited = reaper.TryReap(&result.exit_code);
  });
  const std::stop_callback wake(deadline.stop(), [&] { asio::post(io, [] {}); });
  std::optional<SteadyTime> killed_at;
  while (!(exited && out.done && err.done)) {
    if (deadline.Over()) {
      const absl::Status over = deadline.Check(fmt::format("waiting for {} to end", name));
      if (!deadline.Cancelled() || spec.grace.count() == 0) return over;
      if (!killed_at) {
        killed_at = std::chrono::steady_clock::now() +
                    std::chrono::duration_cast<SteadyTime::duration>(spec.grace);
        kill(pid, SIGTERM);
      }
      if (std::chrono::steady_clock::now() >= *killed_at) return over;
    }
    if (out.text.size() > kMaxOutputBytes || err.text.size() > kMaxOutputBytes) {
      return absl::ResourceExhaustedError(fmt::format("{} prints too much", name));
    }
    io.run_one_until(killed_at.value_or(deadline.when()));
  }
  if (killed_at) return deadline.Check(fmt::format("waiting for {} to end", name));
  result.out = std::move(out.text);
  result.err = std::move(err.text);
  return result;
}

}  // namespace pawk8s::net
