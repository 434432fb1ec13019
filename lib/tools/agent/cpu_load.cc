// Busy processes inside the container's CPU cgroup; undone by ending them.
#include <set>

#include "cgroups.h"
#include "executor.h"
#include "helpers.h"
#include "pawk8s/agent/protocol.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

struct LoadUndo {
  ProcessId target;
  std::vector<ProcessId> helpers;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("target", self.target);
    field("helpers", self.helpers);
  }
};

}  // namespace

absl::StatusOr<Undo> Prepare(const Node& node, const CpuLoad& fault) {
  ASSIGN_OR_RETURN(const ProcessStat first, FirstProcessOf(node, fault.target));
  RETURN_IF_ERROR(ControllerOf(node, fault.target, "cpu").status());
  return Encode(LoadUndo{.target = first.id});
}

absl::Status Apply(const Node& node, const CpuLoad& fault, Undo& undo, const SaveUndo& save) {
  ASSIGN_OR_RETURN(auto record, Decode<LoadUndo>(undo));
  std::set<std::string> folders;
  for (const char* controller : {"cpu", "cpuacct"}) {
    ASSIGN_OR_RETURN(const ControllerFolder folder, ControllerOf(node, fault.target, controller));
    folders.insert(folder.path);
  }
  // Started first, all of them waiting, and written down before any of them does harm.
  std::vector<Helper> helpers;
  for (std::int64_t i = 0; i < fault.threads; ++i) {
    ASSIGN_OR_RETURN(Helper helper,
                     Helper::Start(node, {"burn", std::to_string(record.target.pid)}));
    record.helpers.push_back(helper.id());
    helpers.push_back(std::move(helper));
    undo = Encode(record);
  }
  RETURN_IF_ERROR(save(undo));
  for (const Helper& helper : helpers) RETURN_IF_ERROR(helper.Join(folders));
  for (const Helper& helper : helpers) RETURN_IF_ERROR(helper.Release());
  return absl::OkStatus();
}

absl::Status Revert(const Node& node, const CpuLoad& /*fault*/, const Undo& undo) {
  ASSIGN_OR_RETURN(const auto record, Decode<LoadUndo>(undo));
  RETURN_IF_ERROR(EndHelpers(node, record.helpers));
  return IsAlive(node, record.target) ? absl::OkStatus() : TargetGone("the container has ended");
}

bool IsGone(const Node& node, const CpuLoad& /*fault*/, const Undo& undo) {
  const auto record = Decode<LoadUndo>(undo);
  return record.ok() && !IsAlive(node, record->target);
}

}  // namespace pawk8s::agent
