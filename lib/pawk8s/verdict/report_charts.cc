#include "pawk8s/verdict/report_charts.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <string_view>
#include <utility>
#include <vector>

#include "pawk8s/base/text.h"
#include "pawk8s/verdict/explain.h"

namespace pawk8s {
namespace {

constexpr double kWidth = 200;  // of the charts of one value or series
constexpr std::size_t kRunsShown = 20;
constexpr std::size_t kChangesListed = 6;

// ---- One measure ----

double Scale(double value, double full) {
  return full <= 0 ? 0 : std::clamp(value / full, 0.0, 1.0) * kWidth;
}

// ---- Time lines: positions in per cent, so that text keeps its size on a narrow screen ----

class TimeAxis {
 public:
  explicit TimeAxis(const Record& record) : end_(record.seconds) {
    for (const StimulusStep& step : record.stimulus) {
      for (const auto& at : {step.planned, step.applied, step.seen, step.reverted, step.checked}) {
        end_ = std::max(end_, at.value_or(0));
      }
    }
    for (const ObservedChange& change : record.changes) end_ = std::max(end_, change.at);
    end_ = std::max(end_, 0.1);
  }
  [[nodiscard]] double At(double seconds) const {
    return std::clamp(seconds / end_, 0.0, 1.0) * 100;
  }

  // A line with about four round numbers on it.
  [[nodiscard]] std::string Svg() const {
    const double magnitude = std::pow(10, std::floor(std::log10(end_ / 4)));
    double step = magnitude;
    for (const double factor : {2.0, 5.0, 10.0}) {
      if (end_ / step > 5) step = magnitude * factor;
    }
    std::string svg = R"(<svg class="ax" width="100%" height="20" aria-hidden="true">)"
                      R"(<line x2="100%" y1=".5" y2=".5"/>)";
    for (double at = 0; at <= end_ * 1.0001; at += step) {
      const double x = At(at);
      svg += fmt::format(R"(<text x="{:.1f}%" y="15" text-anchor="{}">{:g} s</text>)", x,
                         x < 3 ? "start" : (x > 94 ? "end" : "middle"), at);
    }
    return svg + "</svg>";
  }

 private:
  double end_;
};

std::string Span(double from, double to, std::string_view style) {
  return fmt::format(R"(<rect class="{}" x="{:.2f}%" y="6" width="{:.2f}%" height="6"/>)", style,
                     from, std::max(to - from, 0.4));
}

std::string MarkAt(double x, std::string_view shape) {
  return fmt::format(R"(<svg x="{:.2f}%" y="9" overflow="visible"><path d="{}"/></svg>)", x, shape);
}

std::string StimulusLane(const StimulusStep& step, const TimeAxis& axis) {
  struct Mark {
    const char* name;
    const std::optional<double>& at;
    const char* shape;
  };
  const std::array<Mark, 5> marks = {{{"planned", step.planned, "M-.75-7h1.5v14h-1.5z"},
                                      {"applied", step.applied, "M-3-6l8 6-8 6z"},
                                      {"seen", step.seen, "M-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z"},
                                      {"reverted", step.reverted, "M-4.5-4.5h9v9h-9z"},
                                      {"checked", step.checked, "M0-6l6 6-6 6-6-6z"}}};
  std::string times;
  std::string shapes;
  for (const Mark& mark : marks) {
    if (!mark.at) continue;
    times += fmt::format("<span>{} <b>{}</b></span>", mark.name, TimeText(*mark.at));
    shapes += MarkAt(axis.At(*mark.at), mark.shape);
  }
  if (step.applied) {
    // Drawn as open-ended while nobody took it back.
    const double from = axis.At(*step.applied);
    shapes = (step.reverted ? Span(from, axis.At(*step.reverted), "on") : Span(from, 100, "open")) +
             shapes;
  }
  std::string target = step.kind;
  if (!step.name.empty()) target += " " + step.name;
  if (!step.error.empty()) {
    times += fmt::format("<span class=\"bad\">error: {}</span>",
                         EscapeMarkup(Shorten(OneLine(step.error), 200)));
  }
  return fmt::format(
      R"(<div class="lane st"><p><em>{} {}</em>{}</p>)"
      R"(<svg class="ln" width="100%" height="18" role="img" aria-label="{}">{}</svg></div>)",
      EscapeMarkup(step.what), EscapeMarkup(target), times,
      EscapeMarkup(Shorten(StimulusText(step), 200)), shapes);
}

std::string ChangesLane(const std::string& name, const std::vector<const ObservedChange*>& changes,
                        const TimeAxis& axis) {
  std::string shapes;
  std::string list;
  for (std::size_t i = 0; i < changes.size(); ++i) {
    const double from = axis.At(changes[i]->at);
    const double to = i + 1 < changes.size() ? axis.At(changes[i + 1]->at) : 100;
    shapes += Span(from, to, i % 2 == 0 ? "a" : "b") + MarkAt(from, "M-.75-6h1.5v12h-1.5z");
    // The first and the last ones; what lies between is in the record.
    if (changes.size() > kChangesListed && i == kChangesListed / 2) {
      list += fmt::format("<span>… {} more …</span>", changes.size() - kChangesListed);
    }
    if (changes.size() > kChangesListed && i >= kChangesListed / 2 &&
        i < changes.size() - kChangesListed / 2) {
      continue;
    }
    list += fmt::format("<span><b>{}</b> {}</span>", TimeText(changes[i]->at),
                        EscapeMarkup(Shorten(OneLine(changes[i]->text), 120)));
  }
  return fmt::format(
      R"(<div class="lane ob"><p><em>{}</em></p>)"
      R"(<svg class="ln" width="100%" height="18" role="img" aria-label="{} changes">{}</svg>)"
      R"(<p class="ch">{}</p></div>)",
      EscapeMarkup(Shorten(OneLine(name), 100)), changes.size(), shapes, list);
}

}  // namespace

std::string MeasureChart(const Measure& m) {
  const bool judged = !m.relation.empty();
  const double full = std::max(m.never ? 0 : m.value, judged ? m.threshold : 0) * 1.15;
  const std::string_view style = !judged ? "val" : (m.Holds() ? "val ok" : "val no");
  // The value stands beside it as text: readers of a screen lose nothing.
  std::string svg =
      R"(<svg class="bar" viewBox="0 0 200 16" preserveAspectRatio="none" aria-hidden="true">)"
      R"(<path class="track" d="M0 12.5h200"/>)";
  const double mark = Scale(m.threshold, full);
  if (judged && m.relation != "==") {
    const bool at_most = m.relation.starts_with("<");
    svg += fmt::format(R"(<rect class="zone" x="{:.1f}" y="1" width="{:.1f}" height="14"/>)",
                       at_most ? 0.0 : mark, at_most ? mark : kWidth - mark);
  }
  if (m.never) {
    svg += R"(<rect class="never" x="0" y="4" width="200" height="8"/>)";
  } else {
    svg += fmt::format(R"(<rect class="{}" x="0" y="4" width="{:.1f}" height="8"/>)", style,
                       std::max(Scale(m.value, full), 2.0));
  }
  if (judged) svg += fmt::format(R"(<path class="mark" d="M{:.1f} 0v16"/>)", mark);
  return svg + "</svg>";
}

std::string SeriesChart(const Measure& m) {
  if (!m.series || m.series->points.empty()) return {};
  const Series& s = *m.series;
  constexpr double kHeight = 40;
  // A threshold far above all samples would flatten them into a line.
  const bool show_mark = !m.relation.empty() && m.threshold <= 3 * s.max;
  const double full = std::max(s.max, show_mark ? m.threshold : 0) * 1.1;
  const auto y = [&](double value) { return kHeight - Scale(value, full) / kWidth * kHeight; };
  std::string points;
  for (std::size_t i = 0; i < s.points.size(); ++i) {
    const double x = s.points.size() == 1 ? 0
                                          : kWidth * static_cast<double>(i) /
                                                static_cast<double>(s.points.size() - 1);
    points += fmt::format("{}{:.0f} {:.1f}", i == 0 ? "M" : "L", x, y(s.points[i]));
  }
  std::string svg =
      R"(<svg class="spark" viewBox="0 0 200 42" preserveAspectRatio="none" aria-hidden="true">)"
      R"(<path class="track" d="M0 40.5h200"/>)";
  if (show_mark) {
    svg += fmt::format(R"(<path class="dash" d="M0 {:.1f}h200"/>)", y(m.threshold));
  }
  return svg + fmt::format(R"(<path class="line" d="{}"/></svg>)", points);
}

std::string TimelineChart(const Record& record) {
  if (record.stimulus.empty() && record.changes.empty()) return {};
  const TimeAxis axis(record);
  std::string html;
  for (const StimulusStep& step : record.stimulus) html += StimulusLane(step, axis);
  std::vector<std::pair<std::string, std::vector<const ObservedChange*>>> lanes;
  for (const ObservedChange& change : record.changes) {
    auto lane = std::ranges::find(lanes, change.name, &decltype(lanes)::value_type::first);
    if (lane == lanes.end()) lane = lanes.insert(lane, {change.name, {}});
    lane->second.push_back(&change);
  }
  for (const auto& [name, changes] : lanes) html += ChangesLane(name, changes, axis);
  return html + axis.Svg();
}

std::string HistoryChart(const CaseHistory& history) {
  if (history.empty()) return {};
  const std::size_t shown = std::min(history.size(), kRunsShown);
  std::string passed;
  std::string failed;
  std::string other;
  int passes = 0;
  int failures = 0;
  for (std::size_t i = 0; i < shown; ++i) {
    const PastResult& past = history[history.size() - shown + i];
    const std::size_t x = (kRunsShown - shown + i) * 7;
    if (past.Passed()) {
      ++passes;
      passed += fmt::format("M{} 10h5v6h-5z", x);
    } else if (past.Counts()) {
      ++failures;
      failed += fmt::format("M{} 1h5v15h-5z", x);
    } else {
      other += fmt::format("M{} 13h5", x);
    }
  }
  std::string svg = fmt::format(
      R"(<svg class="hist" viewBox="0 0 140 17" role="img" aria-label="last {} runs: {} passed, {} failed">)",
      shown, passes, failures);
  if (!passed.empty()) svg += fmt::format(R"(<path class="ok" d="{}"/>)", passed);
  if (!failed.empty()) svg += fmt::format(R"(<path class="no" d="{}"/>)", failed);
  if (!other.empty()) svg += fmt::format(R"(<path class="na" d="{}"/>)", other);
  return svg + "</svg>";
}

}  // namespace pawk8s
