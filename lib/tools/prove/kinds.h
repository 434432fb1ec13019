// From "StatefulSet paw/paw-validator" to where the API server has it.
#pragma once

#include <map>
#include <string>

#include "absl/status/statusor.h"
#include "pawk8s/kube/client.h"
#include "prove/steps.h"

namespace pawk8s::prove {

// Asks the API server for what it does not know, once a kind.
class Kinds {
 public:
  explicit Kinds(kube::Client& client) : client_(client) {}

  // NotFound if no group of the API server has such a kind; InvalidArgument if a namespace is
  // given to a kind that has none, or missing. "PersistentVolume namespace/claim" is the volume
  // that the claim is bound to: NotFound if it is to none.
  [[nodiscard]] absl::StatusOr<kube::ObjectRef> Resolve(std::string_view object,
                                                        const Deadline& deadline);
  // Of a manifest. Its namespace, if it names none, is `ns`.
  [[nodiscard]] absl::StatusOr<kube::ObjectRef> ResolveManifest(const nlohmann::json& manifest,
                                                                const std::string& ns,
                                                                const Deadline& deadline);

 private:
  absl::StatusOr<kube::GroupVersionResource> Find(const ObjectName& name, const Deadline& deadline);
  absl::StatusOr<kube::ObjectRef> VolumeOf(const std::string& ns, const std::string& claim,
                                           const Deadline& deadline);

  kube::Client& client_;
  std::map<std::string, kube::GroupVersionResource> found_;  // by "Kind.group"
};

}  // namespace pawk8s::prove
