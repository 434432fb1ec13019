// One change to the deployment that takes itself back.
//
//   Planned -> Applied -> Seen -> (hold) -> Reverted -> Checked
//
// Planned stands in the ledger before anything is done. Seen is measured, not believed: a change
// that the system does not show is no stimulus, and arming it fails. Checked is measured too.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/fault/guardian.h"
#include "pawk8s/fault/ledger.h"
#include "pawk8s/fault/undo.h"
#include "pawk8s/kube/objects.h"

namespace pawk8s::fault {

// When each step of a fault was done, by this process's clocks.
struct Trace {
  std::string what;
  std::string target;  // "StatefulSet paw/paw-validator"
  std::string uid;
  WallTime planned{};
  std::optional<WallTime> applied, seen, reverted, checked;
};

// What a fault takes from the deployment, for the guard to weigh.
struct Loss {
  std::vector<kube::Pod> pods;   // that stop to work
  bool quorum_declared = false;  // the case says that consensus may stop
};

// Says why a loss is not acceptable; OK if it is.
using Guard = std::function<absl::Status(const Loss& loss, const Deadline& deadline)>;

// What every fault of one case has in common.
struct FaultContext {
  kube::Client& client;
  Ledger& ledger;
  Guardian& guardian;
  Guard guard;
  agent::Agent* agents;  // null: faults that need it are refused
  std::string run;
  std::string case_id;
  // Told of every step, and of a revert that failed where nobody could be given the status.
  std::function<void(const Trace&)> on_step;
  std::function<void(const absl::Status&)> on_failed_revert;
};

struct Plan {
  std::string what;
  std::string target;
  std::string uid;
  Loss loss;
  Undo undo;            // of kAgent: the agent holds the fault under the ledger's id
  Millis hold{60'000};  // for at most so long; then the guardian or the agent takes it back
  std::function<absl::Status(const std::string& id, const Deadline&)> act;
  // Is it in effect? Reads the system, not what `act` was told.
  std::function<absl::StatusOr<bool>(const Deadline&)> witness;
};

class [[nodiscard]] Fault {
 public:
  // Arms `plan` and returns once its effect was seen. An error means that the deployment is as
  // before: FailedPrecondition when the guard refused, otherwise why it could not be armed.
  static absl::StatusOr<Fault> Arm(const std::shared_ptr<const FaultContext>& context, Plan plan,
                                   const Deadline& deadline);
  Fault(Fault&&) noexcept = default;
  Fault& operator=(Fault&&) noexcept = delete;
  // Reverts what was not reverted; a failure goes to the context.
  ~Fault();

  [[nodiscard]] const Trace& trace() const { return state_->trace; }
  // Takes it back and checks, on a deadline of its own. A second call does nothing.
  [[nodiscard]] absl::Status Revert();

 private:
  struct State {
    std::shared_ptr<const FaultContext> context;
    std::string id;
    Undo undo;
    Trace trace;
    bool armed = false;
  };
  explicit Fault(std::unique_ptr<State> state) : state_(std::move(state)) {}

  std::unique_ptr<State> state_;
};

// Takes back every entry of the ledger that `selected` accepts, trying again while the API server
// or an agent is away. Returns the first that could not be taken back.
[[nodiscard]] absl::Status Lift(kube::Client& client, Ledger& ledger, const RevertOnNode& agent,
                                const std::function<bool(const LedgerEntry&)>& selected,
                                const Deadline& deadline);

}  // namespace pawk8s::fault
