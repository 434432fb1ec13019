// The verdict on a phase: judges the records of one run against the whole catalogue.
//
// A case counts as passed only if this run left a record of it that says so. Everything else
// (violated, blocked, crashed, skipped, not run, stale) counts against the phase. A run that lacks
// records is partial and has no verdict; a deployment that was not restored is red at any rate.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/verdict/record.h"
#include "pawk8s/verdict/run.h"

namespace pawk8s {

struct CaseVerdict {
  const CatalogueCase* entry = nullptr;
  bool recorded = false;  // false: not run in this run
  Record record;          // valid if recorded
  bool passed = false;
  std::string reason;  // why it does not count as passed
  // The outcome's name, "crashed" for a start without an end, "not-run", "stale" or "damaged".
  std::string state;
};

struct Verdict {
  const Phase* phase = nullptr;
  std::string run;
  std::vector<CaseVerdict> cases;  // one for each entry of the catalogue, in its order
  int recorded = 0;
  int passed = 0;
  std::vector<std::string> red_at_any_rate;  // not restored, left behind

  [[nodiscard]] bool Partial() const { return recorded < phase->size; }
  // passed x 100 >= threshold x size, over the whole catalogue, in integers.
  [[nodiscard]] bool RateReached() const {
    return passed * 100 >= phase->threshold_percent * phase->size;
  }
  [[nodiscard]] bool Passed() const {
    return !Partial() && RateReached() && red_at_any_rate.empty();
  }
};

[[nodiscard]] Verdict Judge(const Catalogue& catalogue, const Run& run);

// A few lines for a person: the verdict first, then every case that did not pass.
[[nodiscard]] std::string VerdictText(const Verdict& verdict);
// A line a case that was run: state, seconds, measures with their margins.
[[nodiscard]] std::string VerdictTable(const Verdict& verdict);
// One JUnit document for the phase (Jenkins' schema), with measures and ids as properties.
[[nodiscard]] std::string VerdictJUnit(const Verdict& verdict);

// Writes verdict.txt and junit.xml into the run's folder.
[[nodiscard]] absl::Status WriteVerdict(const Verdict& verdict,
                                        const std::filesystem::path& run_folder);

}  // namespace pawk8s
