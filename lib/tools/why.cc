#include "why.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "pawk8s/base/status.h"
#include "pawk8s/base/text.h"
#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/verdict/explain.h"
#include "pawk8s/verdict/history.h"
#include "pawk8s/verdict/record.h"
#include "pawk8s/verdict/run.h"

namespace pawk8s {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

struct Options {
  std::string id;
  std::string run;  // empty: the last one
  bool as_json = false;
};

struct Answer {
  CatalogueCase entry;
  fs::path folder;  // of the run that is explained
  Record record;
  CaseHistory history;
  std::optional<PastResult> last_pass;  // before the run that is explained
  std::vector<std::string> changed;     // since then, one sentence each
};

// "INF-POD-01" or "PodLifecycle.AllReplicasRunningAndReady".
absl::StatusOr<std::pair<std::string, CatalogueCase>> FindCase(const std::string& id) {
  for (const Phase& phase : Phases()) {
    ASSIGN_OR_RETURN(const Catalogue catalogue, Catalogue::OfPhase(phase.name));
    for (const CatalogueCase& entry : catalogue.cases()) {
      if (entry.id == id || entry.TestName() == id)
        return std::pair(std::string(phase.name), entry);
    }
  }
  return absl::InvalidArgumentError("there is no case " + id +
                                    ": give an id such as INF-POD-01, or Suite.Case");
}

std::vector<std::string> Lines(const fs::path& file) {
  std::vector<std::string> lines;
  std::istringstream in(ReadFile(file).value_or(""));
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// The lines of `after` that `before` lacks, and the other way round.
std::vector<std::string> LinesThatDiffer(const fs::path& before, const fs::path& after) {
  constexpr std::size_t kMaxLines = 12;
  const std::vector<std::string> was = Lines(before);
  const std::vector<std::string> is = Lines(after);
  const std::set<std::string> had(was.begin(), was.end());
  const std::set<std::string> has(is.begin(), is.end());
  std::vector<std::string> differ;
  for (const std::string& line : was) {
    if (!has.contains(line)) differ.push_back("- " + OneLine(line));
  }
  for (const std::string& line : is) {
    if (!had.contains(line)) differ.push_back("+ " + OneLine(line));
  }
  if (differ.size() > kMaxLines) differ.resize(kMaxLines);
  return differ;
}

std::vector<std::string> ChangedSince(const PastResult& then, const PastResult& now) {
  std::vector<std::string> changed;
  if (then.commit != now.commit) {
    changed.push_back(fmt::format("the suite: {} -> {}",
                                  then.commit.empty() ? "unknown" : then.commit,
                                  now.commit.empty() ? "unknown" : now.commit));
  }
  if (then.profile_sha256 != now.profile_sha256) {
    std::string text = "the profile";
    for (const std::string& line :
         LinesThatDiffer(then.folder / "profile.yaml", now.folder / "profile.yaml")) {
      text += "\n    " + line;
    }
    changed.push_back(text);
  }
  return changed;
}

absl::StatusOr<Answer> Explain(const Options& options) {
  ASSIGN_OR_RETURN(const auto found, FindCase(options.id));
  const auto& [phase, entry] = found;
  Answer answer{.entry = entry};
  const std::vector<Run> runs = RunsIn(Run::StoreRoot(), phase);
  answer.history = HistoryOf(runs, entry.id);
  if (answer.history.empty()) {
    return absl::NotFoundError(
        fmt::format("no run under {} has a record of {}: run it with {}", Run::StoreRoot().string(),
                    entry.id, RerunCommand({.id = entry.id, .test = entry.TestName()})));
  }
  const auto chosen = options.run.empty()
                          ? std::prev(answer.history.end())
                          : std::ranges::find(answer.history, options.run, &PastResult::run);
  if (chosen == answer.history.end()) {
    return absl::NotFoundError(fmt::format("run {} has no record of {}: there are {} to {}",
                                           options.run, entry.id, answer.history.front().run,
                                           answer.history.back().run));
  }
  answer.folder = chosen->folder;
  ASSIGN_OR_RETURN(answer.record, ReadRecord(chosen->folder, entry.id));
  answer.last_pass = LastPassBefore(answer.history, chosen->run);
  if (answer.last_pass) answer.changed = ChangedSince(*answer.last_pass, *chosen);
  return answer;
}

bool Passed(const Answer& answer) { return StateOf(answer.record) == "passed"; }

std::string HistoryLine(const CaseHistory& history) {
  constexpr std::size_t kShown = 40;
  std::string line;
  for (std::size_t i = history.size() > kShown ? history.size() - kShown : 0; i < history.size();
       ++i) {
    line += history[i].Passed() ? '.' : (history[i].Counts() ? 'X' : '-');
  }
  return line;
}

std::string Text(const Answer& a) {
  std::string text;
  if (Passed(a)) {
    text = PassText(a.record);
    text += fmt::format("   Claim: {}\n", OneLine(a.entry.proves));
    for (const Measure& m : a.record.measures) {
      text += fmt::format("Measured: {}{}\n", MeasureText(m),
                          m.series ? "; " + SeriesText(m) : std::string());
    }
    for (const StimulusStep& step : a.record.stimulus) {
      text += fmt::format("Stimulus: {}\n", StimulusText(step));
    }
    text += fmt::format("Evidence: {}\n", (a.folder / a.entry.id / "record.json").string());
  } else {
    text = FailureText(a.record, (a.folder / a.entry.id).string());
    text += fmt::format("   Claim: {}\n", OneLine(a.entry.proves));
  }
  const FailureRate rate = FailureRateOf(a.history);
  text += fmt::format(
      "\n History: {}  ({} records, the newest last; . passed, X did not, - says "
      "nothing)\n",
      HistoryLine(a.history), a.history.size());
  if (rate.runs > 0) {
    text += fmt::format(
        "    Rate: {} of {} runs did not pass, {:.1f} %; at most {:.1f} % with 95 % "
        "confidence{}\n",
        rate.failed, rate.runs, rate.Rate() * 100, rate.upper95 * 100,
        rate.flaky ? "; flaky: it passed and failed at one commit" : "");
  }
  if (Passed(a)) return CleanUtf8(text);
  if (!a.last_pass) return CleanUtf8(text + "  Passed: never before this run\n");
  text += fmt::format("  Passed: last in run {} ({})\n", a.last_pass->run, a.last_pass->started);
  for (const std::string& sentence : a.changed) {
    text += fmt::format(" Changed: {}\n", sentence);
  }
  if (a.changed.empty())
    text += " Changed: nothing that is known: commit and profile are the same\n";
  return CleanUtf8(text);
}

std::string Json(const Answer& a) {
  json history = json::array();
  for (const PastResult& past : a.history) {
    history.push_back({{"run", past.run},
                       {"started", past.started},
                       {"commit", past.commit},
                       {"state", past.state},
                       {"seconds", past.seconds},
                       {"summary", past.summary}});
  }
  const FailureRate rate = FailureRateOf(a.history);
  json answer = {{"id", a.entry.id},
                 {"state", StateOf(a.record)},
                 {"record", json::parse(RecordToJson(a.record))},
                 {"text", Passed(a) ? PassText(a.record)
                                    : FailureText(a.record, (a.folder / a.entry.id).string())},
                 {"history", std::move(history)},
                 {"rate",
                  {{"runs", rate.runs},
                   {"failed", rate.failed},
                   {"rate", rate.Rate()},
                   {"upper95", rate.upper95},
                   {"flaky", rate.flaky}}},
                 {"changed", a.changed}};
  answer["last_passed"] = a.last_pass ? json(a.last_pass->run) : json(nullptr);
  return answer.dump(1, ' ', false, json::error_handler_t::replace) + "\n";
}

int Why(const Options& options) {
  const absl::StatusOr<Answer> answer = Explain(options);
  if (!answer.ok()) {
    fmt::print(stderr, "pawk8s: {}\n", MessageOf(answer.status()));
    return absl::IsInvalidArgument(answer.status()) ? 2 : 3;
  }
  fmt::print("{}", options.as_json ? Json(*answer) : Text(*answer));
  return Passed(*answer) ? 0 : 1;
}

}  // namespace

void AddWhy(CLI::App& app, int& code) {
  const auto options = std::make_shared<Options>();
  auto* why = app.add_subcommand("why", "explain the last record of a case, and its history");
  why->add_option("id", options->id, "INF-POD-01, or Suite.Case")->required();
  why->add_option("--run", options->run, "a run's id; default: the last one with a record");
  why->add_flag("--json", options->as_json);
  why->callback([options, &code] { code = Why(*options); });
}

}  // namespace pawk8s
