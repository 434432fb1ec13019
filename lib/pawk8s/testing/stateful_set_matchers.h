// What cases claim of the validators as a set: their names in DNS, their order, their budget.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <ostream>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "pawk8s/base/deadline.h"
#include "pawk8s/base/duration.h"
#include "pawk8s/deployment/budget.h"
#include "pawk8s/deployment/dns.h"
#include "pawk8s/deployment/scale_cycle.h"

namespace pawk8s {

inline void PrintTo(const DnsReply& reply, std::ostream* out) {
  *out << reply.name << " (" << reply.rcode << ": "
       << fmt::format("{}", fmt::join(reply.values, ", ")) << ")";
}
inline void PrintTo(const ObservedMove& move, std::ostream* out) {
  *out << move.pod.old_pod.name() << " (now " << move.pod.new_pod.ip().value_or("nowhere") << ")";
}
inline void PrintTo(const ListedPod& listing, std::ostream* out) {
  *out << listing.pod << " in Service " << listing.service << " ("
       << (listing.listed ? listing.ready ? "ready" : "not ready" : "not listed") << ")";
}
inline void PrintTo(const ScaleCycle& cycle, std::ostream* out) { *out << cycle.workload; }

inline void PrintTo(const BudgetCoverage& coverage, std::ostream* out) {
  *out << "PodDisruptionBudget " << coverage.budget;
}

namespace testing {

MATCHER(CoversExactlyTheValidators,
        "a budget, and the only one, of all pods that the validators' workload wants") {
  const auto say = [&](const char* what, const std::vector<std::string>& pods) {
    if (!pods.empty()) *result_listener << what << pods.front();
    return !pods.empty();
  };
  if (say("which does not select ", arg.unprotected)) return false;
  if (say("which also selects ", arg.strangers)) return false;
  if (say("beside which a validator is selected by ", arg.also_by)) return false;
  *result_listener << "which selects " << arg.owned << " of " << arg.replicas;
  return arg.owned > 0 && std::cmp_equal(arg.owned, arg.replicas);
}

MATCHER_P(AllowsDisruptions, least,
          fmt::format("a budget that allows currentHealthy - desiredHealthy, at least {}", least)) {
  *result_listener << fmt::format("which allows {}, at {} healthy of which {} must be",
                                  arg.disruptions_allowed, arg.current_healthy,
                                  arg.desired_healthy);
  return arg.disruptions_allowed == arg.current_healthy - arg.desired_healthy &&
         arg.disruptions_allowed >= least;
}

MATCHER_P(ResolvesTo, addresses,
          fmt::format("a name that means exactly {}", fmt::join(addresses, ", "))) {
  return arg.values == addresses;
}

// Of an SRV answer.
MATCHER_P(Names, target, "a name behind which there is " + target) {
  return arg.values.contains(target);
}

MATCHER_P(IsFollowedByDnsWithin, limit,
          "a pod whose new address every DNS server says within " + InSeconds(limit)) {
  for (const ObservedMove::Server& server : arg.servers) {
    if (server.followed && *server.followed <= limit) continue;
    *result_listener << "of which " << server.address << " says "
                     << fmt::format("{}", fmt::join(server.last.values, ", "));
    return false;
  }
  return !arg.servers.empty();
}

MATCHER(KeepsItsNodeId, "a validator that keeps its node id") {
  *result_listener << "whose id was " << arg.id_before.hex << " and is " << arg.id_after.hex;
  return !arg.id_before.hex.empty() && arg.id_before == arg.id_after;
}

MATCHER_P(IsFoundByItsPeerWithin, limit,
          "a validator that a peer has at its new address within " + InSeconds(limit)) {
  *result_listener << "which " << arg.witness << " has after " << InSeconds(arg.peer_found);
  return arg.peer_found && *arg.peer_found <= limit;
}

MATCHER(IsListed, "a pod that its Service lists as ready") { return arg.listed && arg.ready; }
MATCHER(IsListedAsUnready, "a pod that its Service does not list as ready") { return !arg.ready; }

MATCHER(WentInReverseOrder, "pods that end one after another, the last ordinal first") {
  const std::string why = arg.WhyNotReverseOrder();
  *result_listener << "where " << why;
  return why.empty();
}

MATCHER_P(WasGoneWithin, limit, "pods that are all gone within " + InSeconds(limit)) {
  const auto left = std::find_if(arg.pods.rbegin(), arg.pods.rend(),
                                 [](const PodCycle& pod) { return !pod.gone; });
  if (left != arg.pods.rend()) {
    *result_listener << "of which " << left->pod << " was the next to go";
  } else {
    *result_listener << "which were gone after " << InSeconds(arg.AllGoneAfter());
  }
  return arg.AllGoneAfter() && *arg.AllGoneAfter() <= limit;
}

MATCHER(CameInOrder, "pods that are made one after another, each when the one before is Ready") {
  const std::string why = arg.WhyNotOrder();
  *result_listener << "where " << why;
  return why.empty();
}

MATCHER_P(WasReadyWithin, limit, "pods that are all Ready within " + InSeconds(limit)) {
  *result_listener << "which were Ready after " << InSeconds(arg.AllReadyAfter());
  return arg.AllReadyAfter() && *arg.AllReadyAfter() <= limit;
}

MATCHER_P(MadeBlocksWithin, limit, "new blocks within " + InSeconds(limit)) {
  *result_listener << "which made one after " << InSeconds(arg.blocks_after);
  return arg.blocks_after && *arg.blocks_after <= limit;
}

}  // namespace testing
}  // namespace pawk8s
