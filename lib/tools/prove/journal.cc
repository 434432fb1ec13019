#include "prove/journal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <system_error>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/verdict/record.h"
#include "pawk8s/verdict/run.h"

namespace pawk8s::prove {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr int kVersion = 1;

fs::path FileIn(const fs::path& folder) { return folder / "planted" / "planted.json"; }

}  // namespace

Journal::Journal(fs::path file, json content) : file_(std::move(file)), json_(std::move(content)) {}

absl::StatusOr<Journal> Journal::Begin(const fs::path& folder, const Defect& defect,
                                       const std::string& cluster_uid) {
  const fs::path file = FileIn(folder);
  std::error_code error;
  if (fs::exists(file, error)) {
    return absl::FailedPreconditionError(
        fmt::format("{} records another defect: run 'pawk8s prove --lift'", file.string()));
  }
  fs::create_directories(file.parent_path(), error);
  if (!error) fs::permissions(file.parent_path(), fs::perms::owner_all, error);
  if (error) {
    return absl::UnavailableError(
        fmt::format("cannot make {}: {}", file.parent_path().string(), error.message()));
  }
  json lift = json::array();
  for (const Step& step : defect.lift) lift.push_back({{"kind", step.kind}, {"args", step.args}});
  const auto self = IdentifyProcess(::getpid());
  Journal journal(file, {{"version", kVersion},
                         {"id", defect.id},
                         {"defect", defect.defect},
                         {"cluster_uid", cluster_uid},
                         {"pid", self ? self->pid : 0},
                         {"start_ticks", self ? self->start_ticks : 0},
                         {"lift", std::move(lift)},
                         {"undo", json::array()}});
  RETURN_IF_ERROR(journal.Write());
  return journal;
}

absl::StatusOr<std::optional<Journal>> Journal::Left(const fs::path& folder) {
  const fs::path file = FileIn(folder);
  const auto text = ReadFile(file);
  if (absl::IsNotFound(text.status())) return std::optional<Journal>();
  RETURN_IF_ERROR(text.status());
  json content = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!content.is_object() || content.value("version", 0) != kVersion) {
    return absl::DataLossError(fmt::format(
        "{} is damaged or of another version of pawk8s: lift by hand what it describes, then "
        "remove it",
        file.string()));
  }
  const ProcessId owner{.pid = content.at("pid"), .start_ticks = content.at("start_ticks")};
  const auto self = IdentifyProcess(::getpid());
  if (IsAlive(owner) && !(self && *self == owner)) {
    return absl::FailedPreconditionError(fmt::format(
        "another prove plants defects now (process {}): wait for it or end it", owner.pid));
  }
  return std::optional<Journal>(Journal(file, std::move(content)));
}

std::vector<Step> Journal::lift() const {
  std::vector<Step> steps;
  for (const json& step : json_.at("lift")) {
    steps.push_back({.kind = step.at("kind"), .args = step.at("args")});
  }
  return steps;
}

absl::Status Journal::Add(json undo) {
  json_["undo"].push_back(std::move(undo));
  return Write();
}

absl::Status Journal::Amend(std::size_t index, json undo) {
  json_["undo"].at(index) = std::move(undo);
  return Write();
}

absl::Status Journal::End() const {
  std::error_code error;
  fs::remove(file_, error);
  if (!error) return absl::OkStatus();
  return absl::UnavailableError(
      fmt::format("cannot remove {}: {}", file_.string(), error.message()));
}

absl::Status Journal::Write() const {
  return WriteFileAtomically(file_,
                             json_.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace pawk8s::prove
