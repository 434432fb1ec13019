// Lowers a limit of the container's cgroup; undone by writing back what stood there.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <vector>

#include "absl/strings/strip.h"
#include "cgroups.h"
#include "executor.h"
#include "helpers.h"
#include "pawk8s/agent/protocol.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

struct LimitUndo {
  std::string file;
  std::string old;
  bool v2 = false;
  std::optional<ProcessId> target{};
  std::vector<ProcessId> helpers;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("file", self.file);
    field("old", self.old);
    field("v2", self.v2);
    field("target", self.target);
    field("helpers", self.helpers);
  }
};

absl::StatusOr<Undo> PrepareLimit(const Node& node, const Target& target, const char* controller,
                                  const char* v1_file, const char* v2_file) {
  ASSIGN_OR_RETURN(const ControllerFolder folder, ControllerOf(node, target, controller));
  LimitUndo undo{.file = folder.path + "/" + (folder.v2 ? v2_file : v1_file), .v2 = folder.v2};
  ASSIGN_OR_RETURN(const std::string old, ReadFile(undo.file));
  undo.old = std::string(absl::StripAsciiWhitespace(old));
  return Encode(undo);
}

bool IsThere(const LimitUndo& undo) { return ::access(undo.file.c_str(), F_OK) == 0; }

absl::Status RevertLimit(const Node& node, const Undo& undo) {
  ASSIGN_OR_RETURN(const auto record, Decode<LimitUndo>(undo));
  RETURN_IF_ERROR(EndHelpers(node, record.helpers));
  const absl::Status written = WriteKernelFile(record.file, record.old);
  // Also ENODEV, when the folder goes away in the middle.
  if (!written.ok() && (absl::IsNotFound(written) || !IsThere(record))) {
    return TargetGone("the container and its cgroup are gone");
  }
  return written;
}

// A helper in the cgroup would keep its folder, so that the process counts as well.
bool LimitIsGone(const Node& node, const Undo& undo) {
  const auto record = Decode<LimitUndo>(undo);
  return record.ok() && (!IsThere(*record) || (record->target && !IsAlive(node, *record->target)));
}

// v1 refuses a limit below what it cannot reclaim, after it has reclaimed what it can: from there
// upwards the first that it takes is the least.
absl::Status SqueezeV1(const std::string& file) {
  constexpr std::int64_t kStep = 16384;
  // The other faults' deadlines wait meanwhile.
  const std::int64_t until = MonotonicMicros() + 3'000'000;
  IgnoreError(WriteKernelFile(file, "4096"), "it reclaims, and may even be accepted");
  const std::string usage_file = file.substr(0, file.rfind('/')) + "/memory.usage_in_bytes";
  absl::Status last;
  for (int i = 0; i == 0 || MonotonicMicros() < until; ++i) {
    const std::int64_t limit = (ReadCounter(usage_file).value_or(0) + 4095) / 4096 * 4096;
    last = WriteKernelFile(file, std::to_string(limit + i / 4 * kStep));
    if (last.ok() || absl::IsNotFound(last)) return last;
  }
  return Annotate(last, "no memory limit near the present usage is accepted");
}

}  // namespace

absl::StatusOr<Undo> Prepare(const Node& node, const MemoryLimit& fault) {
  return PrepareLimit(node, fault.target, "memory", "memory.limit_in_bytes", "memory.max");
}

absl::Status Apply(const Node& node, const MemoryLimit& fault, Undo& undo, const SaveUndo& save) {
  ASSIGN_OR_RETURN(auto record, Decode<LimitUndo>(undo));
  if (fault.bytes) return WriteKernelFile(record.file, std::to_string(*fault.bytes));
  if (record.v2) return WriteKernelFile(record.file, "4096");  // the kernel kills at once
  // At the least limit a program that allocates little, or can have its file cache taken, lives on
  // for long: a helper allocates beside it. It stays the smaller one, which the kernel spares.
  ASSIGN_OR_RETURN(const ProcessStat first, FirstProcessOf(node, fault.target));
  const std::string folder = record.file.substr(0, record.file.rfind('/'));
  const std::int64_t usage = ReadCounter(folder + "/memory.usage_in_bytes").value_or(0);
  ASSIGN_OR_RETURN(const Helper helper,
                   Helper::Start(node, {"press", std::to_string(first.id.pid),
                                        std::to_string(std::max<std::int64_t>(usage / 4, 65536))}));
  record.target = first.id;
  record.helpers = {helper.id()};
  undo = Encode(record);
  RETURN_IF_ERROR(save(undo));
  RETURN_IF_ERROR(helper.Join({folder}));
  RETURN_IF_ERROR(SqueezeV1(record.file));
  return helper.Release();
}

absl::Status Revert(const Node& node, const MemoryLimit& /*fault*/, const Undo& undo) {
  return RevertLimit(node, undo);
}

bool IsGone(const Node& node, const MemoryLimit& /*fault*/, const Undo& undo) {
  return LimitIsGone(node, undo);
}

absl::StatusOr<Undo> Prepare(const Node& node, const CpuLimit& fault) {
  return PrepareLimit(node, fault.target, "cpu", "cpu.cfs_quota_us", "cpu.max");
}

absl::Status Apply(const Node& /*node*/, const CpuLimit& fault, Undo& undo,
                   const SaveUndo& /*save*/) {
  ASSIGN_OR_RETURN(const auto record, Decode<LimitUndo>(undo));
  // The period stays what it is; the kernel's is 100 ms unless somebody changed it.
  std::int64_t period = 100'000;
  if (record.v2) {
    const std::size_t space = record.old.find(' ');
    if (space != std::string::npos) period = std::atoll(record.old.c_str() + space);
  } else {
    const std::string folder = record.file.substr(0, record.file.rfind('/'));
    period = ReadCounter(folder + "/cpu.cfs_period_us").value_or(period);
  }
  const std::int64_t quota = std::max<std::int64_t>(1000, fault.millicores * period / 1000);
  return WriteKernelFile(record.file,
                         record.v2 ? fmt::format("{} {}", quota, period) : std::to_string(quota));
}

absl::Status Revert(const Node& node, const CpuLimit& /*fault*/, const Undo& undo) {
  return RevertLimit(node, undo);
}

bool IsGone(const Node& node, const CpuLimit& /*fault*/, const Undo& undo) {
  return LimitIsGone(node, undo);
}

}  // namespace pawk8s::agent
