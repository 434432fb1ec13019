// What a pod's or a template's spec says of its containers. The contract of object.h holds: nothing
// here throws, whatever the JSON is; the API's defaults are filled in.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pawk8s/kube/object.h"
#include "pawk8s/kube/quantity.h"

namespace pawk8s::kube {

struct Probe {
  enum class Kind { kHttp, kExec, kTcp, kGrpc };
  Kind kind = Kind::kHttp;
  std::string path = "/";            // of kHttp
  std::string scheme = "HTTP";       // of kHttp
  std::int64_t port = 0;             // named ports are looked up; 0: there is none of that name
  std::vector<std::string> command;  // of kExec
  std::chrono::seconds initial_delay{0};
  std::chrono::seconds period{10};
  std::chrono::seconds timeout{1};
  std::int64_t failure_threshold = 3;

  // From the first failure of a container that hangs to the verdict, at the longest.
  [[nodiscard]] std::chrono::seconds Budget() const { return period * failure_threshold + timeout; }
};

struct ContainerSpec {
  std::string name;
  std::string image;
  std::map<std::string, Quantity> requests;  // what is no quantity is left out
  std::map<std::string, Quantity> limits;
  std::optional<Probe> startup;
  std::optional<Probe> readiness;
  std::optional<Probe> liveness;
  bool has_pre_stop = false;
  std::map<std::string, std::int64_t> ports;         // by name
  std::map<std::string, std::string> volume_mounts;  // volume -> path
};

// Of `spec` of a pod or of a pod template.
[[nodiscard]] std::vector<ContainerSpec> ContainersOf(const Json& spec);
[[nodiscard]] std::vector<ContainerSpec> InitContainersOf(const Json& spec);
[[nodiscard]] const ContainerSpec* FindContainer(const std::vector<ContainerSpec>& containers,
                                                 std::string_view name);

// What the scheduler and a quota count for a pod: containers together, or the largest init
// container if that is more.
[[nodiscard]] std::map<std::string, Quantity> RequestsOf(const Json& spec);

}  // namespace pawk8s::kube
