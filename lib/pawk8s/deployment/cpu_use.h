// What containers may use by their specs, what their cgroups enforce, and how much processor time
// they took and were refused over a while.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/fault/faults.h"
#include "pawk8s/kube/pod_spec.h"

namespace pawk8s {

struct ContainerLimits {
  std::string pod;
  kube::ContainerSpec declared;
  agent::CgroupFacts enforced;
};
// Of all containers of a running pod, which has at least one.
[[nodiscard]] absl::StatusOr<std::vector<ContainerLimits>> ReadLimits(agent::Agent& agents,
                                                                      const kube::Pod& pod,
                                                                      const Deadline& deadline);
// Of one of them; NotFound if the pod has no such container.
[[nodiscard]] absl::StatusOr<ContainerLimits> ReadLimitsOf(agent::Agent& agents,
                                                           const kube::Pod& pod,
                                                           const std::string& container,
                                                           const Deadline& deadline);

// Which request or limit is not declared, or enforced otherwise than declared; empty if all are
// enforced. Memory may be rounded to pages; of the processor, systemd rounds up to a hundredth of
// the period and the kernel grants at least 1 ms of it.
[[nodiscard]] std::string WhyNotEnforced(const ContainerLimits& limits);
// The same of the memory limit alone.
[[nodiscard]] std::string WhyMemoryIsNotEnforced(const ContainerLimits& limits);

// A container's processor time between two readings of its cgroup.
struct CpuUse {
  std::string pod;
  std::string container;
  std::optional<kube::Quantity> limit;  // declared
  Millis over{0};
  Millis used{0};
  std::int64_t periods = 0;
  std::int64_t throttled = 0;  // of those

  // In processors; 0 over no time.
  [[nodiscard]] double Processors() const;
  // The share of the periods in hundredths; 0 without any.
  [[nodiscard]] double ThrottledPercent() const;
  friend bool operator==(const CpuUse&, const CpuUse&) = default;
};
[[nodiscard]] absl::StatusOr<agent::CgroupFacts> ReadCgroup(agent::Agent& agents,
                                                            const kube::Pod& pod,
                                                            const std::string& container,
                                                            const Deadline& deadline);
[[nodiscard]] CpuUse UseBetween(const kube::Pod& pod, const std::string& container,
                                const agent::CgroupFacts& before, const agent::CgroupFacts& after);

// Were busy threads really there, and free to take what they may? They were if they came near the
// limit, or took half of it (of one processor, if that is less, or if there is none) and were
// held back.
[[nodiscard]] bool WasAskedForAll(const CpuUse& use);

// What one container did while more was asked of it than it may take.
struct HoggedCpu {
  CpuUse use;
  int threads = 0;
  std::int64_t restarts = 0;  // of any container of the pod meanwhile
  BlockRange blocks;          // as another validator made them meanwhile
};
// Busy threads in the validator's container for `hold`: one more than its limit could serve, two if
// it declares none. An error means that they did not run or could not be followed.
[[nodiscard]] absl::StatusOr<HoggedCpu> HogCpu(Deployment& paw, fault::Faults& faults,
                                               agent::Agent& agents, const kube::Pod& victim,
                                               const kube::Pod& witness, Millis hold,
                                               const Deadline& deadline);

}  // namespace pawk8s
