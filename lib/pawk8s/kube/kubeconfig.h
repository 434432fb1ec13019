// Where the cluster is and who we are there, from a kubeconfig file or from inside a pod.
//
//   ASSIGN_OR_RETURN(const auto config, kube::Kubeconfig::Load({}));
//
// Each way in which the input can be bad is one sentence that says what to do.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"

namespace pawk8s::kube {

// A program that prints an ExecCredential (client.authentication.k8s.io/v1 or v1beta1).
struct ExecPlugin {
  std::string api_version;
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;
  std::string install_hint;
  bool provide_cluster_info = false;
};

struct Kubeconfig {
  std::string source;   // the file, or "the pod's service account": for messages
  std::string context;  // empty in a pod
  std::string server;   // "https://host:port", without a slash at the end
  std::string tls_server_name;
  std::string ca_pem;
  std::string client_certificate_pem;
  std::string client_key_pem;
  std::string token;
  std::string token_file;  // read again when it is a minute old
  std::string username;
  std::string password;
  std::optional<ExecPlugin> exec;
  std::string impersonate_user;
  std::vector<std::string> impersonate_groups;
  std::string ns = "default";

  struct Source {
    std::string path;     // empty: $KUBECONFIG, then ~/.kube/config, then the pod's own account
    std::string context;  // empty: the file's current-context
  };
  // Reads files and nothing else: no connection is made and no exec plugin is run. NotFound (no
  // such file or context), InvalidArgument (cannot be used as it is), Unauthenticated (the client
  // certificate has expired).
  [[nodiscard]] static absl::StatusOr<Kubeconfig> Load(const Source& from);
};

}  // namespace pawk8s::kube
