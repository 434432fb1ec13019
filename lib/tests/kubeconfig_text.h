// A kubeconfig as a file, for programs that a test starts.
#pragma once

#include <fmt/format.h>

#include <string>

#include "pawk8s/kube/kubeconfig.h"
#include "pawk8s/net/digest.h"

namespace pawk8s {

inline std::string KubeconfigText(const kube::Kubeconfig& config) {
  return fmt::format(
      "current-context: main\n"
      "contexts: [{{name: main, context: {{cluster: c, user: u}}}}]\n"
      "clusters: [{{name: c, cluster: {{server: '{}', certificate-authority-data: {}}}}}]\n"
      "users: [{{name: u, user: {{token: '{}'}}}}]\n",
      config.server, net::Base64Encode(config.ca_pem), config.token);
}

}  // namespace pawk8s
