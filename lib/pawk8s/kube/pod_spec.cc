#include "pawk8s/kube/pod_spec.h"

#include <algorithm>

namespace pawk8s::kube {
namespace {

std::map<std::string, Quantity> QuantitiesAt(const Json& json, FieldPath path) {
  std::map<std::string, Quantity> quantities;
  const Json* found = FindField(json, path);
  if (found == nullptr || !found->is_object()) return quantities;
  for (const auto& [name, value] : found->items()) {
    // The API server writes text; a client may have written a number.
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    if (const auto quantity = ParseQuantity(text)) quantities[name] = *quantity;
  }
  return quantities;
}

std::int64_t PortAt(const Json& action, const std::map<std::string, std::int64_t>& ports) {
  if (const auto number = FindInt(action, {"port"})) return *number;
  const auto found = ports.find(FindString(action, {"port"}).value_or(""));
  return found == ports.end() ? 0 : found->second;
}

std::optional<Probe> ProbeAt(const Json& container, std::string_view field,
                             const std::map<std::string, std::int64_t>& ports) {
  const Json* json = FindField(container, {field});
  if (json == nullptr || !json->is_object()) return std::nullopt;
  Probe probe;
  if (const Json* http = FindField(*json, {"httpGet"})) {
    probe.path = FindString(*http, {"path"}).value_or("/");
    probe.scheme = FindString(*http, {"scheme"}).value_or("HTTP");
    probe.port = PortAt(*http, ports);
  } else if (const Json* exec = FindField(*json, {"exec"})) {
    probe.kind = Probe::Kind::kExec;
    for (const Json& word : FindList(*exec, {"command"})) {
      if (word.is_string()) probe.command.push_back(word.get<std::string>());
    }
  } else if (const Json* tcp = FindField(*json, {"tcpSocket"})) {
    probe.kind = Probe::Kind::kTcp;
    probe.port = PortAt(*tcp, ports);
  } else {
    probe.kind = Probe::Kind::kGrpc;
    probe.port = FindInt(*json, {"grpc", "port"}).value_or(0);
  }
  const auto seconds = [&](std::string_view key, std::chrono::seconds otherwise) {
    const auto value = FindInt(*json, {key});
    return value ? std::chrono::seconds(*value) : otherwise;
  };
  probe.initial_delay = seconds("initialDelaySeconds", probe.initial_delay);
  probe.period = seconds("periodSeconds", probe.period);
  probe.timeout = seconds("timeoutSeconds", probe.timeout);
  probe.failure_threshold = FindInt(*json, {"failureThreshold"}).value_or(probe.failure_threshold);
  return probe;
}

std::vector<ContainerSpec> ReadContainers(const Json& spec, std::string_view field) {
  std::vector<ContainerSpec> containers;
  for (const Json& json : FindList(spec, {field})) {
    ContainerSpec container{.name = FindString(json, {"name"}).value_or(""),
                            .image = FindString(json, {"image"}).value_or(""),
                            .requests = QuantitiesAt(json, {"resources", "requests"}),
                            .limits = QuantitiesAt(json, {"resources", "limits"}),
                            .has_pre_stop = FindField(json, {"lifecycle", "preStop"}) != nullptr};
    for (const Json& port : FindList(json, {"ports"})) {
      const auto number = FindInt(port, {"containerPort"});
      const auto name = FindString(port, {"name"});
      if (number && name) container.ports[*name] = *number;
    }
    for (const Json& mount : FindList(json, {"volumeMounts"})) {
      const auto volume = FindString(mount, {"name"});
      const auto path = FindString(mount, {"mountPath"});
      if (volume && path) container.volume_mounts[*volume] = *path;
    }
    container.startup = ProbeAt(json, "startupProbe", container.ports);
    container.readiness = ProbeAt(json, "readinessProbe", container.ports);
    container.liveness = ProbeAt(json, "livenessProbe", container.ports);
    containers.push_back(std::move(container));
  }
  return containers;
}

}  // namespace

std::vector<ContainerSpec> ContainersOf(const Json& spec) {
  return ReadContainers(spec, "containers");
}
std::vector<ContainerSpec> InitContainersOf(const Json& spec) {
  return ReadContainers(spec, "initContainers");
}

const ContainerSpec* FindContainer(const std::vector<ContainerSpec>& containers,
                                   std::string_view name) {
  const auto found = std::ranges::find(containers, name, &ContainerSpec::name);
  return found == containers.end() ? nullptr : &*found;
}

std::map<std::string, Quantity> RequestsOf(const Json& spec) {
  std::map<std::string, Quantity> sum;
  for (const ContainerSpec& container : ContainersOf(spec)) {
    for (const auto& [resource, quantity] : container.requests) sum[resource] += quantity;
  }
  for (const ContainerSpec& container : InitContainersOf(spec)) {
    for (const auto& [resource, quantity] : container.requests) {
      sum[resource] = std::max(sum[resource], quantity);
    }
  }
  return sum;
}

}  // namespace pawk8s::kube
