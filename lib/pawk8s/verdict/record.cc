#include "pawk8s/verdict/record.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <sstream>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/catalogue/catalogue.h"

namespace pawk8s {
namespace {

constexpr std::array<std::pair<Outcome, std::string_view>, 8> kNames = {
    {{Outcome::kStarted, "started"},
     {Outcome::kPassed, "passed"},
     {Outcome::kViolated, "violated"},
     {Outcome::kStimulusFailed, "stimulus-failed"},
     {Outcome::kUnobservable, "unobservable"},
     {Outcome::kBlocked, "blocked"},
     {Outcome::kTimedOut, "timed-out"},
     {Outcome::kNotImplemented, "not-implemented"}}};

}  // namespace

std::string_view NameOf(Outcome outcome) {
  for (const auto& [value, name] : kNames) {
    if (value == outcome) return name;
  }
  return "unknown";
}

std::optional<Outcome> OutcomeNamed(std::string_view name) {
  for (const auto& [value, text] : kNames) {
    if (text == name) return value;
  }
  return std::nullopt;
}

Series Series::Of(const std::vector<double>& samples) {
  Series series{.n = samples.size()};
  if (samples.empty()) return series;
  std::vector<double> sorted = samples;
  std::ranges::sort(sorted);
  const auto percentile = [&](double p) {
    const auto rank =
        static_cast<std::size_t>(std::ceil(p / 100 * static_cast<double>(sorted.size())));
    return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
  };
  series.p50 = percentile(50);
  series.p95 = percentile(95);
  series.p99 = percentile(99);
  series.max = sorted.back();
  const std::size_t points = std::min(samples.size(), kMaxPoints);
  for (std::size_t i = 0; i < points; ++i) {
    const auto from = samples.begin() + static_cast<std::ptrdiff_t>(i * samples.size() / points);
    const auto to =
        samples.begin() + static_cast<std::ptrdiff_t>((i + 1) * samples.size() / points);
    series.points.push_back(*std::max_element(from, to));
  }
  return series;
}

bool Measure::Holds() const {
  if (relation.empty()) return true;
  if (never) return false;
  if (relation == "<=") return value <= threshold;
  if (relation == "<") return value < threshold;
  if (relation == ">=") return value >= threshold;
  if (relation == ">") return value > threshold;
  return value == threshold;
}

std::optional<double> Measure::Margin() const {
  if (never || threshold == 0) return std::nullopt;
  const double above = (value - threshold) / std::abs(threshold);
  if (relation.starts_with("<")) return -above;
  if (relation.starts_with(">")) return above;
  return std::nullopt;
}

std::string RerunCommand(const Record& record) {
  const std::string_view phase = PhaseOfId(record.id);
  const auto dot = record.test.find('.');
  return fmt::format(R"(ctest --preset {0} -R '^{0}\.{1}\.{2}$')", phase,
                     record.test.substr(0, dot),
                     dot == std::string::npos ? "" : record.test.substr(dot + 1));
}

absl::Status WriteFileAtomically(const std::filesystem::path& file, std::string_view content) {
  std::error_code error;
  std::filesystem::create_directories(file.parent_path(), error);
  const auto temporary =
      file.parent_path() / fmt::format(".{}.{}", file.filename().string(), ::getpid());
  std::ofstream out(temporary, std::ios::binary | std::ios::trunc);
  out << content;
  out.close();
  if (out) std::filesystem::rename(temporary, file, error);
  if (!out || error) {
    std::filesystem::remove(temporary, error);
    return absl::UnavailableError(fmt::format(
        "cannot write {}: check that the folder is writable and the disk not full", file.string()));
  }
  return absl::OkStatus();
}

absl::StatusOr<std::string> ReadFile(const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return absl::NotFoundError(fmt::format("cannot read {}", file.string()));
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

absl::Status WriteRecord(const std::filesystem::path& run_folder, const Record& record) {
  return WriteFileAtomically(run_folder / record.id / "record.json", RecordToJson(record));
}

absl::StatusOr<Record> ReadRecord(const std::filesystem::path& run_folder, std::string_view id) {
  const auto file = run_folder / id / "record.json";
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  absl::StatusOr<Record> record = RecordFromJson(text);
  if (!record.ok()) {
    return absl::DataLossError(fmt::format("{}: {}", file.string(), MessageOf(record.status())));
  }
  return record;
}

}  // namespace pawk8s
