// Puts what a stimulus did into the record of the case. One overload for each kind of trace: a case
// whose Stimulus() returns that kind gets it noted without a word.
#pragma once

#include <string_view>

#include "pawk8s/deployment/eviction.h"
#include "pawk8s/deployment/kept_claim.h"
#include "pawk8s/deployment/own_volume.h"
#include "pawk8s/deployment/replacement.h"
#include "pawk8s/deployment/rolling_update.h"
#include "pawk8s/fault/fault.h"
#include "pawk8s/fault/pod_replacement.h"
#include "pawk8s/testing/recorder.h"

namespace pawk8s::testing {

void NoteTrace(Recorder& recorder, const fault::PodReplacement& trace);
void NoteTrace(Recorder& recorder, const fault::Trace& trace);
void NoteTrace(Recorder& recorder, const ObservedReplacement& seen);
// These were made by looking on: they count as observations.
void NoteTrace(Recorder& recorder, const RollingUpdate& update);
void NoteTrace(Recorder& recorder, const StuckUpdate& update);
void NoteTrace(Recorder& recorder, const DrainTrace& trace);
void NoteTrace(Recorder& recorder, const Evicted& evicted);
void NoteTrace(Recorder& recorder, const KeptClaim& kept);
void NoteTrace(Recorder& recorder, const RecoveredData& data);

// Splits "StatefulSet paw/paw-validator" into the kind and the name of a step's target.
void SetTarget(StimulusStep& step, std::string_view target);

}  // namespace pawk8s::testing
