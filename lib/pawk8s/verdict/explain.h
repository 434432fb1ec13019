// A record in words. The one place that words a failure: what the runner prints, JUnit's failure
// body, report.html and `pawk8s why` all show this text.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "pawk8s/verdict/record.h"

namespace pawk8s {

// The outcome's name, but "crashed" for a start without an end.
[[nodiscard]] std::string_view StateOf(const Record& record);

// Why a case failed: the claim, what was found instead, then the changes, the last error, the
// stimulus, the deployment before and now, the evidence, and how to run the case again.
//
//   tests/chaos/pod_kill_test.cc:41: Failure     case CHA-POD-03  run 7f3a  verdict: violated
//   Expected: ...
//     Actual: ...
//
// `state` is what the gate made of the record, where that differs from its outcome. `folder` is
// where the evidence lies, as the reader should see it. Ends with a line feed.
[[nodiscard]] std::string FailureText(const Record& record, std::string_view folder,
                                      std::string_view state = {});

// A passed case in one line: id, name, seconds, measures.
[[nodiscard]] std::string PassText(const Record& record);

// "ready 12.4 s (<= 60, margin 79 %)"
[[nodiscard]] std::string MeasureText(const Measure& measure);
// "12.4 s", "never"
[[nodiscard]] std::string ValueText(const Measure& measure);
// "<= 60 s"; empty if nothing judges it.
[[nodiscard]] std::string ThresholdText(const Measure& measure);
// "n 120, p50 0.8, p95 1.1, p99 1.3, max 1.4 s"; empty for a single value.
[[nodiscard]] std::string SeriesText(const Measure& measure);

// "delete pod Pod paw-validator-2 uid 8e1f…->c1aa…  planned +0.1s  applied +0.4s ..."
[[nodiscard]] std::string StimulusText(const StimulusStep& step);
// "+1.9s"
[[nodiscard]] std::string TimeText(double seconds);

}  // namespace pawk8s
