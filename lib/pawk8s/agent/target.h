// What a verb acts on: a container of a pod, or the network of a pod or of the node.
#pragma once

#include <string>

#include "pawk8s/agent/codec.h"

namespace pawk8s::agent {

// A running container by identity, never by name: when the pod was replaced or the container
// restarted, a verb fails with NotFound and IsTargetGone() instead of hitting the successor.
struct Target {
  std::string pod_uid;
  std::string container_id;              // without "containerd://"
  std::optional<std::string> process{};  // name (comm); none: every process of the container

  bool operator==(const Target&) const = default;
  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("pod_uid", self.pod_uid, Text{.min = 1, .max = 64});
    field("container_id", self.container_id, Text{.min = 12, .max = 128});
    field("process", self.process, Text{.min = 1, .max = 15});
  }
};

// A network namespace: that of a pod, or the node's own when no pod is named.
struct Place {
  std::optional<std::string> pod_uid{};

  bool operator==(const Place&) const = default;
  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("pod_uid", self.pod_uid, Text{.min = 1, .max = 64});
  }
};

}  // namespace pawk8s::agent
