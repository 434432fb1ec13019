// What cases of several suites judge: the deployment while nothing is asked of it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "pawk8s/deployment/steady_state.h"
#include "pawk8s/testing/case.h"

namespace pawk8s::testing {

class SteadyStateCase : public Case {
 protected:
  // Of the validators, Ready or not, and the Ready pods of the other workloads that there are.
  SteadyState Watched() {
    return Shared<SteadyState>("steady", [&]() -> absl::StatusOr<SteadyState> {
      std::vector<kube::Pod> pods = Must(paw().Read(profile().validators, deadline())).pods;
      for (const auto& [need, workload] :
           {std::pair("nodes", profile().nodes), std::pair("api", profile().api)}) {
        if (!Provides(need)) continue;
        const std::vector<kube::Pod> ready = Must(paw().Read(workload, deadline())).ReadyPods();
        pods.insert(pods.end(), ready.begin(), ready.end());
      }
      return Must(WatchSteadyState(paw(), Provides("agent") ? &agents() : nullptr, pods,
                                   profile().thresholds.steady, deadline()));
    });
  }
};

}  // namespace pawk8s::testing
