#include "cgroups.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

// What v1 says when there is no limit: the largest number of whole pages.
constexpr std::int64_t kV1Unlimited = 0x7ffffffffffff000;

bool Exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// One line of /proc/PID/cgroup: "4:memory:/kubepods/..." or, for v2, "0::/kubepods/...".
struct Membership {
  std::vector<std::string> controllers;  // empty: v2
  std::string path;
};
std::vector<Membership> ReadMemberships(std::string_view text) {
  std::vector<Membership> all;
  for (const auto line :
       absl::StrSplit(absl::string_view(text.data(), text.size()), '\n', absl::SkipEmpty())) {
    const std::vector<std::string> parts = absl::StrSplit(line, absl::MaxSplits(':', 2));
    if (parts.size() != 3) continue;
    all.push_back({absl::StrSplit(parts[1], ',', absl::SkipEmpty()), parts[2]});
  }
  return all;
}

std::string V2Root(const Node& node) {
  if (Exists(node.cgroup + "/cgroup.controllers")) return node.cgroup;
  if (Exists(node.cgroup + "/unified/cgroup.controllers")) return node.cgroup + "/unified";
  return "";
}

std::optional<std::int64_t> Divide(std::optional<std::int64_t> number, std::int64_t by) {
  return number ? std::optional(*number / by) : std::nullopt;
}

void ReadCpuV1(const std::string& cpu, const std::string& cpuacct, CgroupFacts& facts) {
  const auto quota = ReadCounter(cpu + "/cpu.cfs_quota_us");
  if (quota && *quota > 0) facts.cpu_quota_us = quota;
  facts.cpu_period_us = ReadCounter(cpu + "/cpu.cfs_period_us");
  facts.periods = ReadKeyed(cpu + "/cpu.stat", "nr_periods").value_or(0);
  facts.throttled_periods = ReadKeyed(cpu + "/cpu.stat", "nr_throttled").value_or(0);
  facts.throttled_us = Divide(ReadKeyed(cpu + "/cpu.stat", "throttled_time"), 1000).value_or(0);
  facts.cpu_usage_us = Divide(ReadCounter(cpuacct + "/cpuacct.usage"), 1000).value_or(0);
}

void ReadCpuV2(const std::string& folder, CgroupFacts& facts) {
  if (const auto max = ReadFile(folder + "/cpu.max"); max.ok()) {
    const std::vector<std::string> parts =
        absl::StrSplit(*max, absl::ByAnyChar(" \n"), absl::SkipEmpty());
    std::int64_t number = 0;
    if (!parts.empty() && absl::SimpleAtoi(parts[0], &number)) facts.cpu_quota_us = number;
    if (parts.size() > 1 && absl::SimpleAtoi(parts[1], &number)) facts.cpu_period_us = number;
  }
  facts.cpu_usage_us = ReadKeyed(folder + "/cpu.stat", "usage_usec").value_or(0);
  facts.periods = ReadKeyed(folder + "/cpu.stat", "nr_periods").value_or(0);
  facts.throttled_periods = ReadKeyed(folder + "/cpu.stat", "nr_throttled").value_or(0);
  facts.throttled_us = ReadKeyed(folder + "/cpu.stat", "throttled_usec").value_or(0);
}

void ReadMemory(const ControllerFolder& memory, CgroupFacts& facts) {
  const std::string& folder = memory.path;
  facts.memory_limit = ReadCounter(folder + (memory.v2 ? "/memory.max" : "/memory.limit_in_bytes"));
  if (facts.memory_limit && *facts.memory_limit >= kV1Unlimited) facts.memory_limit.reset();
  facts.memory_usage =
      ReadCounter(folder + (memory.v2 ? "/memory.current" : "/memory.usage_in_bytes")).value_or(0);
  const auto cache =
      ReadKeyed(folder + "/memory.stat", memory.v2 ? "inactive_file" : "total_inactive_file");
  facts.memory_working_set = std::max<std::int64_t>(0, facts.memory_usage - cache.value_or(0));
  facts.oom_kills =
      ReadKeyed(folder + (memory.v2 ? "/memory.events" : "/memory.oom_control"), "oom_kill");
}

}  // namespace

std::optional<std::int64_t> ReadCounter(const std::string& path) {
  const auto text = ReadFile(path);
  std::int64_t number = 0;
  if (!text.ok() || !absl::SimpleAtoi(absl::StripAsciiWhitespace(*text), &number)) {
    return std::nullopt;
  }
  return number;
}

std::optional<std::int64_t> ReadKeyed(const std::string& path, std::string_view key) {
  const auto text = ReadFile(path);
  if (!text.ok()) return std::nullopt;
  for (const auto line : absl::StrSplit(*text, '\n')) {
    const std::vector<std::string> parts = absl::StrSplit(line, ' ');
    std::int64_t number = 0;
    if (parts.size() == 2 && parts[0] == key && absl::SimpleAtoi(parts[1], &number)) return number;
  }
  return std::nullopt;
}

absl::StatusOr<ControllerFolder> ControllerOf(const Node& node, const Target& target,
                                              std::string_view controller) {
  ASSIGN_OR_RETURN(const ProcessStat process, FirstProcessOf(node, target));
  ASSIGN_OR_RETURN(const std::string text,
                   ReadFile(fmt::format("{}/{}/cgroup", node.proc, process.id.pid)));
  const std::vector<Membership> all = ReadMemberships(text);
  // In a hybrid layout both lines are there, and the controller is where v1 has it.
  for (const Membership& one : all) {
    const auto& names = one.controllers;
    if (std::find(names.begin(), names.end(), controller) == names.end()) continue;
    const std::string joint = fmt::format("{}", fmt::join(names, ","));
    for (const std::string& mount : {joint, std::string(controller)}) {
      ControllerFolder folder{fmt::format("{}/{}{}", node.cgroup, mount, one.path)};
      if (Exists(folder.path)) return folder;
    }
  }
  const std::string root = V2Root(node);
  for (const Membership& one : all) {
    if (!one.controllers.empty() || root.empty()) continue;
    ControllerFolder folder{root + one.path, true};
    const auto controllers = ReadFile(folder.path + "/cgroup.controllers");
    // cpuacct is part of v2's core.
    if (controllers.ok() &&
        (controller == "cpuacct" || controllers->find(controller) != std::string::npos)) {
      return folder;
    }
  }
  return absl::UnimplementedError(
      fmt::format("the node has no cgroup controller '{}' for container {}", controller,
                  target.container_id.substr(0, 12)));
}

std::string CgroupLayout(const Node& node) {
  if (Exists(node.cgroup + "/cgroup.controllers")) return "v2";
  if (!Exists(node.cgroup + "/memory")) return "none";
  return Exists(node.cgroup + "/unified/cgroup.controllers") ? "hybrid" : "v1";
}

absl::StatusOr<CgroupFacts> ReadCgroupFacts(const Node& node, const CgroupFactsRequest& request) {
  ASSIGN_OR_RETURN(const ControllerFolder cpu, ControllerOf(node, request.target, "cpu"));
  ASSIGN_OR_RETURN(const ControllerFolder cpuacct, ControllerOf(node, request.target, "cpuacct"));
  ASSIGN_OR_RETURN(const ControllerFolder memory, ControllerOf(node, request.target, "memory"));
  CgroupFacts facts{.taken_ms = WallMillis()};
  if (cpu.v2) {
    ReadCpuV2(cpu.path, facts);
  } else {
    ReadCpuV1(cpu.path, cpuacct.path, facts);
  }
  ReadMemory(memory, facts);
  return facts;
}

}  // namespace pawk8s::agent
