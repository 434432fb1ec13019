// The liar between the suite and the API server (proxy/), as a child of this process.
#pragma once

#include <sys/types.h>

#include <map>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "pawk8s/kube/kubeconfig.h"
#include "pawk8s/net/http.h"

namespace pawk8s::selftest {

class Proxy {
 public:
  static absl::StatusOr<std::unique_ptr<Proxy>> Start(const kube::Kubeconfig& upstream);
  ~Proxy();
  Proxy(const Proxy&) = delete;
  Proxy& operator=(const Proxy&) = delete;

  // How the suite reaches it.
  [[nodiscard]] const kube::Kubeconfig& config() const { return config_; }

  [[nodiscard]] absl::Status TellTheTruth();
  // Every change of the deployment is answered with yes, and not made.
  [[nodiscard]] absl::Status ChangeNothing();
  // Through `channel` comes an error, or (silence) nothing. From the change on: only once something
  // has been changed, but then through open streams, too.
  enum class From { kStart, kChange };
  [[nodiscard]] absl::Status Blind(const std::string& channel, const std::string& how, From from);
  // How often each channel was used since the last call; "hidden": how often one was blind.
  [[nodiscard]] absl::StatusOr<std::map<std::string, int>> TakeSeen();

 private:
  Proxy() = default;
  absl::Status SetMode(const std::string& json);

  pid_t pid_ = 0;
  int input_ = -1;
  kube::Kubeconfig config_;
  std::string control_;
  net::HttpClient http_;
};

}  // namespace pawk8s::selftest
