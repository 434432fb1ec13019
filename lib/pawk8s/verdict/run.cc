#include "pawk8s/verdict/run.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/verdict/record.h"

namespace pawk8s {
namespace {

using nlohmann::json;
namespace fs = std::filesystem;

struct ProcessStat {
  pid_t parent;
  unsigned long long start_ticks;
};

std::optional<ProcessStat> ReadStat(pid_t pid) {
  std::ifstream in(fmt::format("/proc/{}/stat", pid));
  std::string text;
  if (!std::getline(in, text)) return std::nullopt;
  // The command name in parentheses may hold anything; the fields begin behind the last one.
  const auto end = text.rfind(')');
  if (end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(end + 1));
  std::string state;
  ProcessStat stat{};
  fields >> state >> stat.parent;
  std::string skipped;
  for (int field = 5; field < 22; ++field) fields >> skipped;
  fields >> stat.start_ticks;
  if (!fields) return std::nullopt;
  return stat;
}

// Held while `current` changes hands.
class FolderLock {
 public:
  explicit FolderLock(const fs::path& folder)
      : fd_(::open((folder / ".lock").c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0644)) {
    if (fd_ >= 0) ::flock(fd_, LOCK_EX);
  }
  ~FolderLock() {
    if (fd_ >= 0) ::close(fd_);
  }
  FolderLock(const FolderLock&) = delete;
  FolderLock& operator=(const FolderLock&) = delete;

 private:
  int fd_;
};

std::string NewRunId() {
  std::random_device random;
  const auto now = std::chrono::system_clock::now();
  std::string day = FormatUtc(now).substr(0, 19);
  std::erase_if(day, [](char c) { return c == '-' || c == ':'; });
  return fmt::format("{}-{:04x}", day, random() & 0xffffU);
}

}  // namespace

std::optional<ProcessId> IdentifyProcess(pid_t pid) {
  const auto stat = ReadStat(pid);
  if (!stat) return std::nullopt;
  return ProcessId{.pid = pid, .start_ticks = stat->start_ticks};
}

bool IsAlive(const ProcessId& process) { return IdentifyProcess(process.pid) == process; }

bool IsAncestor(const ProcessId& process) {
  for (pid_t pid = ::getpid(); pid > 0;) {
    const auto stat = ReadStat(pid);
    if (!stat) return false;
    if (ProcessId{.pid = pid, .start_ticks = stat->start_ticks} == process) return true;
    pid = stat->parent;
  }
  return false;
}

fs::path Run::ResultsRoot() {
  const char* root = std::getenv("PAWK8S_RESULTS");
  return root != nullptr ? root : PAWK8S_RESULTS_DIR;
}

fs::path Run::StoreRoot() {
  const fs::path root = ResultsRoot();
  const fs::path built_in = PAWK8S_RESULTS_DIR;
  const fs::path inside = root.lexically_normal().lexically_relative(built_in);
  return inside.empty() || *inside.begin() == ".." ? root : built_in;
}

std::string Run::SuiteCommit() {
  const auto text = ReadFile(PAWK8S_COMMIT_FILE);
  return text.ok() ? text->substr(0, text->find('\n')) : std::string();
}

absl::Status Run::RefuseIfBusy(const fs::path& root, std::string_view phase,
                               const ProcessId& owner) {
  const auto current = Current(root, phase);
  if (!current.ok() || !current->IsInProgress() || current->owner_ == owner) {
    return absl::OkStatus();
  }
  return absl::FailedPreconditionError(
      fmt::format("another run of {} is in progress (process {}): wait for it or end it", phase,
                  current->owner_.pid));
}

absl::Status Run::Retire(const fs::path& root, std::string_view phase, const ProcessId& owner) {
  std::error_code error;
  if (!fs::exists(root / phase, error)) return absl::OkStatus();
  const FolderLock lock(root / phase);
  RETURN_IF_ERROR(RefuseIfBusy(root, phase, owner));
  fs::remove(root / phase / "current", error);
  return absl::OkStatus();
}

absl::StatusOr<Run> Run::Open(const fs::path& root, std::string_view phase, const ProcessId& owner,
                              const SessionFacts& facts) {
  const fs::path folder = root / phase;
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) {
    return absl::UnavailableError(
        fmt::format("cannot make the results folder {}: {}", folder.string(), error.message()));
  }
  const FolderLock lock(folder);
  RETURN_IF_ERROR(RefuseIfBusy(root, phase, owner));
  Run run;
  run.id_ = NewRunId();
  run.phase_ = phase;
  run.folder_ = folder / run.id_;
  run.owner_ = owner;
  run.facts_ = facts;
  run.started_ = FormatUtc(std::chrono::system_clock::now());
  const json session = {{"run", run.id_},
                        {"phase", phase},
                        {"owner", {{"pid", owner.pid}, {"start_ticks", owner.start_ticks}}},
                        {"started", run.started_},
                        {"profile", facts.profile},
                        {"profile_sha256", facts.profile_sha256},
                        {"commit", facts.commit},
                        {"needs", facts.needs}};
  RETURN_IF_ERROR(WriteFileAtomically(run.folder_ / "session.json", session.dump(1) + "\n"));
  const fs::path next = folder / ".next";
  fs::remove(next, error);
  fs::create_directory_symlink(run.id_, next, error);
  if (!error) fs::rename(next, folder / "current", error);
  if (error) {
    return absl::UnavailableError(
        fmt::format("cannot switch {}: {}", (folder / "current").string(), error.message()));
  }
  return run;
}

absl::StatusOr<Run> Run::Current(const fs::path& root, std::string_view phase) {
  const fs::path link = root / phase / "current";
  std::error_code error;
  const fs::path target = fs::read_symlink(link, error);
  if (error) {
    return absl::NotFoundError(fmt::format("no run of {} under {}", phase, root.string()));
  }
  return At(root / phase / target, phase);
}

absl::StatusOr<Run> Run::At(const fs::path& folder, std::string_view phase) {
  Run run;
  run.phase_ = phase;
  run.folder_ = folder;
  ASSIGN_OR_RETURN(const std::string text, ReadFile(run.folder_ / "session.json"));
  try {
    const json session = json::parse(text);
    run.id_ = session.at("run");
    run.owner_ = {.pid = session.at("owner").at("pid"),
                  .start_ticks = session.at("owner").at("start_ticks")};
    run.facts_.profile = session.at("profile");
    run.facts_.profile_sha256 = session.value("profile_sha256", "");
    run.facts_.commit = session.value("commit", "");
    run.facts_.needs = session.at("needs");
    run.started_ = session.value("started", "");
  } catch (const json::exception& parse_error) {
    return absl::DataLossError(
        fmt::format("{}: {}", (run.folder_ / "session.json").string(), parse_error.what()));
  }
  return run;
}

absl::Status Run::Close(bool restored, std::string_view what) const {
  const json closing = {{"restored", restored},
                        {"what", what},
                        {"closed", FormatUtc(std::chrono::system_clock::now())}};
  return WriteFileAtomically(folder_ / "closed.json", closing.dump(1) + "\n");
}

std::optional<Run::Closing> Run::closing() const {
  const auto text = ReadFile(folder_ / "closed.json");
  if (!text.ok()) return std::nullopt;
  const json closing = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!closing.is_object()) return Closing{.restored = false, .what = "closed.json is damaged"};
  return Closing{.restored = closing.value("restored", false),
                 .what = closing.value("what", std::string()),
                 .closed = closing.value("closed", std::string())};
}

bool Run::IsInProgress() const { return !closing() && IsAlive(owner_); }

bool Run::IsOursAndOpen() const { return !closing() && IsAncestor(owner_); }

}  // namespace pawk8s
