#include "pawk8s/verdict/history.h"

#include <algorithm>
#include <boost/math/distributions/binomial.hpp>
#include <chrono>
#include <ctime>
#include <iomanip>
#include <sstream>
#include <utility>

#include "pawk8s/verdict/explain.h"
#include "pawk8s/verdict/record.h"

namespace pawk8s {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> FoldersIn(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
    if (it->is_directory(error) && !it->is_symlink(error)) folders.push_back(it->path());
  }
  return folders;
}

void AddRuns(const fs::path& folder, std::string_view phase, std::vector<Run>& runs) {
  for (const fs::path& run : FoldersIn(folder)) {
    if (auto found = Run::At(run, phase); found.ok() && found->id() == run.filename().string()) {
      runs.push_back(*std::move(found));
    }
  }
}

PastResult ResultOf(const Run& run, std::string_view id) {
  PastResult past{.run = run.id(),
                  .started = run.started(),
                  .commit = run.facts().commit,
                  .profile_sha256 = run.facts().profile_sha256,
                  .folder = run.folder(),
                  .state = "damaged"};
  if (const auto record = ReadRecord(run.folder(), id); record.ok()) {
    past.state = StateOf(*record);
    past.seconds = record->seconds;
    if (!record->failures.empty()) past.summary = record->failures.front().summary;
  }
  return past;
}

std::optional<std::chrono::system_clock::time_point> ParseUtc(std::string_view rfc3339) {
  std::tm utc{};
  std::istringstream in{std::string(rfc3339)};
  in >> std::get_time(&utc, "%Y-%m-%dT%H:%M:%S");
  // system_clock counts nanoseconds: it begins in 1677 and ends in 2262.
  if (!in || utc.tm_year < 1700 - 1900 || utc.tm_year > 2200 - 1900) return std::nullopt;
  return std::chrono::system_clock::from_time_t(timegm(&utc));
}

// True if a case of the run, other than one that the suite lacks, did not pass.
bool HasFailures(const Run& run) {
  for (const fs::path& folder : FoldersIn(run.folder())) {
    const PastResult past = ResultOf(run, folder.filename().string());
    if (!past.Passed() && past.state != "not-implemented") return true;
  }
  return false;
}

}  // namespace

std::vector<Run> RunsIn(const fs::path& store, std::string_view phase) {
  std::vector<Run> runs;
  AddRuns(store / phase, phase, runs);
  for (const fs::path& invocation : FoldersIn(store)) {
    if (invocation.filename() == "prove" || invocation.filename() == phase) continue;
    AddRuns(invocation / phase, phase, runs);
  }
  std::ranges::sort(runs, [](const Run& a, const Run& b) {
    return std::pair(a.started(), a.id()) < std::pair(b.started(), b.id());
  });
  return runs;
}

CaseHistory HistoryOf(const std::vector<Run>& runs, std::string_view id) {
  CaseHistory history;
  std::error_code error;
  for (const Run& run : runs) {
    if (fs::exists(run.folder() / id / "record.json", error)) {
      history.push_back(ResultOf(run, id));
    }
  }
  return history;
}

std::map<std::string, CaseHistory> RecentHistory(const std::vector<Run>& runs, std::size_t limit) {
  std::map<std::string, CaseHistory> history;
  for (std::size_t i = runs.size() > limit ? runs.size() - limit : 0; i < runs.size(); ++i) {
    for (const fs::path& folder : FoldersIn(runs[i].folder())) {
      const std::string id = folder.filename().string();
      history[id].push_back(ResultOf(runs[i], id));
    }
  }
  return history;
}

double UpperBound95(int failed, int trials) {
  if (trials <= 0 || failed >= trials) return 1;
  return boost::math::binomial_distribution<double>::find_upper_bound_on_p(trials, failed, 0.05);
}

FailureRate FailureRateOf(const CaseHistory& history) {
  FailureRate rate;
  std::map<std::pair<std::string, std::string>, std::pair<bool, bool>> seen;  // passed, failed
  for (const PastResult& past : history) {
    if (!past.Counts()) continue;
    ++rate.runs;
    if (!past.Passed()) ++rate.failed;
    // Files that differ from a commit may differ between two runs too.
    if (past.commit.empty() || past.commit.ends_with("-dirty")) continue;
    auto& [passed, failed] = seen[{past.commit, past.profile_sha256}];
    (past.Passed() ? passed : failed) = true;
    rate.flaky = rate.flaky || (passed && failed);
  }
  rate.upper95 = UpperBound95(rate.failed, rate.runs);
  return rate;
}

std::optional<PastResult> LastPassBefore(const CaseHistory& history, std::string_view run) {
  std::optional<PastResult> last;
  for (const PastResult& past : history) {
    if (past.run == run) break;
    if (past.Passed()) last = past;
  }
  return last;
}

std::vector<std::string> PruneRuns(const fs::path& store, std::string_view phase,
                                   const Retention& retention, std::string_view now) {
  std::vector<std::string> removed;
  const std::vector<Run> runs = RunsIn(store, phase);
  const auto keep = static_cast<std::size_t>(std::max(retention.keep, 1));
  const auto today = ParseUtc(now);
  if (runs.size() <= keep || !today) return removed;
  for (std::size_t i = 0; i < runs.size() - keep; ++i) {
    const Run& run = runs[i];
    const fs::path folder = run.folder().parent_path();
    std::error_code error;
    const bool current = fs::read_symlink(folder / "current", error) == run.id();
    const bool of_invocation = folder.parent_path() != store;
    if (run.IsInProgress() || (current && !of_invocation)) continue;
    const auto started = ParseUtc(run.started());
    const bool young =
        !started || *today - *started < std::chrono::hours(24 * retention.keep_failures_days);
    if (young && HasFailures(run)) continue;
    fs::remove_all(run.folder(), error);
    if (error) continue;
    removed.push_back(run.id());
    // An invocation has one run of a phase: with it goes the link, and the folders once empty.
    if (!of_invocation) continue;
    if (current) fs::remove(folder / "current", error);
    fs::remove(folder / ".lock", error);
    fs::remove(folder, error);
    fs::remove(folder.parent_path(), error);
  }
  return removed;
}

}  // namespace pawk8s
