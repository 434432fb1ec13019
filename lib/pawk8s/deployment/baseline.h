// What a disruptive case must leave behind as it found it: workloads at their revision and Ready,
// every validator in the set with its power, the chain moving, and no object changed, gone or
// added.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/chain/rpc.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/deployment/inventory.h"

namespace pawk8s {

struct Baseline {
  struct Workload {
    std::string revision;
    int replicas = 0;
    bool settled = false;
    std::string text;  // for messages
  };
  std::map<std::string, Workload> workloads;    // by "StatefulSet paw/paw-validator"
  std::map<std::string, std::int64_t> powers;   // by validator address; jailed ones are absent
  std::map<std::string, std::int64_t> heights;  // by validator pod, of those that answer
  std::set<std::string> catching_up;  // validator pods that fetch blocks, not vote on them
  Inventory inventory;                // every object, field by field
  bool advancing = false;             // a block was made while we looked
  std::string silence;                // why a validator pod did not answer

  static constexpr std::int64_t kMaxHeightSpread = 2;

  // Looks at the deployment for at most a few seconds. An unreachable API server is an error; an
  // unhealthy deployment is not, it is what is recorded.
  static absl::StatusOr<Baseline> Read(Deployment& paw, const Deadline& deadline);

  // What is wrong with it, one sentence each; empty for a healthy deployment.
  [[nodiscard]] std::vector<std::string> Problems() const;
  // What `now` lacks of what this one had; empty if it was regained.
  [[nodiscard]] std::vector<std::string> LostSince(const Baseline& now) const;
};

}  // namespace pawk8s
