#pragma once

#include <chrono>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/kube/kubeconfig.h"
#include "pawk8s/kube/object.h"
#include "pawk8s/net/http.h"
#include "pawk8s/net/tls.h"

namespace pawk8s::kube::internal {

// What a connection shows to the API server.
struct Credential {
  std::vector<net::Header> headers;  // Authorization
  net::TlsOptions tls;
  int tls_generation = 0;  // another number: connections made before show an old certificate
};

// The credential of a kubeconfig, kept fresh: runs the exec plugin, reads the token file again.
// Thread-safe; shared by all clones of a client.
class Credentials {
 public:
  explicit Credentials(Kubeconfig config) : config_(std::move(config)) {}

  // Unauthenticated when the exec plugin fails; its message is one sentence with the plugin's
  // name, exit code and last words.
  absl::StatusOr<Credential> Get(const Deadline& deadline);

  // The server has refused the credential: run the plugin anew at the next Get().
  void Forget();

  [[nodiscard]] const Kubeconfig& config() const { return config_; }

 private:
  absl::Status RunPlugin(const Deadline& deadline);
  absl::Status ReadTokenFile();
  std::string ExecInfo() const;

  const Kubeconfig config_;
  std::mutex mutex_;
  bool have_ = false;
  std::string token_;
  std::string certificate_pem_;
  std::string key_pem_;
  int generation_ = 0;
  SystemTime expires_ = SystemTime::max();
};

}  // namespace pawk8s::kube::internal
