// What cases claim of evictions, drains and rollouts.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <ostream>
#include <string>

#include "pawk8s/base/duration.h"
#include "pawk8s/deployment/budget.h"
#include "pawk8s/deployment/eviction.h"
#include "pawk8s/deployment/rolling_update.h"
#include "pawk8s/deployment/rollout.h"
#include "pawk8s/deployment/signing.h"
#include "pawk8s/testing/pod_matchers.h"

namespace pawk8s {

inline void PrintTo(const BudgetedPower& power, std::ostream* out) {
  *out << fmt::format("PodDisruptionBudget {} ({}): the weakest {} pods hold {} of {}",
                      power.budget, power.rule, power.left_up, power.power, power.total);
}
inline void PrintTo(const Rollout& rollout, std::ostream* out) { *out << rollout.ToString(); }
inline void PrintTo(const EvictionAnswers& answers, std::ostream* out) {
  *out << fmt::format("{} of {} refused", answers.refused, answers.asked);
}
inline void PrintTo(const StuckUpdate& update, std::ostream* out) {
  *out << fmt::format("a rollback to {}", update.revision_before);
}
inline void PrintTo(const SigningHistory& history, std::ostream* out) {
  *out << fmt::format("{} commits since height {} as told by {}", history.commits.size(),
                      history.since.height.value, history.told_by);
}

namespace testing {

MATCHER(HoldsOverTwoThirds, "at the worst over 2/3 of the voting power left up") {
  return 3 * arg.power > 2 * arg.total;
}

MATCHER_P(WasAskedAtLeast, times, fmt::format("an eviction asked for at least {} times", times)) {
  return arg.asked >= times;
}

MATCHER(WasAlwaysRefused, "every eviction refused by the disruption budget") {
  if (!arg.others.empty()) *result_listener << arg.others.front();
  return arg.asked > 0 && arg.refused == arg.asked;
}

// Of a StuckUpdate. Where consensus can spare nobody more, the budget must refuse every eviction.
MATCHER(KeepsWhatConsensusNeeds,
        "every eviction that consensus cannot spare refused by the disruption budget") {
  *result_listener << fmt::format("of the others {} may go, consensus spares {}; {}", arg.allowed,
                                  arg.spare, ::testing::PrintToString(arg.evictions));
  const bool refused = arg.evictions.refused == arg.evictions.asked;
  return arg.evictions.asked > 0 && arg.allowed <= arg.spare && (refused || arg.spare > 0);
}

MATCHER_P(KeepsReadyAtLeast, count, fmt::format("at least {} Ready at every event", count)) {
  *result_listener << "the fewest were " << arg.fewest_ready;
  return arg.fewest_ready >= count;
}

MATCHER_P(IsCompleteWithin, limit,
          "all replicas Ready at its revision within " + InSeconds(limit)) {
  return arg.complete && *arg.complete <= limit;
}

// One turn a replica, from the highest ordinal down.
MATCHER(ReplacesEachOnceInReverse, "each pod replaced once, from the highest ordinal down") {
  int expected = arg.replicas - 1;
  for (const PodTurn& turn : arg.turns) {
    if (turn.ordinal != expected--) {
      *result_listener << turn.pod << " was replaced where " << expected + 1 << " was due";
      return false;
    }
  }
  return arg.replicas > 0 && std::cmp_equal(arg.turns.size(), arg.replicas);
}

// Of every turn but the first.
MATCHER(
    TakesNoPodBeforeTheLastServes,
    "no pod deleted before the one replaced last was of the new revision, Ready and answering") {
  for (const PodTurn& turn : arg.turns) {
    if (!turn.forerunner) continue;
    if (turn.forerunner->ready && turn.forerunner->answered &&
        turn.forerunner->revision == arg.to) {
      continue;
    }
    *result_listener << turn.pod << " was deleted while the one replaced before was "
                     << (turn.forerunner->revision != arg.to ? "of another revision"
                         : !turn.forerunner->ready           ? "not Ready"
                                                             : "not answering");
    return false;
  }
  return arg.turns.size() >= 2;
}

MATCHER(ReplacesOnlyTheLastAndNeverReady, "only the highest ordinal replaced, and never Ready") {
  return arg.turns.size() == 1 && arg.turns.front().ordinal == arg.replicas - 1 &&
         arg.turns.front().created && !arg.turns.front().ready;
}

MATCHER(LeavesTheOthersAsTheyWere, "pods that are not replaced keep revision and image") {
  std::map<std::string, PodImage> kept = arg.before;
  std::map<std::string, PodImage> meanwhile = arg.meanwhile;
  for (const PodTurn& turn : arg.stuck.turns) {
    kept.erase(turn.pod);
    meanwhile.erase(turn.pod);
  }
  const std::string why = WhyNotAsBefore(kept, meanwhile);
  *result_listener << why;
  return why.empty();
}

MATCHER(EndsAsItBegan, "every pod of the revision and image of before") {
  const std::string why = WhyNotAsBefore(arg.before, arg.after);
  *result_listener << why;
  return why.empty();
}

MATCHER_P(PlacesNoneOn, node, fmt::format("no pod placed on {}", node)) {
  for (const PodTurn& turn : arg.turns) {
    if (turn.node != node) continue;
    *result_listener << turn.pod << " came back to it";
    return false;
  }
  return !arg.turns.empty();
}

MATCHER_P3(AllSignAgainWithin, limit, window, least,
           fmt::format("every validator signing {} of {} blocks within {}", least, window,
                       InSeconds(limit))) {
  const auto after = arg.AllSignedAfter(window, least);
  if (!arg.not_in_set.empty()) *result_listener << arg.not_in_set.front() << " has no power";
  return after && *after <= limit && arg.not_in_set.empty();
}

// Of a map: all values are one.
MATCHER(AllAgree, "one value for all") {
  for (const auto& [name, value] : arg) {
    if (value == arg.begin()->second) continue;
    *result_listener << arg.begin()->first << " and " << name << " differ";
    return false;
  }
  return arg.size() >= 2;
}

}  // namespace testing
}  // namespace pawk8s
