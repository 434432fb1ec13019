// One run of a phase: a folder of records that one owner opened.
//
//   results/<phase>/<run>/session.json      who runs it, against what
//   results/<phase>/<run>/profile.yaml      the profile as it was, redacted
//   results/<phase>/<run>/<id>/record.json  what each case left
//   results/<phase>/current -> <run>
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pawk8s {

// A process that cannot be mistaken for a later one with the same pid.
struct ProcessId {
  pid_t pid = 0;
  unsigned long long start_ticks = 0;  // since boot, field 22 of /proc/<pid>/stat
  friend bool operator==(const ProcessId&, const ProcessId&) = default;
};

// Empty if there is no such process.
[[nodiscard]] std::optional<ProcessId> IdentifyProcess(pid_t pid);
[[nodiscard]] bool IsAlive(const ProcessId& process);
// True if `process` is this process or one of its ancestors.
[[nodiscard]] bool IsAncestor(const ProcessId& process);

// Values of SessionFacts::needs: it is there, or (as a prefix) the profile says that it is not.
inline constexpr std::string_view kPresent = "present";
inline constexpr std::string_view kNotProvided = "not provided";

// What preflight learned once, for every case of the run.
struct SessionFacts {
  std::string profile;                       // path of the profile
  std::string profile_sha256;                // of its content
  std::string commit;                        // of the suite; empty if unknown
  std::map<std::string, std::string> needs;  // need -> "present" or why it is not
};

class Run {
 public:
  // $PAWK8S_RESULTS, else the build's results folder.
  static std::filesystem::path ResultsRoot();
  // Where the runs of all invocations are: the build's results folder if ResultsRoot() lies in it,
  // else ResultsRoot() itself.
  static std::filesystem::path StoreRoot();
  // The commit that the suite was built from ("1e8775a0c1d2", with "-dirty" behind it if files had
  // changed); empty if unknown.
  static std::string SuiteCommit();

  // Ends the time in which the last run is the current one, so that whatever stops the next one
  // from opening leaves no older verdict behind. FailedPrecondition as Open().
  [[nodiscard]] static absl::Status Retire(const std::filesystem::path& root,
                                           std::string_view phase, const ProcessId& owner);
  // Opens a new run of `phase` and makes it current. FailedPrecondition if another live owner has
  // one open: two runs against one deployment spoil each other.
  static absl::StatusOr<Run> Open(const std::filesystem::path& root, std::string_view phase,
                                  const ProcessId& owner, const SessionFacts& facts);
  // The run whose folder this is. NotFound if it is none, DataLoss if its session is unreadable.
  static absl::StatusOr<Run> At(const std::filesystem::path& folder, std::string_view phase);
  // The run that was opened last. NotFound if there is none.
  static absl::StatusOr<Run> Current(const std::filesystem::path& root, std::string_view phase);

  // No later case may join; the records stay. `restored` says whether nothing was left behind.
  [[nodiscard]] absl::Status Close(bool restored, std::string_view what) const;

  [[nodiscard]] const std::string& id() const { return id_; }
  [[nodiscard]] const std::string& phase() const { return phase_; }
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }
  [[nodiscard]] const SessionFacts& facts() const { return facts_; }
  [[nodiscard]] const std::string& started() const { return started_; }  // RFC 3339
  // True while the owner lives, the run is not closed, and this process descends from the owner.
  [[nodiscard]] bool IsOursAndOpen() const;
  // True while the owner lives and the run is not closed.
  [[nodiscard]] bool IsInProgress() const;
  // What Close() said; empty while the run is open.
  struct Closing {
    bool restored;
    std::string what;
    std::string closed;  // RFC 3339
  };
  [[nodiscard]] std::optional<Closing> closing() const;

 private:
  static absl::Status RefuseIfBusy(const std::filesystem::path& root, std::string_view phase,
                                   const ProcessId& owner);

  std::string id_;
  std::string phase_;
  std::filesystem::path folder_;
  ProcessId owner_;
  SessionFacts facts_;
  std::string started_;
};

}  // namespace pawk8s
