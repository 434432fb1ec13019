#include "pawk8s/verdict/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <kainjow/mustache.hpp>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "pawk8s/base/text.h"
#include "pawk8s/verdict/explain.h"
#include "pawk8s/verdict/report_charts.h"

namespace pawk8s {

extern const char* const kReportTemplate;

namespace {

using kainjow::mustache::data;

// What a section of the template may ask for: empty text is as good as none.
data Optional(const std::string& text) { return text.empty() ? data(false) : data(text); }

// How the page shows a state: as one of four kinds, each with its own sign.
struct Kind {
  const char* style;
  const char* sign;
  const char* word;
};
constexpr Kind kPassed{"ok", "✓", "passed"};
constexpr Kind kViolated{"no", "✕", "violated"};
constexpr Kind kNotJudged{"nj", "!", "not judged"};
constexpr Kind kAbsent{"ab", "–", "not run"};
constexpr std::array<const Kind*, 4> kKinds = {&kViolated, &kNotJudged, &kAbsent, &kPassed};

const Kind& KindOf(const CaseVerdict& c) {
  if (c.passed) return kPassed;
  if (c.state == "violated") return kViolated;
  return c.state == "not-run" || c.state == "not-implemented" ? kAbsent : kNotJudged;
}

int CountOf(const Verdict& verdict, const Kind& kind) {
  return static_cast<int>(
      std::ranges::count_if(verdict.cases, [&](const auto& c) { return &KindOf(c) == &kind; }));
}

// "AllReplicasReady" with places to break the line before its capitals; needs no escaping else.
std::string Breakable(std::string_view name) {
  std::string html;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (i > 0 && name[i] >= 'A' && name[i] <= 'Z' && !(name[i - 1] >= 'A' && name[i - 1] <= 'Z')) {
      html += "<wbr>";
    }
    html += EscapeMarkup(name.substr(i, 1));
  }
  return html;
}

// "2026-01-31 23:59:59 UTC"
std::string When(std::string_view rfc3339) {
  if (rfc3339.size() < 19) return std::string(rfc3339);
  return fmt::format("{} {} UTC", rfc3339.substr(0, 10), rfc3339.substr(11, 8));
}

std::string Duration(double seconds) {
  if (seconds < 60) return fmt::format("{:.2f} s", seconds);
  const int whole = static_cast<int>(seconds);
  return whole < 3600 ? fmt::format("{} min {:02} s", whole / 60, whole % 60)
                      : fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

// "<= 60 s" as it is printed.
std::string WithSigns(std::string text) {
  if (text.starts_with("<=")) text.replace(0, 2, "≤");
  if (text.starts_with(">=")) text.replace(0, 2, "≥");
  return text;
}

// The measure that is nearest to its threshold, or beyond it by most.
const Measure* TightestOf(const Record& record) {
  const Measure* tightest = nullptr;
  double least = 0;
  for (const Measure& m : record.measures) {
    const double margin = m.Holds() ? m.Margin().value_or(1e9) : m.Margin().value_or(-1e9);
    if (tightest == nullptr || margin < least) {
      tightest = &m;
      least = margin;
    }
  }
  return tightest;
}

data MeasureData(const Measure& m) {
  data d;
  d.set("m_name", m.name);
  d.set("m_chart", MeasureChart(m));
  d.set("m_series", Optional(SeriesChart(m)));
  d.set("m_stats", SeriesText(m));
  d.set("m_value", ValueText(m));
  d.set("m_threshold", WithSigns(ThresholdText(m)));
  const auto margin = m.Margin();
  d.set("m_margin", margin ? data(fmt::format("{:+.0f} %", *margin * 100)) : data(false));
  d.set("m_style", m.Holds() ? "" : "bad");
  return d;
}

data PairData(const char* name, const std::string& value) {
  data d;
  d.set("key", name);
  d.set("value", value);
  return d;
}

data FactsOf(const CaseVerdict& c) {
  const CatalogueCase& entry = *c.entry;
  data facts = data::type::list;
  facts << PairData("Test", entry.TestName());
  facts << PairData("Impact", entry.impact);
  facts << PairData("Needs", fmt::format("{}", fmt::join(entry.needs, ", ")));
  if (!c.record.started.empty()) facts << PairData("Started", When(c.record.started));
  if (c.recorded) facts << PairData("Observations", std::to_string(c.record.observations));
  for (const auto& [name, seed] : c.record.seeds) {
    facts << PairData("Seed", fmt::format("{} {}", name, seed));
  }
  // The text of a failure has it already.
  if (c.passed && !c.record.before.empty()) facts << PairData("Before", c.record.before);
  return facts;
}

data EvidenceOf(const CaseVerdict& c) {
  data list = data::type::list;
  if (!c.recorded) return list;
  std::vector<std::string> files = {"record.json"};
  files.insert(files.end(), c.record.evidence.begin(), c.record.evidence.end());
  for (const std::string& file : files) {
    // A link may lead to a file beside the record and nowhere else.
    if (file.find("..") != std::string::npos || file.starts_with('/') ||
        file.find(':') != std::string::npos) {
      continue;
    }
    data d;
    d.set("href", c.entry->id + "/" + file);
    d.set("file", file);
    list << d;
  }
  return list;
}

// The failure's text line by line, so that it reads well on a narrow screen: "  Label: text", where
// lines that begin with more blanks than a label takes go on with the one before.
data FailureData(const std::string& text) {
  data lines = data::type::list;
  std::string label;
  std::string value;
  const auto flush = [&] {
    // The page has links and a button for these two.
    if (!label.empty() && label != "Evidence" && label != "Rerun") {
      lines << PairData(label.c_str(), value);
    }
    label.clear();
  };
  std::istringstream in(text);
  std::string line;
  std::getline(in, line);
  data failure;
  failure.set("first", line);
  while (std::getline(in, line)) {
    const auto begin = line.find_first_not_of(' ');
    const auto colon = line.find(": ");
    if (begin == std::string::npos || begin >= 10 || colon == std::string::npos) {
      value += "\n" + line.substr(begin == std::string::npos ? 0 : begin);
      continue;
    }
    flush();
    label = line.substr(begin, colon - begin);
    value = line.substr(colon + 2);
  }
  flush();
  failure.set("lines", lines);
  return failure;
}

// Empty where there is no such page.
std::string LinkToPage(const std::string& id, const std::filesystem::path& run_folder) {
  const std::filesystem::path page = PageOfCase(id);
  std::error_code error;
  if (!std::filesystem::exists(page, error)) return "";
  return std::filesystem::relative(page, run_folder, error).string();
}

data CaseData(const CaseVerdict& c, const std::map<std::string, CaseHistory>& history,
              const std::filesystem::path& run_folder) {
  const Kind& kind = KindOf(c);
  const CatalogueCase& entry = *c.entry;
  data d;
  d.set("id", entry.id);
  d.set("style", kind.style);
  d.set("sign", kind.sign);
  d.set("state", c.state);
  d.set("name", Breakable(entry.name));
  d.set("item", entry.item);
  d.set("claim", entry.proves);
  d.set("defect", entry.mutant);
  d.set("page", Optional(LinkToPage(entry.id, run_folder)));
  d.set("open", kind.style == std::string_view("no"));
  d.set("took",
        c.recorded && c.state != "not-implemented" ? Duration(c.record.seconds) : std::string());
  if (const Measure* tightest = TightestOf(c.record); tightest != nullptr) {
    data row = MeasureData(*tightest);
    row.set("m_more", c.record.measures.size() > 1
                          ? fmt::format("· {} more", c.record.measures.size() - 1)
                          : std::string());
    d.set("tightest", row);
  } else {
    d.set("tightest", false);
  }
  data measures = data::type::list;
  for (const Measure& m : c.record.measures) measures << MeasureData(m);
  d.set("has_measures", !c.record.measures.empty());
  d.set("measures", measures);
  d.set("timeline", Optional(TimelineChart(c.record)));
  d.set("failure", c.passed || &kind == &kAbsent
                       ? data(false)
                       : FailureData(FailureText(c.record, entry.id, c.state)));
  d.set("facts", FactsOf(c));
  d.set("evidence", EvidenceOf(c));
  d.set("has_evidence", c.recorded);
  d.set("rerun", RerunCommand(c.record));
  const auto past = history.find(entry.id);
  // The present verdict alone is no history.
  const bool has_past = past != history.end() && past->second.size() > 1;
  d.set("history", has_past ? Optional(HistoryChart(past->second)) : data(false));
  if (past != history.end()) {
    const FailureRate rate = FailureRateOf(past->second);
    d.set("rate",
          rate.runs == 0
              ? data(false)
              : data(fmt::format("{} of {} runs did not pass ({:.1f} %; at most {:.1f} % with "
                                 "95 % confidence){}",
                                 rate.failed, rate.runs, rate.Rate() * 100, rate.upper95 * 100,
                                 rate.flaky ? "; flaky: both at one commit" : "")));
  } else {
    d.set("rate", false);
  }
  return d;
}

data SuitesData(const Verdict& verdict, const std::map<std::string, CaseHistory>& history,
                const std::filesystem::path& run_folder) {
  std::vector<std::pair<std::string, std::vector<const CaseVerdict*>>> suites;
  for (const CaseVerdict& c : verdict.cases) {
    auto suite = std::ranges::find(suites, c.entry->suite, &decltype(suites)::value_type::first);
    if (suite == suites.end()) suite = suites.insert(suite, {c.entry->suite, {}});
    suite->second.push_back(&c);
  }
  data list = data::type::list;
  for (const auto& [name, cases] : suites) {
    data d;
    d.set("suite", Breakable(name));
    d.set("suite_passed",
          std::to_string(std::ranges::count_if(cases, [](const auto* c) { return c->passed; })));
    d.set("suite_size", std::to_string(cases.size()));
    data rows = data::type::list;
    for (const CaseVerdict* c : cases) rows << CaseData(*c, history, run_folder);
    d.set("cases", rows);
    list << d;
  }
  return list;
}

// What it would take, in one sentence.
std::string DemandOf(const Verdict& v) {
  const Phase& phase = *v.phase;
  std::string text = fmt::format("{} % of {} cases must pass: {}. ", phase.threshold_percent,
                                 phase.size, v.Needed());
  if (!v.RateReached()) {
    text += fmt::format("{} more would be needed.", v.Needed() - v.passed);
  } else if (v.passed > v.Needed()) {
    text += fmt::format("{} could fail and it would still pass.", v.passed - v.Needed());
  } else {
    text += "None may fail.";
  }
  return text;
}

// What is red or worth knowing whatever the rate is.
data ConditionsOf(const Verdict& v) {
  data list = data::type::list;
  const auto add = [&](bool good, const std::string& text) {
    data d;
    d.set("c_style", good ? "ok" : "no");
    d.set("c_sign", good ? kPassed.sign : kViolated.sign);
    d.set("c_text", text);
    list << d;
  };
  if (v.Partial()) {
    add(false, fmt::format("Partial: {} of {} cases left a record. There is no verdict on a part.",
                           v.recorded, v.phase->size));
  }
  for (const std::string& reason : v.red_at_any_rate) add(false, "Red at any rate: " + reason);
  if (v.red_at_any_rate.empty()) add(true, "The deployment was left as it was found.");
  const auto must =
      std::ranges::count_if(v.cases, [](const auto& c) { return c.entry->must_pass; });
  if (must > 0) {
    const auto kept = std::ranges::count_if(
        v.cases, [](const auto& c) { return c.entry->must_pass && c.passed; });
    add(kept == must,
        fmt::format("{} of the {} cases that must pass at any rate passed.", kept, must));
  }
  for (const NotProvided& missing : v.not_provided) {
    add(false, fmt::format("Not provided: {}, which {} cases need and fail by ({}).", missing.need,
                           missing.cases.size(), fmt::join(missing.cases, ", ")));
  }
  return list;
}

data RunFacts(const Verdict& v) {
  data list = data::type::list;
  list << PairData("Run", v.run);
  if (!v.started.empty()) list << PairData("Started", When(v.started));
  if (!v.finished.empty()) list << PairData("Ended", When(v.finished));
  double seconds = 0;
  for (const CaseVerdict& c : v.cases) seconds += c.record.seconds;
  list << PairData("In cases", Duration(seconds));
  if (!v.facts.profile.empty()) {
    list << PairData("Profile", std::filesystem::path(v.facts.profile).filename().string());
  }
  if (!v.facts.commit.empty()) list << PairData("Suite", v.facts.commit);
  return list;
}

}  // namespace

std::string VerdictReport(const Verdict& v, const std::map<std::string, CaseHistory>& history,
                          const std::filesystem::path& run_folder) {
  data page;
  std::string phase(v.phase->name);
  phase[0] = static_cast<char>(phase[0] - 'a' + 'A');
  page.set("phase", phase);
  page.set("verdict", v.Partial() ? "No verdict" : (v.Passed() ? "Passed" : "Failed"));
  page.set("verdict_style", v.Partial() ? "nj" : (v.Passed() ? "ok" : "no"));
  page.set("verdict_sign",
           v.Partial() ? kNotJudged.sign : (v.Passed() ? kPassed.sign : kViolated.sign));
  page.set("passed", std::to_string(v.passed));
  page.set("size", std::to_string(v.phase->size));
  page.set("percent", PercentText(v.passed, v.phase->size));
  page.set("threshold", std::to_string(v.phase->threshold_percent));
  page.set("demand", DemandOf(v));
  page.set("conditions", ConditionsOf(v));
  page.set("run_facts", RunFacts(v));

  data kinds = data::type::list;
  data parts = data::type::list;  // of the bar: what passed comes first
  for (const Kind* kind : kKinds) {
    const int count = CountOf(v, *kind);
    if (count == 0) continue;
    data d;
    d.set("k_style", kind->style);
    d.set("k_sign", kind->sign);
    d.set("k_word", kind->word);
    d.set("k_count", std::to_string(count));
    kinds << d;
  }
  for (const Kind* kind : {&kPassed, &kViolated, &kNotJudged, &kAbsent}) {
    data d;
    d.set("p_style", kind->style);
    d.set("p_width", fmt::format("{:.3f}", 100.0 * CountOf(v, *kind) / v.phase->size));
    parts << d;
  }
  page.set("kinds", kinds);
  page.set("parts", parts);

  data failing = data::type::list;
  bool any = false;
  for (const CaseVerdict& c : v.cases) {
    if (c.passed || &KindOf(c) == &kAbsent) continue;
    any = true;
    data d;
    d.set("f_id", c.entry->id);
    d.set("f_style", KindOf(c).style);
    d.set("f_sign", KindOf(c).sign);
    d.set("f_state", c.state);
    d.set("f_name", Breakable(c.entry->name));
    d.set("f_reason", Shorten(c.reason, 260));
    failing << d;
  }
  page.set("any_failing", any);
  page.set("failing", failing);
  page.set("suites", SuitesData(v, history, run_folder));

  kainjow::mustache::mustache renderer{std::string(kReportTemplate)};
  renderer.set_custom_escape([](const std::string& text) { return EscapeMarkup(text); });
  return renderer.render(page);
}

}  // namespace pawk8s
