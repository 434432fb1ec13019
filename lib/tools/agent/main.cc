// pawk8s-agent: what runs in each pod of the agent's DaemonSet.
//
//   pawk8s-agent serve   what the pod runs: owns the faults of its node (supervisor.h, resident.h)
//   pawk8s-agent call    requests on stdin, a line each, their answers on stdout (protocol.h)
//
// A call ends with 0 at the end of its input, when each request has its answer, be it an error;
// with 1 at the first one that has none.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include "dispatch.h"
#include "helpers.h"
#include "pawk8s/base/status.h"
#include "resident.h"
#include "supervisor.h"

namespace pawk8s::agent {
namespace {

// Every verb is bounded by itself; this ends what hangs in the kernel on its way there.
constexpr unsigned kLongestCallSeconds = 660;

// On cgroup v2 a container sees only its own subtree and other paths relative to that. The node's
// first process has the view that fits /host/cgroup.
void SeeAllCgroups(const Node& node) {
  const Fd root(::open((node.proc + "/1/ns/cgroup").c_str(), O_RDONLY | O_CLOEXEC));
  if (root.ok()) ::setns(root.get(), CLONE_NEWCGROUP);
}

int Serve(const ResidentOptions& options) {
  const absl::Status ended = RunResident(options);
  if (ended.ok()) {
    // All is reverted, and the folder empty that the kubelet made on the node for it.
    const std::string node_root = options.node.proc + "/1/root";
    ::rmdir((node_root + "/run/pawk8s-agent").c_str());
    return 0;
  }
  const std::string text = "pawk8s-agent: " + std::string(MessageOf(ended)) + "\n";
  std::fputs(text.c_str(), stderr);
  // Kubernetes shows this as the reason why the container ended.
  const Fd log(::open("/dev/termination-log", O_WRONLY | O_CLOEXEC));
  if (log.ok())
    IgnoreError(WriteAll(log.get(), text, "the termination log"), "it is on stderr too");
  return 1;
}

std::string Answer(const ResidentOptions& options, const std::string& text) {
  const absl::StatusOr<Request> request = ParseRequest(text);
  if (!request.ok()) return AnswerText(request.status());
  if (!IsForResident(*request)) return AnswerText(AnswerHere(options.node, *request));
  const absl::StatusOr<std::string> answer = AskResident(options.socket, text);
  return answer.ok() ? *answer : AnswerText(answer.status());
}

// In a process of its own: what goes wrong there ends only this request.
bool AnswerApart(const ResidentOptions& options, const std::string& text) {
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(kLongestCallSeconds);
    const absl::Status written =
        WriteAll(STDOUT_FILENO, Answer(options, text) + "\n", "the answer");
    ::_exit(written.ok() ? 0 : 1);
  }
  int ended = 0;
  while (::waitpid(child, &ended, 0) < 0 && errno == EINTR) {
  }
  return child > 0 && ended == 0;
}

int Call(const ResidentOptions& options) {
  std::string pending;
  char piece[16384];
  for (;;) {
    for (std::size_t end; (end = pending.find('\n')) != std::string::npos;) {
      if (!AnswerApart(options, pending.substr(0, end))) return 1;
      pending.erase(0, end + 1);
    }
    // No request is that long: the answer says so, and what follows cannot be understood.
    if (pending.size() > kMaxRequestBytes) {
      AnswerApart(options, pending);
      return 1;
    }
    const ssize_t got = ::read(STDIN_FILENO, piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return pending.empty() || AnswerApart(options, pending) ? 0 : 1;
    pending.append(piece, static_cast<std::size_t>(got));
  }
}

}  // namespace
}  // namespace pawk8s::agent

int main(int argc, char** argv) {
  using namespace pawk8s::agent;  // NOLINT
  const std::string_view verb = argc > 1 ? argv[1] : "";
  if (verb == "burn" && argc == 3) return Burn(std::atoll(argv[2]));
  if (verb == "press" && argc == 4) return Press(std::atoll(argv[2]), std::atoll(argv[3]));
  const ResidentOptions options;
  SeeAllCgroups(options.node);
  if (verb == "serve" && argc == 2) {
    ::prctl(PR_SET_NAME, "pawk8s-init");
    return Supervise([&] {
      ::prctl(PR_SET_NAME, "pawk8s-agent");
      return Serve(options);
    });
  }
  if (verb == "call" && argc == 2) return Call(options);
  std::fputs("usage: pawk8s-agent serve | call\n", stderr);
  return 2;
}
