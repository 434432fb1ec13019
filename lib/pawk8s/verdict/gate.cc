#include "pawk8s/verdict/gate.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "pawk8s/base/status.h"
#include "pawk8s/base/text.h"
#include "pawk8s/verdict/explain.h"
#include "pawk8s/verdict/junit.h"
#include "pawk8s/verdict/report.h"

namespace pawk8s {
namespace {

namespace fs = std::filesystem;

// Records in folders that are not their case's own: by the id that they give, or by their folder.
struct Strays {
  std::map<std::string, std::string> of_case;  // id -> the other folder
  std::vector<std::string> of_none;            // sentences
};

Strays FindStrays(const Catalogue& catalogue, const Run& run) {
  Strays strays;
  std::error_code error;
  for (fs::directory_iterator it(run.folder(), error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!it->is_directory() || catalogue.FindId(name) != nullptr ||
        !fs::exists(it->path() / "record.json")) {
      continue;
    }
    const auto record = ReadRecord(run.folder(), name);
    if (record.ok() && catalogue.FindId(record->id) != nullptr) {
      strays.of_case[record->id] = name;
    } else {
      strays.of_none.push_back(
          fmt::format("{} holds a record of no case of the catalogue", Shorten(name, 80)));
    }
  }
  std::ranges::sort(strays.of_none);
  return strays;
}

// What makes a readable record not count as a pass; empty if nothing does.
struct Objection {
  std::string state;
  std::string reason;
};
Objection ObjectionTo(const Record& record) {
  if (record.outcome == Outcome::kStarted) {
    return {"crashed", "started, but no end was recorded: crashed, killed or out of ctest's time"};
  }
  if (record.outcome != Outcome::kPassed) {
    const std::string name(NameOf(record.outcome));
    return {name, record.failures.empty() ? name : record.failures.front().summary};
  }
  if (!record.failures.empty()) return {"violated", record.failures.front().summary};
  if (record.observations == 0) return {"unobservable", "passed without a single observation"};
  if (!record.failed_before.empty()) {
    return {"duplicate", fmt::format("passed at attempt {} of this run, failed before: {}",
                                     record.attempts, record.failed_before)};
  }
  return {};
}

CaseVerdict JudgeCase(const CatalogueCase& entry, const Run& run, const Strays& strays) {
  CaseVerdict verdict{.entry = &entry, .record = {.id = entry.id, .test = entry.TestName()}};
  absl::StatusOr<Record> record = ReadRecord(run.folder(), entry.id);
  if (absl::IsNotFound(record.status())) {
    verdict.state = "not-run";
    verdict.reason = "no record: it was not run";
    return verdict;
  }
  verdict.recorded = true;
  if (!record.ok()) {
    verdict.state = "damaged";
    verdict.reason = MessageOf(record.status());
    return verdict;
  }
  verdict.record = *std::move(record);
  if (verdict.record.run != run.id() || verdict.record.id != entry.id) {
    verdict.state = "stale";
    verdict.recorded = false;
    verdict.reason =
        fmt::format("its record is of case {} in run {}", verdict.record.id, verdict.record.run);
    verdict.record.id = entry.id;
    return verdict;
  }
  if (const auto other = strays.of_case.find(entry.id); other != strays.of_case.end()) {
    verdict.state = "duplicate";
    verdict.reason = fmt::format("it has a second record in the folder {}: which one is true?",
                                 Shorten(other->second, 80));
    return verdict;
  }
  Objection objection = ObjectionTo(verdict.record);
  verdict.passed = objection.state.empty();
  verdict.state = verdict.passed ? NameOf(Outcome::kPassed) : std::move(objection.state);
  verdict.reason = std::move(objection.reason);
  return verdict;
}

std::vector<NotProvided> NotProvidedIn(const Catalogue& catalogue, const SessionFacts& facts) {
  std::vector<NotProvided> list;
  for (const auto& [need, state] : facts.needs) {
    if (!state.starts_with(kNotProvided)) continue;
    NotProvided entry{.need = need};
    for (const CatalogueCase& c : catalogue.cases()) {
      if (std::ranges::find(c.needs, need) != c.needs.end()) entry.cases.push_back(c.id);
    }
    if (!entry.cases.empty()) list.push_back(std::move(entry));
  }
  return list;
}

}  // namespace

std::string PercentText(int part, int whole) {
  const int tenths = whole == 0 ? 0 : part * 1000 / whole;
  return fmt::format("{}.{} %", tenths / 10, tenths % 10);
}

Verdict Judge(const Catalogue& catalogue, const Run& run) {
  Verdict verdict{.phase = &catalogue.phase(),
                  .run = run.id(),
                  .started = run.started(),
                  .facts = run.facts(),
                  .not_provided = NotProvidedIn(catalogue, run.facts())};
  const Strays strays = FindStrays(catalogue, run);
  for (const CatalogueCase& entry : catalogue.cases()) {
    CaseVerdict c = JudgeCase(entry, run, strays);
    if (c.recorded) ++verdict.recorded;
    if (c.passed) ++verdict.passed;
    if (c.recorded && !c.record.restored) {
      verdict.restored = false;
      verdict.red_at_any_rate.push_back(entry.id + " did not restore the deployment");
    }
    if (entry.must_pass && !c.passed) {
      verdict.red_at_any_rate.push_back(entry.id + " must pass at any rate, and did not");
    }
    verdict.cases.push_back(std::move(c));
  }
  verdict.red_at_any_rate.insert(verdict.red_at_any_rate.end(), strays.of_none.begin(),
                                 strays.of_none.end());
  const auto closing = run.closing();
  if (closing) verdict.finished = closing->closed;
  if (!closing || !closing->restored) {
    verdict.restored = false;
    verdict.red_at_any_rate.push_back(closing ? closing->what : "the run was not swept");
  }
  return verdict;
}

std::string VerdictText(const Verdict& verdict) {
  const Phase& phase = *verdict.phase;
  std::string text;
  if (verdict.Partial()) {
    text = fmt::format("{}: partial: {} of {}, no verdict\n", phase.name, verdict.recorded,
                       phase.size);
  } else {
    text = fmt::format("{}: {}: {} of {} passed, {} (threshold {} %)\n", phase.name,
                       verdict.Passed() ? "PASS" : "FAIL", verdict.passed, phase.size,
                       PercentText(verdict.passed, phase.size), phase.threshold_percent);
  }
  for (const std::string& reason : verdict.red_at_any_rate) {
    text += fmt::format("  red at any rate: {}\n", reason);
  }
  for (const NotProvided& missing : verdict.not_provided) {
    text += fmt::format("  not provided: {}, which {} cases need: {}\n", missing.need,
                        missing.cases.size(), fmt::join(missing.cases, " "));
  }
  int not_implemented = 0;
  for (const CaseVerdict& c : verdict.cases) {
    if (c.state == "not-implemented") {
      ++not_implemented;
    } else if (!c.passed && (c.recorded || c.state == "stale")) {
      text += fmt::format("  {} {} {}: {}\n", c.entry->id, c.state, c.entry->TestName(), c.reason);
    }
  }
  if (not_implemented > 0) text += fmt::format("  not implemented: {} cases\n", not_implemented);
  return text;
}

std::string VerdictTable(const Verdict& verdict) {
  std::string text;
  double seconds = 0;
  double cpu_seconds = 0;
  for (const CaseVerdict& c : verdict.cases) {
    if (!c.recorded || c.state == "not-implemented") continue;
    text += fmt::format("{:<11} {:<15} {:>7.2f} s  {}\n", c.entry->id, c.state, c.record.seconds,
                        c.entry->TestName());
    for (const Measure& m : c.record.measures) {
      text += fmt::format("{:40}{}\n", "", MeasureText(m));
    }
    seconds += c.record.seconds;
    cpu_seconds += c.record.cpu_seconds;
  }
  if (seconds > 0) {
    text +=
        fmt::format("all cases  {:.1f} s, in which the suite itself computed {:.1f} s: {:.1f} %\n",
                    seconds, cpu_seconds, 100 * cpu_seconds / seconds);
  }
  return text;
}

absl::Status WriteVerdict(const Verdict& verdict, const fs::path& run_folder,
                          const std::map<std::string, CaseHistory>& history) {
  RETURN_IF_ERROR(WriteFileAtomically(run_folder / "verdict.txt",
                                      VerdictText(verdict) + "\n" + VerdictTable(verdict)));
  RETURN_IF_ERROR(WriteFileAtomically(run_folder / "junit.xml", VerdictJUnit(verdict)));
  return WriteFileAtomically(run_folder / "report.html",
                             VerdictReport(verdict, history, run_folder));
}

}  // namespace pawk8s
