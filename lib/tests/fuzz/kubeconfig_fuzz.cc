// The kubeconfig's parser. Files that it names are read, exec plugins are not run.
#include <stdlib.h>
#include <unistd.h>

#include <cstdint>
#include <functional>
#include <string>

#include "pawk8s/base/status.h"
#include "pawk8s/kube/kubeconfig.h"

namespace {

// One file in memory, written anew for each input.
std::string FileWith(const std::uint8_t* data, std::size_t size) {
  static const std::string path = [] {
    std::string pattern = "/dev/shm/pawk8s-fuzz-XXXXXX";
    const int fd = mkstemp(pattern.data());
    if (fd < 0) abort();
    close(fd);
    static std::string kept;
    kept = pattern;
    atexit([] { unlink(kept.c_str()); });
    return pattern;
  }();
  std::FILE* file = fopen(path.c_str(), "wb");
  if (file == nullptr) abort();
  fwrite(data, 1, size, file);
  fclose(file);
  return path;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto config = pawk8s::kube::Kubeconfig::Load({.path = FileWith(data, size), .context = ""});
  if (config.ok()) return 200;
  const auto message = pawk8s::MessageOf(config.status());
  if (message.empty()) abort();
  return static_cast<int>(std::hash<std::string_view>()(message) % 200);
}
