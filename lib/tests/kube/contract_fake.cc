#include "fake/fake_api_server.h"
#include "kube/contract_test.h"

namespace pawk8s::kube {
namespace {

class Fake final : public ContractTarget {
 public:
  Fake() {
    // Every cluster has a DNS server with an HTTP port.
    api_.store().Put("/api/v1/namespaces/kube-system/pods/coredns-1",
                     {{"metadata",
                       {{"name", "coredns-1"},
                        {"namespace", "kube-system"},
                        {"labels", {{"k8s-app", "kube-dns"}}}}},
                      {"status",
                       {{"phase", "Running"},
                        {"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}}}});
  }
  [[nodiscard]] Kubeconfig config() const override { return api_.config(); }
  [[nodiscard]] std::string image() const override { return "fake"; }

 private:
  using Json = fake::Json;
  fake::FakeApiServer api_;
};

}  // namespace

absl::StatusOr<std::unique_ptr<ContractTarget>> MakeContractTarget() {
  return std::make_unique<Fake>();
}

}  // namespace pawk8s::kube
