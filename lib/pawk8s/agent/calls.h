// Requests to the agent of one pod, each over an exec that is kept for the next one: starting a
// process through API server, kubelet and container runtime costs more than most verbs do.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/kube/client.h"
#include "pawk8s/kube/exec.h"

namespace pawk8s::agent {

// Thread-safe; calls made at the same time have an exec each.
class Calls {
 public:
  Calls(std::shared_ptr<const kube::Client> client, std::string ns, std::string pod);

  // The answer to `request`; both are one line of JSON (protocol.h). One attempt: Unavailable when
  // the agent cannot be reached or ended before it answered, and then the request may have been
  // carried out. DeadlineExceeded and Cancelled as usual.
  [[nodiscard]] absl::StatusOr<std::string> Ask(const std::string& request,
                                                const Deadline& deadline);

 private:
  [[nodiscard]] absl::StatusOr<kube::ExecStream> Take(const Deadline& deadline);
  void Keep(kube::ExecStream stream);

  const std::shared_ptr<const kube::Client> client_;
  const std::string ns_;
  const std::string pod_;
  std::mutex mutex_;
  std::vector<kube::ExecStream> idle_;  // with mutex_ held
};

}  // namespace pawk8s::agent
