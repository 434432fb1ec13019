#include "pawk8s/testing/trace.h"

#include <fmt/format.h>

#include <string>

namespace pawk8s::testing {
namespace {

void NoteRollout(Recorder& recorder, const Rollout& rollout) {
  recorder.CountObservation();
  for (const PodTurn& turn : rollout.turns) {
    const std::string pod = "pod " + turn.pod;
    recorder.NoteChange(pod, rollout.began + turn.deleted, "deletion began");
    if (turn.created) {
      recorder.NoteChange(pod, rollout.began + *turn.created,
                          fmt::format("successor of revision {}", turn.revision));
    }
    if (turn.ready) recorder.NoteChange(pod, rollout.began + *turn.ready, "successor Ready");
  }
}

}  // namespace

void NoteTrace(Recorder& recorder, const fault::PodReplacement& trace) {
  const std::string pod = "pod " + trace.old_pod.name();
  StimulusStep step{.what = "delete",
                    .kind = "pod",
                    .name = trace.old_pod.name(),
                    .uid = trace.old_pod.uid(),
                    .applied = recorder.Since(trace.deleted_at),
                    .seen = recorder.Since(trace.removed_at)};
  recorder.NoteChange(pod, trace.deleted_at, "deletion accepted");
  recorder.NoteChange(pod, trace.removed_at, "removed");
  if (trace.HasSuccessor()) step.new_uid = trace.new_pod.uid();
  if (trace.running_at) recorder.NoteChange(pod, *trace.running_at, "successor Running");
  if (trace.ready_at) {
    // Its controller made good for it: nothing is left for the case to take back.
    step.reverted = recorder.Since(*trace.ready_at);
    recorder.NoteChange(pod, *trace.ready_at, "successor Ready");
  }
  recorder.NoteStimulus(step);
}

void NoteTrace(Recorder& recorder, const fault::Trace& trace) {
  StimulusStep step{.what = trace.what, .uid = trace.uid, .planned = recorder.Since(trace.planned)};
  SetTarget(step, trace.target);
  const auto since = [&](const std::optional<fault::WallTime>& when) {
    return when ? std::optional(recorder.Since(*when)) : std::nullopt;
  };
  step.applied = since(trace.applied);
  step.seen = since(trace.seen);
  step.reverted = since(trace.reverted);
  step.checked = since(trace.checked);
  recorder.NoteStimulus(std::move(step));
}

void NoteTrace(Recorder& recorder, const ObservedReplacement& seen) {
  NoteTrace(recorder, seen.pod);
}

void NoteTrace(Recorder& recorder, const RollingUpdate& update) {
  NoteRollout(recorder, update.rollout);
}

void NoteTrace(Recorder& recorder, const StuckUpdate& update) {
  NoteRollout(recorder, update.stuck);
  NoteRollout(recorder, update.restored);
}

void NoteTrace(Recorder& recorder, const DrainTrace& trace) {
  NoteRollout(recorder, trace.drained);
  NoteRollout(recorder, trace.back);
}

void NoteTrace(Recorder& recorder, const Evicted& evicted) {
  for (int i = 0; i < evicted.answers.asked; ++i) recorder.CountObservation();
}

void NoteTrace(Recorder& recorder, const KeptClaim& /*kept*/) { recorder.CountObservation(); }
void NoteTrace(Recorder& recorder, const RecoveredData& /*data*/) { recorder.CountObservation(); }

void SetTarget(StimulusStep& step, std::string_view target) {
  const auto blank = target.find(' ');
  step.kind = blank == std::string_view::npos ? "" : target.substr(0, blank);
  step.name = blank == std::string_view::npos ? target : target.substr(blank + 1);
}

}  // namespace pawk8s::testing
