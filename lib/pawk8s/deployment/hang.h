// A validator whose program hangs: frozen by SIGSTOP, with all that the cluster should do about it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/fault/faults.h"

namespace pawk8s {

// One freeze and thaw, as the API server and a client of the RPC Service saw it. Absent times: it
// did not happen as long as it was waited for.
struct Hang {
  std::string pod;
  std::string service;
  std::string client;              // the pod that connected to the Service
  Millis readiness_budget{0};      // from the freeze to the verdict of its readiness probe, at most
  std::optional<Millis> unready;   // frozen -> Ready is not True
  std::optional<Millis> unlisted;  // not Ready -> not ready in the Service
  std::int64_t restarts_until_unready = 0;
  std::vector<bool> answered;    // fresh connections to the Service once its time to leave was over
  std::optional<Millis> ready;   // thawed -> Ready again
  std::optional<Millis> listed;  // thawed -> ready in the Service again
  std::int64_t restarts = 0;     // of any container, over the whole time

  [[nodiscard]] std::int64_t Answered() const;
  [[nodiscard]] kube::Json ToJson() const;
  // Throws nlohmann::json::exception when a member is missing or of another type.
  [[nodiscard]] static Hang FromJson(const kube::Json& json);
};

// Freezes `victim` until it has left the RPC Service, or its time to do so (thresholds) is over,
// connects to the Service from a full node's pod, thaws it and waits until it is back.
[[nodiscard]] absl::StatusOr<Hang> HangAndThaw(Deployment& paw, fault::Faults& faults,
                                               agent::Agent& agents, const kube::Pod& victim,
                                               const Deadline& deadline);

// From a container's hang to its new start, by the pod's own figures: liveness probe, then the
// grace period. Empty if it has no liveness probe.
[[nodiscard]] std::optional<Millis> RestartBudget(const kube::Pod& pod,
                                                  const std::string& container);

}  // namespace pawk8s
