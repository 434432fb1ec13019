#pragma once

#include <csignal>

namespace pawk8s::net::internal {

// A peer that went away is an error to report, not a reason to die. A handler that the program has
// set itself is left alone.
inline void IgnoreSigpipe() {
  static const bool once = [] {
    struct sigaction now {};
    if (sigaction(SIGPIPE, nullptr, &now) == 0 && now.sa_handler == SIG_DFL) {
      std::signal(SIGPIPE, SIG_IGN);
    }
    return true;
  }();
  static_cast<void>(once);
}

}  // namespace pawk8s::net::internal
