// What cases claim of limits, of processor time, and of the quota.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <ostream>
#include <string>
#include <utility>

#include "pawk8s/deployment/cpu_use.h"
#include "pawk8s/deployment/quota.h"
#include "pawk8s/deployment/steady_state.h"
#include "pawk8s/deployment/units.h"
#include "pawk8s/deployment/workload.h"

namespace pawk8s {

inline void PrintTo(const ContainerLimits& limits, std::ostream* out) {
  *out << limits.declared.name << " in " << limits.pod;
}
inline void PrintTo(const CpuUse& use, std::ostream* out) {
  *out << fmt::format("{} in {} ({:.2f} processors, throttled in {} of {} periods)", use.container,
                      use.pod, use.Processors(), use.throttled, use.periods);
}
inline void PrintTo(const HoggedCpu& hogged, std::ostream* out) {
  *out << hogged.use.container << " in " << hogged.use.pod;
}
inline void PrintTo(const SignedBlocks& signing, std::ostream* out) {
  *out << fmt::format("{} commits as told by {}", signing.blocks, signing.told_by);
}
inline void PrintTo(const Quota& quota, std::ostream* out) {
  *out << "ResourceQuota " << quota.name;
}
inline void PrintTo(const QuotaUse& use, std::ostream* out) { PrintTo(use.quota, out); }
inline void PrintTo(const Admission& admission, std::ostream* out) { *out << admission.pod; }

namespace testing {

// What is on its way out does not count.
MATCHER(ServesWithEveryPod, "as many pods of the present revision Ready as are wanted") {
  return arg.replicas > 0 && std::cmp_equal(arg.ReadyPods().size(), arg.replicas);
}

MATCHER(IsHeldToItsLimits,
        "a container whose CPU and memory requests and limits are declared, and enforced") {
  const std::string why = WhyNotEnforced(arg);
  *result_listener << why;
  return why.empty();
}

MATCHER(IsHeldToItsMemoryLimit, "a container whose memory limit is declared, and enforced") {
  const std::string why = WhyMemoryIsNotEnforced(arg);
  *result_listener << why;
  return why.empty();
}

MATCHER_P(UsesAtMost, share,
          fmt::format("a container that uses at most {} of its declared CPU limit",
                      ToText(share))) {
  if (!arg.limit) {
    *result_listener << "which declares none";
    return false;
  }
  *result_listener << "whose limit is " << arg.limit->ToString();
  return arg.over.count() > 0 &&
         arg.Processors() <= share.Of(static_cast<double>(arg.limit->milli) / 1000);
}

MATCHER(IsThrottled, "a container that is throttled") { return arg.throttled > 0; }

MATCHER_P(IsThrottledAtMost, share,
          fmt::format("a container that is throttled in at most {} of its periods",
                      ToText(share))) {
  if (arg.periods <= 0) *result_listener << "of which there is none";
  return arg.periods > 0 && arg.ThrottledPercent() <= share.of_hundred;
}

MATCHER(IsNotRestarted, "a pod without a restart") {
  *result_listener << "which had " << arg.restarts;
  return arg.restarts == 0;
}

MATCHER(IsSignedByAll, "blocks of which every validator signs more than half") {
  for (const auto& [pod, count] : arg.by_pod) {
    if (2 * count > arg.blocks) continue;
    *result_listener << pod << " signed " << count << " of " << arg.blocks;
    return false;
  }
  return arg.blocks > 0 && !arg.by_pod.empty();
}

MATCHER(HasCounted, "a quota whose status is that of its spec") {
  *result_listener << arg.lags;
  return arg.lags.empty();
}

MATCHER(CountsWhatIsThere, "a quota that counts what is there, CPU and memory requests among it") {
  const std::string why = WhyNotCounted(arg);
  *result_listener << why;
  return why.empty();
}

MATCHER(HasRoomForTheNextPods, "a quota with room for one more pod of each workload") {
  const std::string why = WhyNoRoom(arg);
  *result_listener << why;
  return why.empty();
}

MATCHER(IsAdmitted, "a pod that is admitted") {
  *result_listener << (arg.admitted ? "which is" : arg.refusal);
  return arg.admitted;
}

MATCHER(IsRefusedByQuota, "a pod that is refused for exceeding the quota") {
  *result_listener << (arg.admitted ? "which is admitted" : arg.refusal);
  return !arg.admitted && arg.over_quota;
}

}  // namespace testing
}  // namespace pawk8s
