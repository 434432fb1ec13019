// The faults of this node: arms, keeps, reverts. Knows no kind of fault; an Executor does.
//
// Each fault's record is on disk before the act and after each step, so that a process that starts
// anew finds and reverts whatever its predecessor left. A fault is over its deadline as soon as one
// of two clocks says so: the wall clock (a jump forwards ends it early, which is harmless) or the
// boot clock, which nobody can set back.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pawk8s/agent/fault.h"

namespace pawk8s::agent {

// What an executor must know to undo: written before the act.
using Undo = Json;

class Executor {
 public:
  virtual ~Executor() = default;

  // Looks, changes nothing: whether it can be done, and what must be known to undo it.
  virtual absl::StatusOr<Undo> Prepare(const Injection& injection) = 0;
  // Does it. `save` writes a changed undo down, and must be called before what it speaks of.
  virtual absl::Status Apply(const Injection& injection, Undo& undo,
                             const std::function<absl::Status(const Undo&)>& save) = 0;
  // Undoes all that `undo` speaks of, whether it was done or not; again and again, if need be.
  // TargetGone when nothing is left that could be undone.
  virtual absl::Status Revert(const Injection& injection, const Undo& undo) = 0;
  // Has the target ended by itself, so that nothing is left of the fault?
  virtual bool IsGone(const Injection& injection, const Undo& undo) = 0;
};

struct Now {
  std::int64_t wall_ms = 0;
  std::int64_t boot_ms = 0;
};

class Keeper {
 public:
  // `folder` holds one file a fault and exists; `boot_id` tells this boot of the machine from
  // others.
  Keeper(Executor& executor, std::string folder, std::string boot_id, std::function<Now()> clock);
  ~Keeper();

  // Reads what an earlier process left and tries to revert it. To be called once, first.
  void Recover();

  [[nodiscard]] absl::StatusOr<FaultState> Arm(const ArmRequest& request);
  [[nodiscard]] absl::StatusOr<FaultState> Revert(const std::string& id);
  [[nodiscard]] FaultList List() const;
  [[nodiscard]] std::int64_t Pending() const;  // those not reverted

  // Reverts what is over its deadline, whose target is gone or whose last revert failed.
  void Tick();
  // In how many milliseconds Tick() has something to do; -1: not before something is armed.
  [[nodiscard]] std::int64_t UntilNextTick() const;

  // Reverts everything. OK when nothing is left, and then no file is either; otherwise call again.
  [[nodiscard]] absl::Status RevertAll();

 private:
  struct Entry;

  Entry* Find(std::string_view id);
  absl::Status Save(const Entry& entry);
  absl::Status UndoOne(Entry& entry, EndedBy why);
  void Prune();

  Executor& executor_;
  std::string folder_;
  std::string boot_id_;
  std::function<Now()> clock_;
  std::vector<Entry> entries_;
};

}  // namespace pawk8s::agent
