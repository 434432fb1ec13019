// process_facts and mount_facts: what /proc says of one process.
#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <climits>
#include <map>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pawk8s/agent/protocol.h"
#include "pawk8s/base/status.h"
#include "processes.h"

namespace pawk8s::agent {
namespace {

constexpr std::size_t kMaxFiles = 256;

std::string ReadLink(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  return size < 0 ? "" : std::string(target, static_cast<std::size_t>(size));
}

// "Uid:\t1000\t1000..." -> {"Uid", {"1000", "1000", ...}}
std::map<std::string, std::vector<std::string>> ReadStatusFile(const std::string& text) {
  std::map<std::string, std::vector<std::string>> fields;
  for (const auto line : absl::StrSplit(text, '\n')) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(":", 1));
    if (parts.size() != 2) continue;
    fields[parts[0]] = absl::StrSplit(parts[1], absl::ByAnyChar(" \t"), absl::SkipEmpty());
  }
  return fields;
}

class StatusFields {
 public:
  explicit StatusFields(const std::string& text) : fields_(ReadStatusFile(text)) {}

  [[nodiscard]] std::string Text(const std::string& key, std::size_t at = 0) const {
    const auto found = fields_.find(key);
    return found == fields_.end() || found->second.size() <= at ? "" : found->second[at];
  }
  [[nodiscard]] std::int64_t Number(const std::string& key, std::size_t at = 0) const {
    std::int64_t number = 0;
    return absl::SimpleAtoi(Text(key, at), &number) ? number : 0;
  }
  [[nodiscard]] std::int64_t Last(const std::string& key) const {
    const auto found = fields_.find(key);
    return found == fields_.end() || found->second.empty() ? 0
                                                           : Number(key, found->second.size() - 1);
  }

 private:
  std::map<std::string, std::vector<std::string>> fields_;
};

void ReadOpenFiles(const std::string& folder, ProcessFacts& facts) {
  DIR* open = ::opendir((folder + "/fd").c_str());
  if (open == nullptr) return;
  while (const dirent* entry = ::readdir(open)) {
    if (entry->d_name[0] == '.') continue;
    ++facts.open_files;
    const std::string path = ReadLink(fmt::format("{}/fd/{}", folder, entry->d_name));
    if (path.starts_with("/") && facts.files.size() < kMaxFiles) facts.files.push_back(path);
  }
  ::closedir(open);
}

absl::StatusOr<ProcessFacts> ReadOne(const Node& node, const ProcessStat& stat) {
  const std::string folder = fmt::format("{}/{}", node.proc, stat.id.pid);
  ASSIGN_OR_RETURN(const std::string status, ReadFile(folder + "/status"));
  ASSIGN_OR_RETURN(const std::string cmdline, ReadFile(folder + "/cmdline"));
  const StatusFields fields(status);
  ProcessFacts facts{.pid = stat.id.pid,
                     .container_pid = fields.Last("NSpid"),
                     .name = stat.name,
                     .state = std::string(1, stat.state),
                     .exe = ReadLink(folder + "/exe"),
                     .uid = fields.Number("Uid", 1),
                     .gid = fields.Number("Gid", 1),
                     .caps_effective = fields.Text("CapEff"),
                     .caps_permitted = fields.Text("CapPrm"),
                     .caps_bounding = fields.Text("CapBnd"),
                     .no_new_privs = fields.Number("NoNewPrivs") == 1,
                     .threads = fields.Number("Threads"),
                     .start_ticks = stat.id.start_ticks};
  const std::int64_t seccomp = fields.Number("Seccomp");
  facts.seccomp = seccomp == 0 ? "disabled" : seccomp == 1 ? "strict" : "filter";
  for (const auto argument :
       absl::StrSplit(absl::StripSuffix(cmdline, std::string(1, '\0')), '\0')) {
    facts.cmdline.emplace_back(argument.data(), argument.size());
  }
  ReadOpenFiles(folder, facts);
  return facts;
}

// "\040" is how mountinfo writes a space.
std::string Unescape(std::string_view text) {
  std::string plain;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto digit = [&](std::size_t offset) { return text[at + offset] - '0'; };
    if (text[at] == '\\' && at + 3 < text.size()) {
      plain += static_cast<char>(digit(1) * 64 + digit(2) * 8 + digit(3));
      at += 3;
    } else {
      plain += text[at];
    }
  }
  return plain;
}

}  // namespace

absl::StatusOr<ProcessList> ReadProcessFacts(const Node& node, const ProcessFactsRequest& request) {
  ASSIGN_OR_RETURN(const auto processes, ProcessesOf(node, request.target));
  ProcessList list;
  for (const ProcessStat& process : processes) {
    absl::StatusOr<ProcessFacts> facts = ReadOne(node, process);
    if (absl::IsNotFound(facts.status())) continue;  // it ended meanwhile
    if (!facts.ok()) return facts.status();
    list.processes.push_back(*std::move(facts));
  }
  if (list.processes.empty()) return TargetGone("every process ended while it was looked at");
  return list;
}

absl::StatusOr<MountList> ReadMountFacts(const Node& node, const MountFactsRequest& request) {
  ASSIGN_OR_RETURN(const ProcessStat process, FirstProcessOf(node, request.target));
  ASSIGN_OR_RETURN(const std::string text,
                   ReadFile(fmt::format("{}/{}/mountinfo", node.proc, process.id.pid)));
  MountList list;
  for (const auto line : absl::StrSplit(text, '\n', absl::SkipEmpty())) {
    // id parent major:minor root path options [optional...] - type source super-options
    const std::vector<std::string> parts = absl::StrSplit(line, ' ');
    std::size_t dash = 6;
    while (dash < parts.size() && parts[dash] != "-") ++dash;
    if (dash + 3 >= parts.size()) continue;
    list.mounts.push_back({.path = Unescape(parts[4]),
                           .type = parts[dash + 1],
                           .source = Unescape(parts[dash + 2]),
                           .root = Unescape(parts[3]),
                           .options = parts[5],
                           .super_options = parts[dash + 3]});
  }
  return list;
}

}  // namespace pawk8s::agent
