// What cases claim of pods and of what is in them: start, restart, genesis.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>
#include <vector>

#include "pawk8s/base/duration.h"
#include "pawk8s/deployment/genesis.h"
#include "pawk8s/deployment/rehearsal.h"
#include "pawk8s/deployment/replacement.h"
#include "pawk8s/deployment/restart.h"
#include "pawk8s/deployment/start_order.h"
#include "pawk8s/deployment/workload.h"

namespace pawk8s {

namespace kube {
inline void PrintTo(const Pod& pod, std::ostream* out) { *out << pod.name(); }
}  // namespace kube
inline void PrintTo(const GenesisDemand& demand, std::ostream* out) {
  *out << demand.where << " is '" << demand.sha256 << "'";
}
inline void PrintTo(const PodGenesis& genesis, std::ostream* out) { *out << genesis.pod; }

inline void PrintTo(const Rehearsed& rehearsed, std::ostream* out) {
  *out << "the start of " << rehearsed.of;
}
inline void PrintTo(const Comeback& comeback, std::ostream* out) {
  *out << comeback.pod << (comeback.lacks.empty() ? " is back" : ": " + comeback.lacks);
}
inline void PrintTo(const Lag& lag, std::ostream* out) {
  *out << lag.pod << " is " << lag.blocks << " blocks behind";
}
inline void PrintTo(const ObservedReplacement& seen, std::ostream* out) {
  *out << seen.pod.old_pod.name();
}

namespace testing {

MATCHER(HasEveryPod, "as many pods as it wants") {
  return !arg.pods.empty() && std::cmp_equal(arg.pods.size(), arg.replicas);
}

MATCHER_P2(StartedInOrder, init, container,
           fmt::format("a pod that ran {} to their end, one after another, and then {}",
                       fmt::join(init, ", "), container)) {
  const std::string why = WhyNotStartedInOrder(arg, init, container);
  *result_listener << why;
  return why.empty();
}

MATCHER(IsADigest, "64 hex digits") { return IsSha256(arg.sha256); }

MATCHER_P(HasGenesis, demand,
          fmt::format("a pod whose genesis has sha256 {} and is of chain {}, which it runs",
                      demand.sha256, demand.chain_id)) {
  const std::string why = WhyNotTheGenesis(demand, arg);
  *result_listener << why;
  return why.empty();
}

MATCHER(IsBack, "a pod that is back in place after one restart") { return arg.lacks.empty(); }

MATCHER_P(IsBehindByAtMost, blocks,
          fmt::format("a validator that is at most {} blocks behind", blocks)) {
  return arg.blocks <= blocks;
}

MATCHER_P2(EndedCleanly, container, codes,
           fmt::format("a pod whose {} ends a SIGTERM with exit code {}", container,
                       fmt::join(codes, " or "))) {
  const auto ended = arg.Ending(container);
  if (!ended) {
    *result_listener << "how it ended was not seen";
    return false;
  }
  *result_listener << "which ended with exit code " << ended->exit_code.value_or(-1);
  // 137 is SIGKILL: no profile can call that clean.
  return ended->exit_code && *ended->exit_code != 137 &&
         std::ranges::find(codes, *ended->exit_code) != codes.end();
}

MATCHER_P2(EndedBeforeItsGrace, container, least,
           fmt::format("a pod whose {} ends at least {} before its grace period", container,
                       InSeconds(least))) {
  const auto margin = arg.StopMargin(container);
  *result_listener << (margin ? "which leaves " + InSeconds(*margin) : "when was not seen");
  return margin && *margin >= least;
}

MATCHER_P(ServedAfterRemovalFor, least,
          "a pod that answers for at least " + InSeconds(least) +
              " after it left the ready endpoints") {
  // Ten requests a second: fewer than half of those that such a time has are no measurement.
  constexpr int kLeastBefore = 3;
  const auto served = arg.ServedAfterRemoval();
  *result_listener << (served ? "which answers for " + InSeconds(*served) : "which never left them")
                   << ", and answered " << arg.AnsweredBefore() << " requests before";
  return served && *served >= least && arg.AnsweredBefore() >= kLeastBefore;
}

MATCHER_P(DeclaresPreStop, container, "a pod whose " + container + " declares preStop") {
  return HasPreStop(arg.pod.old_pod, container);
}

MATCHER(HasNoFailedHook, "a pod without FailedPreStopHook event") {
  for (const std::string& message : arg.failed_hooks) *result_listener << message << " ";
  return arg.failed_hooks.empty();
}

MATCHER_P(CompletesInit, init,
          fmt::format("a start whose {} end with exit code 0", fmt::join(init, " and "))) {
  const std::string why = WhyNotCompleted(arg, init);
  *result_listener << "in which " << why;
  return why.empty();
}

MATCHER_P2(IsStoppedBy, barrier, next,
           fmt::format("a start that {} ends with an error before {} runs", barrier, next)) {
  const std::string why = WhyNotStopped(arg, barrier, next);
  *result_listener << "in which " << why;
  return why.empty();
}

// Of the files that were read after the init containers.
MATCHER_P2(LeavesFile, path, sha256,
           fmt::format("a start that leaves {} with sha256 {}", path, sha256)) {
  const auto found = arg.digests.find(path);
  const std::string is = found == arg.digests.end() ? "" : found->second;
  *result_listener << (is.empty() ? "after which it is not there" : "after which it is " + is);
  return is == sha256;
}

MATCHER(KeepsItsClaim, "a successor on the same claim and volume") {
  const MountedClaim& after = arg.claim_after;
  *result_listener << (after.claim.empty() ? "which mounts no claim there"
                                           : fmt::format("which mounts {} ({}, volume {})",
                                                         after.claim, after.uid, after.volume));
  return !arg.claim_before.claim.empty() && !after.volume.empty() && arg.claim_before == after;
}

MATCHER(KeepsItsData, "a successor that reads what was written before the deletion") {
  *result_listener << (arg.mark_in_next ? "which reads " + *arg.mark_in_next
                                        : std::string("which finds no such file"));
  return !arg.mark.empty() && arg.mark_in_next == arg.mark;
}

}  // namespace testing
}  // namespace pawk8s
