// What cases of several suites judge: a rollout that changes nothing but an annotation.
#pragma once

#include "pawk8s/deployment/rolling_update.h"
#include "pawk8s/testing/case.h"

namespace pawk8s::testing {

class RolloutCase : public Case {
 protected:
  RollingUpdate RolledOut() {
    return Shared<RollingUpdate>("rollout", [&] {
      return RollOutAnnotation(paw(), faults(), Provides("agent") ? &agents() : nullptr,
                               profile().thresholds.disruption_budget.rolled_out, deadline());
    });
  }
};

}  // namespace pawk8s::testing
