// The charts of report.html: inline SVG that takes its colours from the page and tells good from
// bad by shape as well as by colour.
#pragma once

#include <string>

#include "pawk8s/verdict/history.h"
#include "pawk8s/verdict/record.h"

namespace pawk8s {

// A bar from zero to the value, the mark of the threshold, and the range that it allows.
[[nodiscard]] std::string MeasureChart(const Measure& measure);
// The samples in their order, with the threshold as a dashed line. Empty without a series.
[[nodiscard]] std::string SeriesChart(const Measure& measure);
// Swim lanes: one for each stimulus and one for each observed thing. Empty if there is neither.
[[nodiscard]] std::string TimelineChart(const Record& record);
// The last runs of a case, the newest on the right: a low bar passed, a high one did not.
[[nodiscard]] std::string HistoryChart(const CaseHistory& history);

}  // namespace pawk8s
