// What cases claim of probes: that they are declared and answered, and what they bring about.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <ostream>
#include <string>
#include <utility>

#include "pawk8s/base/duration.h"
#include "pawk8s/deployment/hang.h"
#include "pawk8s/deployment/probes.h"
#include "pawk8s/deployment/restart.h"
#include "pawk8s/deployment/signing.h"
#include "pawk8s/deployment/slow_start.h"
#include "pawk8s/deployment/steady_state.h"

namespace pawk8s {

inline void PrintTo(const ProbedContainer& probed, std::ostream* out) {
  *out << probed.container << " in " << probed.pod;
}
inline void PrintTo(const SteadyPod& pod, std::ostream* out) { *out << pod.pod; }
inline void PrintTo(const Hang& hang, std::ostream* out) { *out << hang.pod; }
inline void PrintTo(const SlowStart& start, std::ostream* out) {
  *out << "a start with the probes of " << start.of;
}
inline void PrintTo(const RunEnd& end, std::ostream* out) { *out << end.container; }
inline void PrintTo(const Votes& votes, std::ostream* out) {
  *out << fmt::format("{}, of which {} has {} votes in {} commits", votes.pod, votes.told_by,
                      votes.signed_by_it, votes.commits);
}

namespace testing {

MATCHER(DeclaresEveryProbe, "a container with startup, readiness and liveness probe") {
  if (!arg.missing.empty()) {
    *result_listener << "which lacks " << fmt::format("{}", fmt::join(arg.missing, ", "));
  }
  return arg.missing.empty();
}

MATCHER(AnswersEveryProbe, "a container that answers each of its probes in time") {
  for (const ProbeRun& run : arg.runs) {
    if (run.failure.empty()) continue;
    *result_listener << "whose " << run.probe << " fails: " << run.failure;
    return false;
  }
  return !arg.runs.empty();
}

MATCHER(IsSteady, "a pod whose conditions stay and whose probes all succeed") {
  const std::string why = WhyNotSteady(arg);
  *result_listener << why;
  return why.empty();
}

MATCHER_P(TurnsUnreadyWithin, limit,
          "a frozen validator that is not Ready within " + InSeconds(limit) +
              ", before any restart") {
  *result_listener << (arg.unready ? "which was not Ready after " + InSeconds(arg.unready)
                                   : "which stayed Ready")
                   << ", with " << arg.restarts_until_unready << " restarts";
  return arg.unready && *arg.unready <= limit && arg.restarts_until_unready == 0;
}

MATCHER_P(IsReadyAgainWithin, limit,
          "a thawed validator that is Ready within " + InSeconds(limit) + ", without a restart") {
  *result_listener << "which was Ready after " << InSeconds(arg.ready) << " and " << arg.restarts
                   << " restarts";
  return arg.ready && *arg.ready <= limit && arg.restarts == 0;
}

MATCHER_P(LeavesItsServiceWithin, limit,
          "a validator that its Service shows as not ready within " + InSeconds(limit) +
              " of its not being Ready") {
  *result_listener << "which " << arg.service << " shows so after " << InSeconds(arg.unlisted);
  return arg.unready && arg.unlisted && *arg.unlisted <= limit;
}

MATCHER_P(IsSpared, connections,
          fmt::format("a frozen validator that none of {} fresh connections to its Service meets",
                      connections)) {
  *result_listener << fmt::format("{} of {} from {} to {} had an answer", arg.Answered(),
                                  arg.answered.size(), arg.client, arg.service);
  return std::cmp_greater_equal(arg.answered.size(), connections) &&
         std::cmp_equal(arg.Answered(), arg.answered.size());
}

MATCHER(IsBackInItsService, "a thawed validator that its Service shows as ready again") {
  *result_listener << "which " << arg.service << " shows so after " << InSeconds(arg.listed);
  return arg.listed.has_value();
}

MATCHER_P(EndedWith, exit_code, fmt::format("a program that ends with exit code {}", exit_code)) {
  *result_listener << fmt::format("which ended with {} ({})", arg.exit_code, arg.reason);
  return arg.exit_code == exit_code;
}

MATCHER_P(EndedFor, reason, fmt::format("a program that is ended as {}", reason)) {
  *result_listener << fmt::format("which ended with {} ({})", arg.exit_code, arg.reason);
  return arg.reason == reason;
}

MATCHER(IsRestartedAlone, "a pod in which that container alone is restarted") {
  return arg.lacks.empty();
}

MATCHER(HasVotes, "a validator with votes in commits") { return arg.signed_by_it > 0; }

MATCHER(IsReadyWithoutRestart, "a start that is let come to its end, however slow") {
  *result_listener << fmt::format(
      "which answers after {} and was Ready after {}, restarted {} times",
      InSeconds(arg.answers_after), InSeconds(arg.ready), arg.restarts);
  return arg.ready && arg.restarts == 0;
}

}  // namespace testing
}  // namespace pawk8s
