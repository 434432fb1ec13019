#include "pawk8s/verdict/junit.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>
#include <vector>

#include "pawk8s/base/text.h"
#include "pawk8s/verdict/explain.h"

namespace pawk8s {
namespace {

struct Counts {
  int tests = 0;
  int failures = 0;
  int errors = 0;
  double seconds = 0;

  void Add(const CaseVerdict& c) {
    ++tests;
    seconds += c.record.seconds;
    if (!c.passed) ++(c.state == "violated" ? failures : errors);
  }
  [[nodiscard]] std::string Attributes() const {
    return fmt::format("tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{:.3f}\"", tests,
                       failures, errors, seconds);
  }
};

std::string Property(std::string_view name, std::string_view value) {
  return fmt::format("      <property name=\"{}\" value=\"{}\"/>\n", EscapeAttribute(name),
                     EscapeAttribute(value));
}

// What is to be known of one case, in order.
std::vector<std::pair<std::string, std::string>> PropertiesOf(const CaseVerdict& c) {
  std::vector<std::pair<std::string, std::string>> list = {
      {"item", c.entry->item},
      {"outcome", c.state},
      {"impact", c.entry->impact},
      {"observations", std::to_string(c.record.observations)}};
  for (std::size_t i = 0; i < c.record.measures.size(); ++i) {
    const Measure& m = c.record.measures[i];
    const std::string of = " [" + m.name + "]";
    list.emplace_back("value" + of, ValueText(m));
    if (!m.relation.empty()) list.emplace_back("threshold" + of, ThresholdText(m));
    if (const auto margin = m.Margin()) {
      list.emplace_back("margin" + of, fmt::format("{:.1f} %", *margin * 100));
    }
    if (m.series) list.emplace_back("series" + of, SeriesText(m));
  }
  list.emplace_back("evidence", c.entry->id + "/record.json");
  list.emplace_back("defect", c.entry->id);
  return list;
}

std::string CaseXml(const Verdict& verdict, const CaseVerdict& c) {
  std::string xml =
      fmt::format("    <testcase classname=\"{}.{}\" name=\"{}\" time=\"{:.3f}\" status=\"{}\">\n",
                  verdict.phase->name, EscapeAttribute(c.entry->suite),
                  EscapeAttribute(c.entry->name), c.record.seconds, EscapeAttribute(c.state));
  if (!c.passed) {
    const std::string_view tag = c.state == "violated" ? "failure" : "error";
    xml += fmt::format("      <{0} type=\"{1}\" message=\"{2}\">{3}</{0}>\n", tag,
                       EscapeAttribute(c.state), EscapeAttribute(c.reason),
                       EscapeMarkup(FailureText(c.record, c.entry->id, c.state)));
  }
  std::string out = fmt::format("id: {}\n", c.entry->id);
  for (const auto& [name, value] : PropertiesOf(c)) out += fmt::format("{}: {}\n", name, value);
  return xml +
         fmt::format("      <system-out>{}</system-out>\n    </testcase>\n", EscapeMarkup(out));
}

// "2026-01-31T23:59:59": the schema's dates have no zone.
std::string Timestamp(std::string_view rfc3339) { return std::string(rfc3339.substr(0, 19)); }

std::string SuiteXml(const Verdict& verdict, const std::string& name,
                     const std::vector<const CaseVerdict*>& cases) {
  Counts counts;
  std::string properties;
  std::string body;
  for (const CaseVerdict* c : cases) {
    counts.Add(*c);
    for (const auto& [key, value] : PropertiesOf(*c)) {
      properties += Property(c->entry->id + "." + key, value);
    }
    body += CaseXml(verdict, *c);
  }
  const std::string when =
      verdict.started.empty() ? "" : fmt::format(" timestamp=\"{}\"", Timestamp(verdict.started));
  return fmt::format(
      "  <testsuite name=\"{}\" package=\"{}\" {} skipped=\"0\"{}>\n    <properties>\n{}{}{}{}"
      "    </properties>\n{}  </testsuite>\n",
      EscapeAttribute(name), verdict.phase->name, counts.Attributes(), when,
      Property("run", verdict.run),
      Property("verdict", verdict.Partial() ? "partial" : (verdict.Passed() ? "pass" : "fail")),
      Property("threshold_percent", std::to_string(verdict.phase->threshold_percent)), properties,
      body);
}

}  // namespace

std::string VerdictJUnit(const Verdict& verdict) {
  std::vector<std::pair<std::string, std::vector<const CaseVerdict*>>> suites;
  Counts counts;
  for (const CaseVerdict& c : verdict.cases) {
    counts.Add(c);
    auto suite = suites.begin();
    while (suite != suites.end() && suite->first != c.entry->suite) ++suite;
    if (suite == suites.end()) suite = suites.insert(suite, {c.entry->suite, {}});
    suite->second.push_back(&c);
  }
  std::string xml =
      fmt::format("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"{}\" {}>\n",
                  verdict.phase->name, counts.Attributes());
  for (const auto& [name, cases] : suites) xml += SuiteXml(verdict, name, cases);
  return xml + "</testsuites>\n";
}

}  // namespace pawk8s
