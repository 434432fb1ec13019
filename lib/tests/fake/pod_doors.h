// What fake pods answer on their ports, for tests that ask pods.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace pawk8s::fake {

// The body of a 200 to a GET of that path; nothing: 404.
using Pages = std::function<std::optional<std::string>(const std::string& path)>;

struct PodDoor {
  Pages pages;           // speaks HTTP/1.1 if set
  std::string greeting;  // else says this as soon as somebody connects, and no more
};

// One validator's RPC, on a chain that makes ten blocks a second.
[[nodiscard]] Pages ChainPages();

// Thread-safe. By pod and port; a pod without a name stands for all that have no door of their own.
class PodDoors {
 public:
  void Open(const std::string& pod, int port, PodDoor door) {
    const std::lock_guard lock(mutex_);
    doors_[{pod, port}] = std::move(door);
  }
  [[nodiscard]] std::optional<PodDoor> Find(const std::string& pod, int port) const {
    const std::lock_guard lock(mutex_);
    auto found = doors_.find({pod, port});
    if (found == doors_.end()) found = doors_.find({"", port});
    if (found == doors_.end()) return std::nullopt;
    return found->second;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, int>, PodDoor> doors_;
};

}  // namespace pawk8s::fake
