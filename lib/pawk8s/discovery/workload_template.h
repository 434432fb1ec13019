// A StatefulSet or Deployment as discovery looks at it: what its template says and refers to.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pawk8s/deployment/profile.h"
#include "pawk8s/kube/objects.h"

namespace pawk8s {

using Labels = std::map<std::string, std::string>;

// True if `labels` has every pair of `selector`, and the selector is not empty.
[[nodiscard]] bool Selects(const Labels& selector, const Labels& labels);

class WorkloadTemplate {
 public:
  WorkloadTemplate(WorkloadKind kind, kube::Object object)
      : kind_(kind), object_(std::move(object)) {}

  [[nodiscard]] WorkloadKind kind() const { return kind_; }
  [[nodiscard]] const kube::Object& object() const { return object_; }
  [[nodiscard]] std::string name() const { return object_.name(); }
  [[nodiscard]] std::string ns() const { return object_.ns(); }
  // "StatefulSet paw/paw-validator"
  [[nodiscard]] std::string ToString() const;

  [[nodiscard]] Labels labels() const;    // of its pods
  [[nodiscard]] Labels selector() const;  // matchLabels
  [[nodiscard]] std::int64_t replicas() const;
  [[nodiscard]] const std::vector<kube::Json>& containers() const;
  [[nodiscard]] const std::vector<kube::Json>& init_containers() const;
  [[nodiscard]] const std::vector<kube::Json>& volumes() const;
  [[nodiscard]] const std::vector<kube::Json>& claim_templates() const;

  // Every TCP port that the template declares or that a probe of it asks.
  [[nodiscard]] std::vector<std::uint16_t> ports() const;
  // The pod's port behind a Service's; nothing for a name that no container declares.
  [[nodiscard]] std::optional<std::uint16_t> TargetOf(const kube::Json& service_port) const;
  // The container that serves `port`: the one that declares it, or the only one there is.
  [[nodiscard]] const kube::Json* ContainerOf(std::uint16_t port) const;

 private:
  [[nodiscard]] const kube::Json& pod_spec() const;

  WorkloadKind kind_;
  kube::Object object_;
};

// Where `container` mounts `volume`; empty if it does not.
[[nodiscard]] std::string MountPath(const kube::Json& container, std::string_view volume);
// Command and arguments, with blanks in between.
[[nodiscard]] std::string CommandLine(const kube::Json& container);
[[nodiscard]] std::string NameOf(const kube::Json& object);

}  // namespace pawk8s
