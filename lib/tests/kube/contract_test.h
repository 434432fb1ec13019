// The contract suite runs the same bodies against the fake API server and a real cluster: whoever
// links it says where.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "pawk8s/kube/kubeconfig.h"

namespace pawk8s::kube {

class ContractTarget {
 public:
  virtual ~ContractTarget() = default;
  // As an administrator.
  [[nodiscard]] virtual Kubeconfig config() const = 0;
  // Of the pod that exec and eviction are tried on: has `sh` and `cat`.
  [[nodiscard]] virtual std::string image() const = 0;
};

// One for each test. Fails when there is none to be had.
absl::StatusOr<std::unique_ptr<ContractTarget>> MakeContractTarget();

}  // namespace pawk8s::kube
