#include "pawk8s/testing/case.h"

#include <fmt/format.h>

#include <exception>
#include <memory>
#include <vector>

#include "pawk8s/deployment/evidence.h"
#include "pawk8s/deployment/identity.h"
#include "pawk8s/deployment/planted.h"
#include "pawk8s/deployment/quorum.h"
#include "pawk8s/deployment/restart.h"

namespace pawk8s::testing {
namespace {

// gtest makes fixtures itself, without arguments: these two have to wait for it somewhere.
Recorder* g_recorder = nullptr;
std::stop_token g_stop;

std::string Joined(const std::vector<std::string>& sentences) {
  return fmt::format("{}", fmt::join(sentences, "; "));
}

}  // namespace

void Case::Use(Recorder& recorder, std::stop_token stop) {
  g_recorder = &recorder;
  g_stop = std::move(stop);
}

Case::Case()
    : recorder_(*g_recorder),
      deadline_(Deadline::After(recorder_.session().paw().profile().budgets.per_case, g_stop)) {}

bool Case::Disturbs() const {
  const std::string& impact = recorder_.entry().impact;
  return impact == "disrupt" || impact == "node" || impact == "load";
}

void Case::SetUp() {
  paw().DismissWitness();
  if (deadline_.Cancelled()) Fail(Outcome::kBlocked, "the run was cancelled");
  const auto& needs = recorder_.session().run().facts().needs;
  for (const std::string& need : recorder_.entry().needs) {
    const auto found = needs.find(need);
    if (found == needs.end()) {
      Fail(Outcome::kBlocked, fmt::format("needs {}, which this suite cannot probe", need));
    }
    if (found->second != kPresent) {
      Fail(Outcome::kBlocked, fmt::format("needs {}: {}", need, found->second));
    }
  }
  if (const std::string unnamed = profile().WhatIsUnnamedFor(recorder_.entry().id);
      !unnamed.empty()) {
    Fail(Outcome::kBlocked, unnamed);
  }
  if (recorder_.entry().impact == "read") return;
  if (const absl::Status s = CheckClusterIdentity(paw(), deadline_); !s.ok()) {
    Fail(Outcome::kBlocked, std::string(MessageOf(s)));
  }
  if (const absl::Status s = recorder_.session().HoldLease(deadline_); !s.ok()) {
    Fail(Outcome::kBlocked, std::string(MessageOf(s)));
  }
  if (!Disturbs()) return;
  if (!profile().allow.disruption) {
    Fail(Outcome::kBlocked,
         "refused: this case disturbs the deployment, and allow.disruption is false in " +
             profile().file);
  }
  absl::StatusOr<Baseline> baseline = Baseline::Read(paw(), deadline_);
  if (!baseline.ok()) Fail(Outcome::kBlocked, std::string(MessageOf(baseline.status())));
  recorder_.NoteBefore(InOneLine(*baseline));
  if (const auto problems = baseline->Problems(); !problems.empty() && !DefectIsPlanted()) {
    Fail(Outcome::kBlocked, "the deployment was unhealthy before: " + Joined(problems));
  }
  before_ = *std::move(baseline);
}

fault::Faults& Case::faults() {
  if (!faults_) {
    Session& session = recorder_.session();
    faults_.emplace(std::make_shared<const fault::FaultContext>(fault::FaultContext{
        .client = session.paw().kube(),
        .ledger = session.ledger(),
        .guardian = session.guardian(),
        .guard =
            [this](const fault::Loss& loss, const Deadline& deadline) {
              return CheckLoss(paw(), loss.pods, loss.quorum_declared, deadline);
            },
        .agents = profile().allow.agent ? &session.agents() : nullptr,
        .run = session.run().id(),
        .case_id = recorder_.entry().id,
        .on_step = [this](const fault::Trace& trace) { NoteTrace(recorder_, trace); },
        .on_failed_revert =
            [this](const absl::Status& status) {
              recorder_.NotRestored(Outcome::kStimulusFailed);
              ADD_FAILURE() << MessageOf(status);
            },
    }));
  }
  return *faults_;
}

bool Case::Provides(const std::string& need) {
  const auto& needs = recorder_.session().run().facts().needs;
  const auto found = needs.find(need);
  return found != needs.end() && found->second == kPresent;
}

kube::Pod Case::RestartableValidator(std::source_location at) {
  kube::Pod pod = Must(paw().SpareValidator(deadline_), at);
  if (!EndedWithin(pod, profile().validators.container, profile().budgets.restart_quiet,
                   std::chrono::system_clock::now())) {
    return pod;
  }
  const auto replaced =
      Stimulus(faults().Replace(pod, profile().thresholds.pod_ready, deadline_), at);
  if (!replaced.ready_at) {
    Fail(Outcome::kStimulusFailed, pod.name() + " was replaced, and is not Ready", at);
  }
  return replaced.new_pod;
}

TraceSubject Case::Validators(const std::source_location& at) {
  const WorkloadRef& ref = profile().validators;
  const kube::StatefulSet set(
      Must(kube().Get({kube::kStatefulSets, ref.ns, ref.name}, deadline_), at));
  return {.uid = set.uid(),
          .generation = set.generation().value_or(0),
          .revision = set.update_revision().value_or("")};
}

std::optional<SharedTrace> Case::EarlierTrace(const std::string& name,
                                              const std::source_location& at) {
  if (DefectIsPlanted()) return std::nullopt;
  return FindTrace(recorder_.session().run().folder(), name, Validators(at),
                   profile().budgets.trace_age, std::chrono::system_clock::now());
}

void Case::NoteReused(const std::string& name, const SharedTrace& trace) {
  recorder_.CountObservation();
  recorder_.NoteChange(
      name, Clock::Real().Now(),
      fmt::format("as {} saw it {:.0f} s ago", trace.made_by, -recorder_.Since(trace.made_at)));
}

void Case::KeepForLater(const std::string& name, nlohmann::json content,
                        const std::source_location& at) {
  if (DefectIsPlanted()) return;
  const SharedTrace trace{.subject = Validators(at),
                          .made_by = recorder_.entry().id,
                          .made_at = std::chrono::system_clock::now(),
                          .content = std::move(content)};
  IgnoreError(KeepTrace(recorder_.session().run().folder(), name, trace),
              "without it a later case makes its own");
}

void Case::TearDown() {
  // What a planted defect breaks may never come back by itself: who planted it lifts it, and waits
  // for the baseline then.
  if (!before_ || DefectIsPlanted()) return;
  // A deadline of its own: a case that used up or cancelled its budget restores all the same.
  const Deadline restore = Deadline::After(profile().budgets.restore);
  const auto report = Until(
      restore, Every(Millis{500}),
      [&](const Deadline& d) -> absl::StatusOr<std::vector<std::string>> {
        const absl::StatusOr<Baseline> now = Baseline::Read(paw(), d);
        if (!now.ok()) return now.status();
        return before_->LostSince(*now);
      },
      [](const std::vector<std::string>& lost) { return lost.empty(); });
  if (report.status.ok()) return;
  recorder_.NotRestored(Outcome::kViolated);
  ADD_FAILURE() << "not restored after " << InSeconds(report.elapsed) << ": "
                << (report.last && !report.last->empty() ? Joined(*report.last)
                                                         : report.status.ToString());
}

void Case::MeasureAtMost(const std::string& name, std::optional<Millis> value, Millis limit) {
  recorder_.Add({.name = name,
                 .value = value ? std::chrono::duration<double>(*value).count() : 0,
                 .unit = "s",
                 .relation = "<=",
                 .threshold = std::chrono::duration<double>(limit).count(),
                 .never = !value});
}

void Case::MeasureAllAtMost(const std::string& name, const std::vector<Millis>& samples,
                            Millis limit) {
  std::vector<double> seconds;
  for (const Millis sample : samples) {
    seconds.push_back(std::chrono::duration<double>(sample).count());
  }
  const Series series = Series::Of(seconds);
  recorder_.Add({.name = name,
                 .value = series.max,
                 .unit = "s",
                 .relation = "<=",
                 .threshold = std::chrono::duration<double>(limit).count(),
                 .never = samples.empty(),
                 .series = series});
}

void Case::MeasureAtMost(const std::string& name, double value, double most,
                         const std::string& unit) {
  recorder_.Add({.name = name, .value = value, .unit = unit, .relation = "<=", .threshold = most});
}

void Case::MeasureAtLeast(const std::string& name, double value, double least,
                          const std::string& unit) {
  recorder_.Add({.name = name, .value = value, .unit = unit, .relation = ">=", .threshold = least});
}

void Case::MeasureAtLeast(const std::string& name, Millis value, Millis least) {
  MeasureAtLeast(name, std::chrono::duration<double>(value).count(),
                 std::chrono::duration<double>(least).count(), "s");
}

void Case::Fail(Outcome outcome, const absl::Status& status, const std::source_location& at) {
  Fail(outcome, fmt::format("{} ({})", MessageOf(status), CodeNameOf(status)), at);
}

void Case::Fail(Outcome outcome, const std::string& message, const std::source_location& at) {
  // Whatever could not be done after the case's own time is over says nothing but that.
  if (outcome != Outcome::kBlocked && deadline_.Over() && !deadline_.Cancelled()) {
    outcome = Outcome::kTimedOut;
  }
  recorder_.Fail(outcome, message, at.file_name(), static_cast<int>(at.line()));
  std::terminate();  // not reached: ThrowOnFatal has unwound the case
}

}  // namespace pawk8s::testing
