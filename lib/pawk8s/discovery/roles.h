// Who is what: found by asking the pods.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/discovery/doors.h"
#include "pawk8s/discovery/workload_template.h"
#include "pawk8s/kube/client.h"

namespace pawk8s {

// A workload with its running pods and what one of them answers.
struct Member {
  WorkloadTemplate workload;
  std::vector<kube::Pod> pods;
  std::vector<Door> doors;

  // The first port for which `fits` holds.
  template <class F>
  [[nodiscard]] std::optional<std::uint16_t> PortWhere(F fits) const {
    for (const Door& door : doors) {
      if (fits(door)) return door.port;
    }
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::uint16_t> RpcPort() const;
};

struct Roles {
  std::string ns;
  chain::NodeStatus chain;  // as the first validator says it
  Member validators;
  std::optional<Member> nodes, api;
  // Why a role might be another workload's, empty if nothing else fits.
  std::string validators_doubt, nodes_doubt, api_doubt;
};

[[nodiscard]] absl::StatusOr<Roles> FindRoles(kube::Client& client, const std::string& ns,
                                              const Deadline& deadline);

}  // namespace pawk8s
