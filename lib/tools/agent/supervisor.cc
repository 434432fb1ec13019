#include "supervisor.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>

namespace pawk8s::agent {
namespace {

pid_t Start(const std::function<int()>& work, const sigset_t& signals) {
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child != 0) return child;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::sigprocmask(SIG_UNBLOCK, &signals, nullptr);
  ::_exit(::getppid() == parent ? work() : 1);
}

}  // namespace

int Supervise(const std::function<int()>& work) {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGTERM, SIGINT, SIGCHLD}) sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  bool ending = false;
  for (pid_t child = Start(work, signals); child > 0;) {
    int signal = 0;
    ::sigwait(&signals, &signal);
    if (signal != SIGCHLD) {
      ending = true;
      ::kill(child, signal);
      continue;
    }
    int status = 0;
    for (pid_t ended = 0; (ended = ::waitpid(-1, &status, WNOHANG)) > 0;) {
      if (ended != child) continue;
      if (WIFEXITED(status)) return WEXITSTATUS(status);
      if (ending) return 1;
      std::fprintf(stderr, "pawk8s-agent: signal %d ended it, it is started anew\n",
                   WTERMSIG(status));
      child = Start(work, signals);
    }
  }
  std::perror("pawk8s-agent: fork");
  return 1;
}

}  // namespace pawk8s::agent
