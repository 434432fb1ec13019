// Everything of the deployment that a case might change and forget: the part of a baseline that is
// compared object by object.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/kube/object.h"

namespace pawk8s {

struct Inventory {
  // "Service paw/paw-rpc" -> what of it must stay: labels, annotations and all but its status.
  // Pods are here only if no controller has made them.
  std::map<std::string, kube::Json> objects;

  // Reads the objects of the namespace, its volumes, and the marks on the nodes.
  static absl::StatusOr<Inventory> Read(Deployment& paw, const Deadline& deadline);

  // What differs in `now`, one sentence an object: gone, left behind, or which field changed.
  [[nodiscard]] std::vector<std::string> DifferencesTo(const Inventory& now) const;
};

// What of an object must stay.
[[nodiscard]] kube::Json Essence(const kube::Object& object);

}  // namespace pawk8s
