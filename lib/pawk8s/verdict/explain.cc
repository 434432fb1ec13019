#include "pawk8s/verdict/explain.h"

#include <fmt/format.h>

#include <cmath>
#include <cstddef>
#include <vector>

#include "pawk8s/base/text.h"

namespace pawk8s {
namespace {

constexpr std::size_t kMaxLine = 400;
constexpr std::size_t kMaxChangesShown = 8;
constexpr std::size_t kMaxFailuresShown = 5;

// A label that ends in one column, then the text; lines that follow begin below the text.
std::string Labelled(std::string_view label, std::string_view text) {
  std::string out = fmt::format("{:>8}: ", label);
  for (const char c : CleanUtf8(text)) {
    out += c;
    if (c == '\n') out += "          ";
  }
  return out + "\n";
}

// Four digits, and large values whole: 150000, not 1.5e+05.
std::string Number(double value) {
  return std::abs(value) < 1000 ? fmt::format("{:.4g}", value) : fmt::format("{:.0f}", value);
}
std::string WithUnit(double value, const std::string& unit) {
  return unit.empty() ? Number(value) : Number(value) + " " + unit;
}

std::string ShortUid(const std::string& uid) {
  return uid.size() > 8 ? uid.substr(0, 8) + "…" : uid;
}

std::string ChangesText(const Record& record) {
  std::string text;
  const std::size_t count = record.changes.size();
  const std::size_t hidden = count > kMaxChangesShown ? count - kMaxChangesShown : 0;
  std::string name;
  for (std::size_t i = 0; i < count; ++i) {
    // Where it began and how it ended; what lies between is in the record.
    if (hidden > 0 && i >= 1 && i <= hidden) {
      if (i == 1) text += fmt::format("\n({} more in record.json)", hidden);
      continue;
    }
    const ObservedChange& change = record.changes[i];
    if (!text.empty()) text += "\n";
    text += TimeText(change.at) + " ";
    if (change.name != name) text += Shorten(OneLine(change.name), 60) + " = ";
    name = change.name;
    text += Shorten(OneLine(change.text), 160);
  }
  return text;
}

std::string SeedsText(const Record& record) {
  std::string text;
  for (const auto& [name, seed] : record.seeds) text += fmt::format("  seed {} {}", name, seed);
  return text;
}

struct Claimed {
  std::string expected;
  std::string actual;
};

// What stands in the first two lines. Only a violation was judged; everything else says why there
// was no judgement.
Claimed ClaimOf(const Record& record, std::string_view state) {
  const std::string claim = OneLine(record.claim.empty() ? record.test : record.claim);
  const Failure* first = record.failures.empty() ? nullptr : &record.failures.front();
  const std::string why =
      first == nullptr ? std::string() : Shorten(OneLine(first->message), kMaxLine);
  if (state == "violated" && first != nullptr) {
    if (!first->expected.empty()) return {first->expected, first->actual};
    return {claim, first->message};
  }
  if (state == "crashed") {
    return {claim,
            "not judged: it started and recorded no end (crashed, killed, or out of "
            "ctest's time)"};
  }
  if (state == "stimulus-failed") {
    return {claim, "not judged: the stimulus did not take effect: " + why};
  }
  if (state == "unobservable") {
    return {claim, why.empty() ? "not judged: it passed without a single observation"
                               : "not judged: it could not be observed: " + why};
  }
  if (state == "blocked") return {claim, "not judged: blocked: " + why};
  if (state == "timed-out") return {claim, "not judged: out of time: " + why};
  if (state == "not-implemented") return {claim, "not judged: the suite has no test of it yet"};
  return {claim, why.empty() ? fmt::format("no verdict: {}", state) : why};
}

}  // namespace

std::string_view StateOf(const Record& record) {
  return record.outcome == Outcome::kStarted ? "crashed" : NameOf(record.outcome);
}

std::string TimeText(double seconds) { return fmt::format("{:+.1f}s", seconds); }

std::string ValueText(const Measure& m) { return m.never ? "never" : WithUnit(m.value, m.unit); }

std::string ThresholdText(const Measure& m) {
  return m.relation.empty() ? "" : m.relation + " " + WithUnit(m.threshold, m.unit);
}

std::string SeriesText(const Measure& m) {
  if (!m.series) return {};
  const Series& s = *m.series;
  return fmt::format("n {}, p50 {}, p95 {}, p99 {}, max {}", s.n, Number(s.p50), Number(s.p95),
                     Number(s.p99), WithUnit(s.max, m.unit));
}

std::string MeasureText(const Measure& m) {
  std::string text = m.name + " " + ValueText(m);
  if (m.relation.empty()) return text;
  text += fmt::format(" ({} {}", m.relation, Number(m.threshold));
  if (const auto margin = m.Margin()) text += fmt::format(", margin {:.0f} %", *margin * 100);
  return text + ")";
}

std::string StimulusText(const StimulusStep& step) {
  std::string text = step.what;
  if (!step.kind.empty()) text += " " + step.kind;
  if (!step.name.empty()) text += " " + step.name;
  if (!step.uid.empty()) text += " uid " + ShortUid(step.uid);
  if (!step.new_uid.empty()) text += "->" + ShortUid(step.new_uid);
  const std::pair<const char*, const std::optional<double>&> times[] = {{"planned", step.planned},
                                                                        {"applied", step.applied},
                                                                        {"seen", step.seen},
                                                                        {"reverted", step.reverted},
                                                                        {"checked", step.checked}};
  for (const auto& [name, at] : times) {
    if (at) text += fmt::format("  {} {}", name, TimeText(*at));
  }
  if (!step.error.empty()) text += "  error: " + Shorten(OneLine(step.error), 200);
  return text;
}

std::string PassText(const Record& record) {
  std::string text = fmt::format("{} passed {:.2f}s {}", record.id, record.seconds, record.test);
  for (const Measure& m : record.measures) text += "  " + MeasureText(m);
  return CleanUtf8(text) + "\n";
}

std::string FailureText(const Record& record, std::string_view folder, std::string_view state) {
  if (state.empty()) state = StateOf(record);
  std::string text;
  if (!record.failures.empty() && !record.failures.front().file.empty()) {
    text = fmt::format("{}:{}: ", record.failures.front().file, record.failures.front().line);
  }
  text += fmt::format("Failure  case {}  run {}{}  verdict: {}\n", record.id, record.run,
                      SeedsText(record), state);
  const Claimed claim = ClaimOf(record, state);
  text += Labelled("Expected", Shorten(claim.expected, kMaxLine));
  text += Labelled("Actual", Shorten(claim.actual, 4 * kMaxLine));
  for (std::size_t i = 1; i < std::min(record.failures.size(), kMaxFailuresShown); ++i) {
    text += Labelled("Also", Shorten(record.failures[i].summary, kMaxLine));
  }
  if (record.failures.size() > kMaxFailuresShown) {
    text += Labelled("Also", fmt::format("{} more failures, see record.json",
                                         record.failures.size() - kMaxFailuresShown));
  }
  if (!record.failed_before.empty()) {
    text += Labelled("Earlier", fmt::format("attempt {} of this run failed: {}",
                                            record.attempts - 1, record.failed_before));
  }
  for (const Measure& m : record.measures) {
    text += Labelled(m.Holds() ? "Measured" : "Missed", MeasureText(m));
  }
  if (!record.changes.empty()) text += Labelled("Changes", ChangesText(record));
  if (!record.last_error.empty()) {
    text += Labelled("Last err", Shorten(OneLine(record.last_error), kMaxLine));
  }
  for (const StimulusStep& step : record.stimulus) {
    text += Labelled("Stimulus", StimulusText(step));
  }
  if (!record.before.empty()) text += Labelled("Before", record.before);
  if (!record.now.empty()) text += Labelled("Now", record.now);
  if (!record.restored) text += Labelled("Restored", "no: the deployment is not as it was found");
  std::string files;
  for (const std::string& file : record.evidence) files += (files.empty() ? "" : ",") + file;
  text += Labelled("Evidence", files.empty() ? fmt::format("{}/record.json", folder)
                                             : fmt::format("{}/{{record.json,{}}}", folder, files));
  text += Labelled("Rerun", RerunCommand(record));
  return text;
}

}  // namespace pawk8s
