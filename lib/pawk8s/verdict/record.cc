#include "pawk8s/verdict/record.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <utility>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<Outcome, std::string_view>, 7> kNames = {
    {{Outcome::kStarted, "started"},
     {Outcome::kPassed, "passed"},
     {Outcome::kViolated, "violated"},
     {Outcome::kStimulusFailed, "stimulus-failed"},
     {Outcome::kUnobservable, "unobservable"},
     {Outcome::kBlocked, "blocked"},
     {Outcome::kNotImplemented, "not-implemented"}}};

json ToJson(const Record& record) {
  json measures = json::array();
  for (const Measure& m : record.measures) {
    json entry = {{"name", m.name}, {"value", m.value}, {"unit", m.unit}};
    if (!m.relation.empty()) {
      entry["relation"] = m.relation;
      entry["threshold"] = m.threshold;
    }
    measures.push_back(std::move(entry));
  }
  json failures = json::array();
  for (const Failure& f : record.failures) {
    failures.push_back(
        {{"summary", f.summary}, {"message", f.message}, {"file", f.file}, {"line", f.line}});
  }
  return {{"id", record.id},
          {"test", record.test},
          {"run", record.run},
          {"outcome", NameOf(record.outcome)},
          {"started", record.started},
          {"finished", record.finished},
          {"seconds", record.seconds},
          {"observations", record.observations},
          {"measures", std::move(measures)},
          {"failures", std::move(failures)},
          {"restored", record.restored}};
}

Record FromJson(const json& j) {
  Record record{.id = j.at("id"),
                .test = j.at("test"),
                .run = j.at("run"),
                .started = j.at("started"),
                .finished = j.at("finished"),
                .seconds = j.at("seconds"),
                .observations = j.at("observations"),
                .restored = j.at("restored")};
  const auto outcome = OutcomeNamed(j.at("outcome").get<std::string>());
  if (!outcome) throw json::other_error::create(500, "unknown outcome", nullptr);
  record.outcome = *outcome;
  for (const json& m : j.at("measures")) {
    record.measures.push_back({.name = m.at("name"),
                               .value = m.at("value"),
                               .unit = m.at("unit"),
                               .relation = m.value("relation", ""),
                               .threshold = m.value("threshold", 0.0)});
  }
  for (const json& f : j.at("failures")) {
    record.failures.push_back({.summary = f.at("summary"),
                               .message = f.at("message"),
                               .file = f.at("file"),
                               .line = f.at("line")});
  }
  return record;
}

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
  // Messages carry bytes of the deployment: replace what is not UTF-8 instead of failing on it.
  return WriteFileAtomically(
      run_folder / record.id / "record.json",
      ToJson(record).dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

absl::StatusOr<Record> ReadRecord(const std::filesystem::path& run_folder, std::string_view id) {
  const auto file = run_folder / id / "record.json";
  ASSIGN_OR_RETURN(const std::string text, ReadFile(file));
  try {
    return FromJson(json::parse(text));
  } catch (const json::exception& error) {
    return absl::DataLossError(fmt::format("{}: {}", file.string(), error.what()));
  }
}

}  // namespace pawk8s
