// SIGSTOP to every process of the target, SIGCONT to exactly those.
#include <algorithm>
#include <csignal>

#include "executor.h"
#include "pawk8s/agent/protocol.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

// A process may fork while the others are being stopped: looked again until none is new.
constexpr int kRounds = 8;

struct FreezeUndo {
  std::vector<ProcessId> stopped;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("stopped", self.stopped);
  }
};

}  // namespace

absl::StatusOr<Undo> Prepare(const Node& node, const Freeze& fault) {
  ASSIGN_OR_RETURN(const auto processes, ProcessesOf(node, fault.target));
  FreezeUndo undo;
  for (const ProcessStat& process : processes) {
    if (process.state == 'T') {
      return absl::FailedPreconditionError("process " + std::to_string(process.id.pid) +
                                           " is stopped already, not by this fault");
    }
    undo.stopped.push_back(process.id);
  }
  return Encode(undo);
}

absl::Status Apply(const Node& node, const Freeze& fault, Undo& undo, const SaveUndo& save) {
  ASSIGN_OR_RETURN(auto record, Decode<FreezeUndo>(undo));
  std::size_t done = 0;
  for (int round = 0; round < kRounds; ++round) {
    for (; done < record.stopped.size(); ++done) {
      const absl::Status sent = SendSignal(node, record.stopped[done], SIGSTOP);
      if (!sent.ok() && !absl::IsNotFound(sent)) return sent;
    }
    ASSIGN_OR_RETURN(const auto processes, ProcessesOf(node, fault.target));
    for (const ProcessStat& process : processes) {
      const auto& known = record.stopped;
      if (std::find(known.begin(), known.end(), process.id) == known.end()) {
        record.stopped.push_back(process.id);
      }
    }
    if (done == record.stopped.size()) return absl::OkStatus();
    undo = Encode(record);
    RETURN_IF_ERROR(save(undo));
  }
  return absl::InternalError("the target makes new processes faster than they can be stopped");
}

absl::Status Revert(const Node& node, const Freeze& /*fault*/, const Undo& undo) {
  ASSIGN_OR_RETURN(const auto record, Decode<FreezeUndo>(undo));
  absl::Status all;
  bool any = false;
  for (const ProcessId& process : record.stopped) {
    const absl::Status sent = SendSignal(node, process, SIGCONT);
    any = any || sent.ok();
    if (!absl::IsNotFound(sent)) all.Update(sent);
  }
  RETURN_IF_ERROR(all);
  return any ? absl::OkStatus() : TargetGone("every frozen process has ended");
}

bool IsGone(const Node& node, const Freeze& /*fault*/, const Undo& undo) {
  const auto record = Decode<FreezeUndo>(undo);
  return record.ok() && std::none_of(record->stopped.begin(), record->stopped.end(),
                                     [&](const ProcessId& id) { return IsAlive(node, id); });
}

}  // namespace pawk8s::agent
