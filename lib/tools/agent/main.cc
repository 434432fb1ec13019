// pawk8s-agent: what runs in each pod of the agent's DaemonSet.
//
//   pawk8s-agent serve   what the pod runs: owns the faults of its node (supervisor.h, resident.h)
//   pawk8s-agent call    one request as JSON on stdin, its answer on stdout (protocol.h)
//
// A call ends with 0 whenever it has an answer, be it an error; with 1 when it has none.
#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
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

int Call(const ResidentOptions& options) {
  ::alarm(kLongestCallSeconds);
  const absl::StatusOr<std::string> text = ReadAll(STDIN_FILENO, kMaxRequestBytes, "the request");
  const std::string answer = text.ok() ? Answer(options, *text) : AnswerText(text.status());
  return WriteAll(STDOUT_FILENO, answer, "the answer").ok() ? 0 : 1;
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
