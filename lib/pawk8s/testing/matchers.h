// What cases claim, as gmock matchers: pure, one sentence each, and each explanation names the
// object that it speaks of. Printers for their arguments are here too.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "pawk8s/base/duration.h"
#include "pawk8s/chain/rpc.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/deployment/signing.h"
#include "pawk8s/deployment/workload.h"
#include "pawk8s/fault/pod_replacement.h"

namespace pawk8s {

inline void PrintTo(const WorkloadState& state, std::ostream* out) { *out << state.ToString(); }
inline void PrintTo(const PodNode& node, std::ostream* out) {
  *out << node.pod << " (node id " << node.status.id.hex << ", " << node.ip << ")";
}
inline void PrintTo(const BlockRange& range, std::ostream* out) {
  *out << range.blocks.size() << " blocks as told by " << range.told_by;
}
inline void PrintTo(const Progress& progress, std::ostream* out) {
  *out << progress.blocks << " blocks as told by " << progress.told_by;
}
namespace chain {
inline void PrintTo(const Peer& peer, std::ostream* out) {
  *out << peer.id.hex << "@" << peer.remote_ip;
}
}  // namespace chain
namespace fault {
inline void PrintTo(const PodReplacement& trace, std::ostream* out) {
  *out << trace.old_pod.name() << " (Running after " << InSeconds(trace.RunningAfter())
       << ", Ready after " << InSeconds(trace.ReadyAfter()) << ")";
}
}  // namespace fault

namespace testing {

// A bare Each() is true of nothing at all.
template <class M>
auto NonEmptyEach(M each) {
  return ::testing::AllOf(::testing::Not(::testing::IsEmpty()), ::testing::Each(each));
}

MATCHER(IsFullyReady,
        "exactly spec.replicas pods, all of the present revision, Running and Ready") {
  return arg.IsSettled();
}

MATCHER_P(WantsAtLeast, count, fmt::format("at least {} replicas wanted", count)) {
  *result_listener << "which wants " << arg.replicas;
  return arg.replicas >= count;
}

MATCHER_P(IsRunningWithin, limit,
          "a successor that is Running within " + InSeconds(limit) + " of the old pod's removal") {
  return arg.RunningAfter() && *arg.RunningAfter() <= limit;
}

MATCHER_P(IsReadyWithin, limit,
          "a successor that is Ready within " + InSeconds(limit) + " of the old pod's removal") {
  return arg.ReadyAfter() && *arg.ReadyAfter() <= limit;
}

MATCHER_P(HasAtLeastBlocks, count, fmt::format("at least {} blocks", count)) {
  return std::cmp_greater_equal(arg.blocks.size(), count);
}

// Of a Progress.
MATCHER_P(HasMadeBlocks, count, fmt::format("a chain that has made at least {} blocks", count)) {
  return arg.blocks >= count;
}

MATCHER_P(HasNoGapOver, limit, "no gap between blocks over " + InSeconds(limit)) {
  *result_listener << "the largest is " << InSeconds(arg.LargestGap());
  return arg.blocks.size() >= 2 && arg.LargestGap() <= limit;
}

// Of a list of PodNode: no two of them have one node id.
MATCHER(HaveDistinctNodeIds, "pods with pairwise distinct node ids") {
  std::map<std::string, std::string> seen;
  for (const PodNode& node : arg) {
    const auto [first, fresh] = seen.emplace(node.status.id.hex, node.pod);
    if (!fresh) {
      *result_listener << first->second << " and " << node.pod << " share " << first->first;
      return false;
    }
  }
  return !seen.empty();
}

MATCHER_P(HasNodeId, id, "a pod with node id " + id.hex) { return arg.status.id == id; }

// Of a list of chain::Peer.
MATCHER_P2(ListsPeer, id, ip, fmt::format("peers that include {} at {}", id.hex, ip)) {
  std::string at;
  for (const chain::Peer& peer : arg) {
    if (peer.id == id) at += " " + peer.remote_ip;
    if (peer.id == id && peer.remote_ip == ip) return true;
  }
  *result_listener << (at.empty() ? "without that id" : "with that id at" + at);
  return false;
}

}  // namespace testing
}  // namespace pawk8s
