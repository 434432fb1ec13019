#include "pawk8s/discovery/workload_template.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace pawk8s {
namespace {

using kube::FindField;
using kube::FindInt;
using kube::FindList;
using kube::FindMap;
using kube::FindString;
using kube::Json;

bool IsPort(const std::optional<std::int64_t>& port) { return port && *port > 0 && *port < 65536; }

}  // namespace

bool Selects(const Labels& selector, const Labels& labels) {
  return !selector.empty() && std::ranges::includes(labels, selector);
}

std::string NameOf(const Json& object) { return FindString(object, {"name"}).value_or(""); }

std::string MountPath(const Json& container, std::string_view volume) {
  for (const Json& mount : FindList(container, {"volumeMounts"})) {
    if (NameOf(mount) == volume) return FindString(mount, {"mountPath"}).value_or("");
  }
  return "";
}

std::string CommandLine(const Json& container) {
  std::string line;
  for (const char* field : {"command", "args"}) {
    for (const Json& word : FindList(container, {field})) {
      if (word.is_string()) line += (line.empty() ? "" : " ") + word.get<std::string>();
    }
  }
  return line;
}

std::string WorkloadTemplate::ToString() const {
  return WorkloadRef{.kind = kind_, .ns = ns(), .name = name()}.ToString();
}

const Json& WorkloadTemplate::pod_spec() const {
  static const Json none = Json::object();
  const Json* spec = FindField(object_.json(), {"spec", "template", "spec"});
  return spec == nullptr ? none : *spec;
}

Labels WorkloadTemplate::labels() const {
  return FindMap(object_.json(), {"spec", "template", "metadata", "labels"});
}
Labels WorkloadTemplate::selector() const {
  return FindMap(object_.json(), {"spec", "selector", "matchLabels"});
}
std::int64_t WorkloadTemplate::replicas() const {
  return FindInt(object_.json(), {"spec", "replicas"}).value_or(1);
}
const std::vector<Json>& WorkloadTemplate::containers() const {
  return FindList(pod_spec(), {"containers"});
}
const std::vector<Json>& WorkloadTemplate::init_containers() const {
  return FindList(pod_spec(), {"initContainers"});
}
const std::vector<Json>& WorkloadTemplate::volumes() const {
  return FindList(pod_spec(), {"volumes"});
}
const std::vector<Json>& WorkloadTemplate::claim_templates() const {
  return FindList(object_.json(), {"spec", "volumeClaimTemplates"});
}

std::vector<std::uint16_t> WorkloadTemplate::ports() const {
  std::set<std::uint16_t> ports;
  const auto add = [&](const std::optional<std::int64_t>& port) {
    if (IsPort(port)) ports.insert(static_cast<std::uint16_t>(*port));
  };
  for (const Json& container : containers()) {
    for (const Json& port : FindList(container, {"ports"})) {
      if (FindString(port, {"protocol"}).value_or("TCP") == "TCP") {
        add(FindInt(port, {"containerPort"}));
      }
    }
    for (const char* probe : {"startupProbe", "readinessProbe", "livenessProbe"}) {
      for (const char* how : {"httpGet", "tcpSocket", "grpc"}) {
        add(FindInt(container, {probe, how, "port"}));
      }
    }
  }
  return {ports.begin(), ports.end()};
}

std::optional<std::uint16_t> WorkloadTemplate::TargetOf(const Json& service_port) const {
  const auto port = FindInt(service_port, {"port"});
  const auto number = FindInt(service_port, {"targetPort"});
  const auto name = FindString(service_port, {"targetPort"});
  if (name) {
    for (const Json& container : containers()) {
      for (const Json& declared : FindList(container, {"ports"})) {
        const auto target = FindInt(declared, {"containerPort"});
        if (NameOf(declared) == *name && IsPort(target)) {
          return static_cast<std::uint16_t>(*target);
        }
      }
    }
    return std::nullopt;
  }
  const auto target = number ? number : port;
  if (!IsPort(target)) return std::nullopt;
  return static_cast<std::uint16_t>(*target);
}

const Json* WorkloadTemplate::ContainerOf(std::uint16_t port) const {
  for (const Json& container : containers()) {
    for (const Json& declared : FindList(container, {"ports"})) {
      if (FindInt(declared, {"containerPort"}) == port) return &container;
    }
  }
  return containers().size() == 1 ? &containers().front() : nullptr;
}

}  // namespace pawk8s
