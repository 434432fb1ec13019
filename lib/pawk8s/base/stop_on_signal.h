// Turns SIGINT and SIGTERM into a stop request, so that what is under way unwinds and restores.
#pragma once

#include <csignal>
#include <stop_token>
#include <string>
#include <thread>

namespace pawk8s {

// One a process, made before any other thread. Says `message` on stderr when a signal comes.
class StopOnSignal {
 public:
  explicit StopOnSignal(std::string message);
  [[nodiscard]] std::stop_token token() const { return cancelled_.get_token(); }

 private:
  sigset_t signals_{};
  std::stop_source cancelled_;
  std::jthread waiter_;
};

}  // namespace pawk8s
