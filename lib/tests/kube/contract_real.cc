#include <cstdlib>

#include "kube/contract_test.h"
#include "pawk8s/base/status.h"

namespace pawk8s::kube {
namespace {

class Real final : public ContractTarget {
 public:
  Real(Kubeconfig config, std::string image)
      : config_(std::move(config)), image_(std::move(image)) {}
  [[nodiscard]] Kubeconfig config() const override { return config_; }
  [[nodiscard]] std::string image() const override { return image_; }

 private:
  const Kubeconfig config_;
  const std::string image_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ContractTarget>> MakeContractTarget() {
  const char* path = std::getenv("PAWK8S_CONTRACT_KUBECONFIG");
  const char* image = std::getenv("PAWK8S_CONTRACT_IMAGE");
  if (path == nullptr || *path == '\0') {
    return absl::FailedPreconditionError(
        "PAWK8S_CONTRACT_KUBECONFIG is not set; name the kubeconfig of a cluster to try");
  }
  if (image == nullptr || *image == '\0') {
    return absl::FailedPreconditionError(
        "PAWK8S_CONTRACT_IMAGE is not set; name an image with sh and cat that the cluster can "
        "pull");
  }
  ASSIGN_OR_RETURN(Kubeconfig config, Kubeconfig::Load({path, ""}));
  return std::make_unique<Real>(std::move(config), image);
}

}  // namespace pawk8s::kube
