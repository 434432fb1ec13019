#include "pawk8s/base/stop_on_signal.h"

#include <cstdio>
#include <ctime>
#include <utility>

namespace pawk8s {

StopOnSignal::StopOnSignal(std::string message) {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
  waiter_ = std::jthread([this, text = std::move(message) + "\n"](const std::stop_token& done) {
    const timespec tick{.tv_sec = 0, .tv_nsec = 100'000'000};
    while (!done.stop_requested()) {
      if (sigtimedwait(&signals_, nullptr, &tick) > 0) {
        std::fputs(text.c_str(), stderr);
        cancelled_.request_stop();
      }
    }
  });
}

}  // namespace pawk8s
