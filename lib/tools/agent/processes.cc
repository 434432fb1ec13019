#include "processes.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <functional>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "pawk8s/agent/protocol.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

std::vector<std::int64_t> AllPids(const Node& node) {
  std::vector<std::int64_t> pids;
  DIR* folder = ::opendir(node.proc.c_str());
  if (folder == nullptr) return pids;
  while (const dirent* entry = ::readdir(folder)) {
    std::int64_t pid = 0;
    if (absl::SimpleAtoi(entry->d_name, &pid) && pid > 0) pids.push_back(pid);
  }
  ::closedir(folder);
  std::sort(pids.begin(), pids.end());
  return pids;
}

// The systemd driver writes a pod's UID with underscores.
bool NamesPod(std::string_view cgroups, std::string_view pod_uid) {
  std::string escaped(pod_uid);
  std::replace(escaped.begin(), escaped.end(), '-', '_');
  return cgroups.find(pod_uid) != std::string_view::npos ||
         cgroups.find(escaped) != std::string_view::npos;
}

std::vector<ProcessStat> Where(const Node& node,
                               const std::function<bool(std::string_view cgroups)>& holds) {
  std::vector<ProcessStat> found;
  for (const std::int64_t pid : AllPids(node)) {
    const auto cgroups = ReadFile(fmt::format("{}/{}/cgroup", node.proc, pid));
    if (!cgroups.ok() || !holds(*cgroups)) continue;
    auto stat = ReadStat(node, pid);
    if (stat && stat->name != kHelperName) found.push_back(*std::move(stat));
  }
  return found;
}

}  // namespace

std::optional<ProcessStat> ReadStat(const Node& node, std::int64_t pid) {
  const auto text = ReadFile(fmt::format("{}/{}/stat", node.proc, pid));
  if (!text.ok()) return std::nullopt;
  // "42 (a (strange) name) S 1 ...": the name ends at the last parenthesis.
  const std::size_t open = text->find('(');
  const std::size_t close = text->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  const std::vector<std::string> rest =
      absl::StrSplit(text->substr(close + 1), absl::ByAnyChar(" \n"), absl::SkipEmpty());
  ProcessStat stat{.id = {.pid = pid}, .name = text->substr(open + 1, close - open - 1)};
  constexpr std::size_t kStartTime = 19;  // field 22, the third is the first here
  if (rest.size() <= kStartTime || !absl::SimpleAtoi(rest[kStartTime], &stat.id.start_ticks)) {
    return std::nullopt;
  }
  stat.state = rest[0][0];
  if (stat.state == 'Z' || stat.state == 'X') return std::nullopt;
  return stat;
}

bool IsAlive(const Node& node, const ProcessId& id) {
  const auto stat = ReadStat(node, id.pid);
  return stat && stat->id == id;
}

absl::StatusOr<std::vector<ProcessStat>> ProcessesOf(const Node& node, const Target& target) {
  std::vector<ProcessStat> found = Where(node, [&](std::string_view cgroups) {
    return cgroups.find(target.container_id) != std::string_view::npos &&
           NamesPod(cgroups, target.pod_uid);
  });
  if (found.empty()) {
    return TargetGone(fmt::format("container {} of pod {} has no process on this node: it ended",
                                  target.container_id.substr(0, 12), target.pod_uid));
  }
  if (target.process) {
    std::erase_if(found, [&](const ProcessStat& stat) { return stat.name != *target.process; });
    if (found.empty()) {
      return absl::NotFoundError(fmt::format("container {} has no process named '{}'",
                                             target.container_id.substr(0, 12), *target.process));
    }
  }
  return found;
}

absl::StatusOr<ProcessStat> FirstProcessOf(const Node& node, const Target& target) {
  ASSIGN_OR_RETURN(const auto all, ProcessesOf(node, {target.pod_uid, target.container_id}));
  // The oldest one: pids wrap around, start times do not.
  return *std::min_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.id.start_ticks < b.id.start_ticks;
  });
}

absl::StatusOr<std::vector<ProcessStat>> ProcessesOfPod(const Node& node,
                                                        std::string_view pod_uid) {
  std::vector<ProcessStat> found =
      Where(node, [&](std::string_view cgroups) { return NamesPod(cgroups, pod_uid); });
  if (found.empty()) {
    return TargetGone(fmt::format("pod {} has no process on this node", pod_uid));
  }
  return found;
}

absl::Status SendSignal(const Node& node, const ProcessId& id, int signal) {
  const std::string what = fmt::format("signal {} to process {}", signal, id.pid);
  const Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, id.pid, 0)));
  if (!pidfd.ok()) return ErrnoStatus(errno, what);
  // The descriptor holds one process; only then is it compared with the wanted one.
  if (!IsAlive(node, id)) return absl::NotFoundError(what + ": it has ended");
  if (::syscall(SYS_pidfd_send_signal, pidfd.get(), signal, nullptr, 0) != 0) {
    return ErrnoStatus(errno, what);
  }
  return absl::OkStatus();
}

absl::StatusOr<SignalResult> Signal(const Node& node, const SignalRequest& request) {
  ASSIGN_OR_RETURN(const auto processes, ProcessesOf(node, request.target));
  const int signal = request.signal == SignalName::kKill ? SIGKILL : SIGTERM;
  SignalResult result{.sent_ms = WallMillis()};
  for (const ProcessStat& process : processes) {
    const absl::Status sent = SendSignal(node, process.id, signal);
    if (absl::IsNotFound(sent)) continue;  // the one before took it along
    RETURN_IF_ERROR(sent);
    result.pids.push_back(process.id.pid);
  }
  if (result.pids.empty()) return TargetGone("every process had ended by itself");
  return result;
}

}  // namespace pawk8s::agent
