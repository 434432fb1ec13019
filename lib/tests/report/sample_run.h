// A made-up run with every kind of record in it, to look at reports without a cluster.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/verdict/record.h"
#include "pawk8s/verdict/run.h"

namespace pawk8s {

// What a sample record shows.
enum class Sample {
  kPass,         // one measure, well kept
  kTightPass,    // a stimulus, changes, several measures, one near its threshold
  kSeriesPass,   // a series of samples
  kReadPass,     // facts read, nothing measured
  kWaitFails,    // violated by a wait, with a stimulus and changes
  kMatchFails,   // violated by a matcher
  kSeriesFails,  // a percentile beyond its threshold
  kNever,        // what was to be timed did not happen
  kStimulusFailed,
  kUnobservable,
  kBlocked,
  kTimedOut,
  kCrashed,
  kNotRestored,
  kHostile,  // markup, control characters and bytes that are no UTF-8, and very long lines
  kNotImplemented,
};

[[nodiscard]] Record SampleRecord(const CatalogueCase& entry, Sample sample,
                                  const std::string& run);

// Opens, fills and closes a run of `phase` below `root`, after a dozen older ones that give every
// case a history. In the last run most cases pass, one of each other kind does not, one has no
// record, one a damaged one.
[[nodiscard]] Run WriteSampleRun(const std::filesystem::path& root, std::string_view phase);

}  // namespace pawk8s
