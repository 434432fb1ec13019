// What the agent can tell of its node and the containers on it. These verbs change nothing, save
// for `signal` and `file_remove`, which do one thing at once and have nothing to revert.
//
// Times are the node's wall clock in milliseconds, durations microseconds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pawk8s/agent/codec.h"
#include "pawk8s/agent/fault.h"
#include "pawk8s/agent/target.h"

namespace pawk8s::agent {

struct PingResult {
  std::int64_t protocol = 0;
  std::string boot_id;
  std::string kernel;
  std::string cgroups;  // "v1", "hybrid", "v2"
  std::int64_t wall_ms = 0;
  std::int64_t faults = 0;           // that are not reverted
  std::vector<std::string> missing;  // kernel features without which a verb cannot work

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("protocol", self.protocol);
    field("boot_id", self.boot_id);
    field("kernel", self.kernel);
    field("cgroups", self.cgroups);
    field("wall_ms", self.wall_ms);
    field("faults", self.faults);
    field("missing", self.missing);
  }
};
struct PingRequest {
  static constexpr const char* kVerb = "ping";
  using Result = PingResult;

  template <class Self, class Visitor>
  static void Fields(Self& /*self*/, Visitor& /*field*/) {}
};

enum class SignalName { kKill, kTerm };
template <>
struct EnumNames<SignalName> {
  static constexpr std::pair<SignalName, std::string_view> kAll[] = {{SignalName::kKill, "KILL"},
                                                                     {SignalName::kTerm, "TERM"}};
};
struct SignalResult {
  std::vector<std::int64_t> pids;  // on the node
  std::int64_t sent_ms = 0;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("pids", self.pids);
    field("sent_ms", self.sent_ms);
  }
};
// To freeze is a fault (see Freeze), because it must be undone.
struct SignalRequest {
  static constexpr const char* kVerb = "signal";
  using Result = SignalResult;
  Target target;
  SignalName signal = SignalName::kKill;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
    field("signal", self.signal);
  }
};

struct ProcessFacts {
  std::int64_t pid = 0;  // on the node
  std::int64_t container_pid = 0;
  std::string name;
  std::string state;  // "R", "S", "D", "T" (stopped), "Z", ...
  std::string exe;    // in the container
  std::vector<std::string> cmdline;
  std::int64_t uid = 0;  // effective
  std::int64_t gid = 0;
  std::string caps_effective;  // 16 hex digits
  std::string caps_permitted;
  std::string caps_bounding;
  std::string seccomp;  // "disabled", "strict", "filter"
  bool no_new_privs = false;
  std::int64_t threads = 0;
  std::int64_t start_ticks = 0;  // since boot: with the pid it identifies the process
  std::int64_t open_files = 0;
  std::vector<std::string> files;  // paths of the regular files among them, at most 256

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("pid", self.pid);
    field("container_pid", self.container_pid);
    field("name", self.name);
    field("state", self.state);
    field("exe", self.exe);
    field("cmdline", self.cmdline);
    field("uid", self.uid);
    field("gid", self.gid);
    field("caps_effective", self.caps_effective);
    field("caps_permitted", self.caps_permitted);
    field("caps_bounding", self.caps_bounding);
    field("seccomp", self.seccomp);
    field("no_new_privs", self.no_new_privs);
    field("threads", self.threads);
    field("start_ticks", self.start_ticks);
    field("open_files", self.open_files);
    field("files", self.files);
  }
};
struct ProcessList {
  std::vector<ProcessFacts> processes;  // at least one, by pid

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("processes", self.processes);
  }
};
struct ProcessFactsRequest {
  static constexpr const char* kVerb = "process_facts";
  using Result = ProcessList;
  Target target;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
  }
};

struct Mount {
  std::string path;  // in the container
  std::string type;
  std::string source;
  std::string root;  // of the mounted filesystem: what part of it is seen
  std::string options;
  std::string super_options;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("path", self.path);
    field("type", self.type);
    field("source", self.source);
    field("root", self.root);
    field("options", self.options);
    field("super_options", self.super_options);
  }
};
struct MountList {
  std::vector<Mount> mounts;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("mounts", self.mounts);
  }
};
struct MountFactsRequest {
  static constexpr const char* kVerb = "mount_facts";
  using Result = MountList;
  Target target;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
  }
};

// cgroup v1 and v2 in the same terms. A limit or counter that the kernel does not keep is absent;
// an absent limit is "no limit".
struct CgroupFacts {
  std::int64_t taken_ms = 0;
  std::optional<std::int64_t> cpu_quota_us{};
  std::optional<std::int64_t> cpu_period_us{};
  std::int64_t cpu_usage_us = 0;
  std::int64_t periods = 0;
  std::int64_t throttled_periods = 0;
  std::int64_t throttled_us = 0;
  std::optional<std::int64_t> memory_limit{};
  std::int64_t memory_usage = 0;
  std::int64_t memory_working_set = 0;  // usage without the inactive file cache
  std::optional<std::int64_t> oom_kills{};

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("taken_ms", self.taken_ms);
    field("cpu_quota_us", self.cpu_quota_us);
    field("cpu_period_us", self.cpu_period_us);
    field("cpu_usage_us", self.cpu_usage_us);
    field("periods", self.periods);
    field("throttled_periods", self.throttled_periods);
    field("throttled_us", self.throttled_us);
    field("memory_limit", self.memory_limit);
    field("memory_usage", self.memory_usage);
    field("memory_working_set", self.memory_working_set);
    field("oom_kills", self.oom_kills);
  }
};
struct CgroupFactsRequest {
  static constexpr const char* kVerb = "cgroup_facts";
  using Result = CgroupFacts;
  Target target;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
  }
};

}  // namespace pawk8s::agent
