// The verdict on a phase: judges the records of one run against the whole catalogue.
//
// A case counts as passed only if this run left a record of it that says so. Everything else
// (violated, blocked, crashed, skipped, not run, stale, damaged, duplicate) counts against the
// phase. A run that lacks records is partial and has no verdict; a deployment that was not restored
// is red at any rate.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/verdict/history.h"
#include "pawk8s/verdict/record.h"
#include "pawk8s/verdict/run.h"

namespace pawk8s {

struct CaseVerdict {
  const CatalogueCase* entry = nullptr;
  bool recorded = false;  // false: not run in this run
  Record record;          // valid if recorded and not damaged
  bool passed = false;
  std::string reason;  // why it does not count as passed
  // The outcome's name, "crashed" for a start without an end, or what the gate made of it:
  // "not-run", "stale", "damaged", "duplicate".
  std::string state;
};

// A need that the profile declares as not provided, and the cases that it makes fail.
struct NotProvided {
  std::string need;
  std::vector<std::string> cases;
};

struct Verdict {
  const Phase* phase = nullptr;
  std::string run;
  std::string started;   // RFC 3339
  std::string finished;  // when the run was closed; empty if it was not
  SessionFacts facts;
  std::vector<CaseVerdict> cases;  // one for each entry of the catalogue, in its order
  int recorded = 0;
  int passed = 0;
  // Not restored, left behind, a case that must pass, records of no case: red whatever the rate.
  std::vector<std::string> red_at_any_rate;
  bool restored = true;  // nothing is left of the run, and every case put back what it changed
  std::vector<NotProvided> not_provided;

  [[nodiscard]] bool Partial() const { return recorded < phase->size; }
  // The least number of cases that reaches the threshold, in integers.
  [[nodiscard]] int Needed() const { return (phase->threshold_percent * phase->size + 99) / 100; }
  // passed x 100 >= threshold x size, over the whole catalogue.
  [[nodiscard]] bool RateReached() const { return passed >= Needed(); }
  [[nodiscard]] bool Passed() const {
    return !Partial() && RateReached() && red_at_any_rate.empty();
  }
};

// The verdict points into `catalogue`.
[[nodiscard]] Verdict Judge(const Catalogue& catalogue, const Run& run);
Verdict Judge(Catalogue&& catalogue, const Run& run) = delete;

// "97.7 %": rounded down, so that it never shows a threshold that was not reached.
[[nodiscard]] std::string PercentText(int part, int whole);

// A few lines for a person: the verdict first, then every case that did not pass.
[[nodiscard]] std::string VerdictText(const Verdict& verdict);
// A line a case that was run: state, seconds, measures with their margins.
[[nodiscard]] std::string VerdictTable(const Verdict& verdict);

// Writes verdict.txt, junit.xml and report.html into the run's folder. `history` is what earlier
// runs said of each case, for the report.
[[nodiscard]] absl::Status WriteVerdict(const Verdict& verdict,
                                        const std::filesystem::path& run_folder,
                                        const std::map<std::string, CaseHistory>& history);

}  // namespace pawk8s
