#include "pawk8s/verdict/gate.h"

#include <fmt/format.h>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

CaseVerdict JudgeCase(const CatalogueCase& entry, const Run& run) {
  CaseVerdict verdict{.entry = &entry};
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
  verdict.state = NameOf(verdict.record.outcome);
  if (verdict.record.run != run.id() || verdict.record.id != entry.id) {
    verdict.state = "stale";
    verdict.recorded = false;
    verdict.reason = fmt::format("its record is of run {}", verdict.record.run);
  } else if (verdict.record.outcome == Outcome::kStarted) {
    verdict.state = "crashed";
    verdict.reason = "started, but no end was recorded: crashed, killed or timed out";
  } else if (verdict.record.outcome != Outcome::kPassed) {
    verdict.reason = verdict.record.failures.empty() ? std::string(verdict.state)
                                                     : verdict.record.failures.front().summary;
  } else if (verdict.record.observations == 0) {
    verdict.state = "unobservable";
    verdict.reason = "passed without a single observation";
  } else {
    verdict.passed = true;
  }
  return verdict;
}

std::string Percent(int part, int whole) {
  const int tenths = whole == 0 ? 0 : part * 1000 / whole;  // never rounded up to the threshold
  return fmt::format("{}.{} %", tenths / 10, tenths % 10);
}

std::string MeasureText(const Measure& m) {
  std::string text =
      fmt::format("{} {:.4g}{}", m.name, m.value, m.unit.empty() ? "" : " " + m.unit);
  if (!m.relation.empty()) text += fmt::format(" ({} {:.4g})", m.relation, m.threshold);
  return text;
}

std::string XmlEscape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\n':
        out += "&#10;";
        break;
      case '\t':
        out += "&#9;";
        break;
      default:
        // XML 1.0 has no other control characters, not even escaped ones.
        if (static_cast<unsigned char>(c) >= 0x20) out += c;
    }
  }
  return out;
}

std::string Property(std::string_view name, std::string_view value) {
  return fmt::format("        <property name=\"{}\" value=\"{}\"/>\n", XmlEscape(name),
                     XmlEscape(value));
}

std::string JUnitCase(const Verdict& verdict, const CaseVerdict& c) {
  std::string xml =
      fmt::format("    <testcase classname=\"{}.{}\" name=\"{}\" time=\"{:.3f}\">\n",
                  verdict.phase->name, c.entry->suite, XmlEscape(c.entry->name), c.record.seconds);
  xml += "      <properties>\n" + Property("id", c.entry->id) + Property("outcome", c.state) +
         Property("impact", c.entry->impact) +
         Property("observations", std::to_string(c.record.observations)) +
         Property("evidence", c.entry->id + "/record.json");
  for (const Measure& m : c.record.measures) xml += Property("measure", MeasureText(m));
  xml += "      </properties>\n";
  if (!c.passed) {
    std::string details;
    for (const Failure& f : c.record.failures) {
      details += fmt::format("{}:{}\n{}\n", f.file, f.line, f.message);
    }
    // JUnit's "failure" is a judgement, "error" the lack of one.
    const std::string_view tag = c.state == "violated" ? "failure" : "error";
    xml += fmt::format("      <{0} type=\"{1}\" message=\"{2}\">{3}</{0}>\n", tag, c.state,
                       XmlEscape(c.reason), XmlEscape(details));
  }
  return xml + "    </testcase>\n";
}

}  // namespace

Verdict Judge(const Catalogue& catalogue, const Run& run) {
  Verdict verdict{.phase = &catalogue.phase(), .run = run.id()};
  for (const CatalogueCase& entry : catalogue.cases()) {
    CaseVerdict c = JudgeCase(entry, run);
    if (c.recorded) ++verdict.recorded;
    if (c.passed) ++verdict.passed;
    if (c.recorded && !c.record.restored) {
      verdict.red_at_any_rate.push_back(entry.id + " did not restore the deployment");
    }
    verdict.cases.push_back(std::move(c));
  }
  const auto closing = run.closing();
  if (!closing) {
    verdict.red_at_any_rate.emplace_back("the run was not swept");
  } else if (!closing->restored) {
    verdict.red_at_any_rate.push_back(closing->what);
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
                       Percent(verdict.passed, phase.size), phase.threshold_percent);
  }
  for (const std::string& reason : verdict.red_at_any_rate) {
    text += fmt::format("  red at any rate: {}\n", reason);
  }
  int not_implemented = 0;
  for (const CaseVerdict& c : verdict.cases) {
    if (c.state == "not-implemented") {
      ++not_implemented;
    } else if (c.recorded && !c.passed) {
      text += fmt::format("  {} {} {}: {}\n", c.entry->id, c.state, c.entry->TestName(), c.reason);
    }
  }
  if (not_implemented > 0) text += fmt::format("  not implemented: {} cases\n", not_implemented);
  return text;
}

std::string VerdictTable(const Verdict& verdict) {
  std::string text;
  for (const CaseVerdict& c : verdict.cases) {
    if (!c.recorded || c.state == "not-implemented") continue;
    text += fmt::format("{:<11} {:<15} {:>7.2f} s  {}\n", c.entry->id, c.state, c.record.seconds,
                        c.entry->TestName());
    for (const Measure& m : c.record.measures) {
      text += fmt::format("{:40}{}\n", "", MeasureText(m));
    }
  }
  return text;
}

std::string VerdictJUnit(const Verdict& verdict) {
  std::string body;
  int failures = 0;
  int errors = 0;
  double seconds = 0;
  for (const CaseVerdict& c : verdict.cases) {
    body += JUnitCase(verdict, c);
    seconds += c.record.seconds;
    if (!c.passed) ++(c.state == "violated" ? failures : errors);
  }
  return fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
      "<testsuites>\n"
      "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3f}\">\n"
      "    <properties>\n"
      "      <property name=\"run\" value=\"{}\"/>\n"
      "      <property name=\"verdict\" value=\"{}\"/>\n"
      "      <property name=\"threshold_percent\" value=\"{}\"/>\n"
      "    </properties>\n"
      "{}"
      "  </testsuite>\n"
      "</testsuites>\n",
      verdict.phase->name, verdict.cases.size(), failures, errors, seconds, verdict.run,
      verdict.Partial() ? "partial" : (verdict.Passed() ? "pass" : "fail"),
      verdict.phase->threshold_percent, body);
}

absl::Status WriteVerdict(const Verdict& verdict, const std::filesystem::path& run_folder) {
  RETURN_IF_ERROR(WriteFileAtomically(run_folder / "verdict.txt",
                                      VerdictText(verdict) + "\n" + VerdictTable(verdict)));
  return WriteFileAtomically(run_folder / "junit.xml", VerdictJUnit(verdict));
}

}  // namespace pawk8s
