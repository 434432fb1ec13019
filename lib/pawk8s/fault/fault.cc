#include "pawk8s/fault/fault.h"

#include <fmt/format.h>

#include <atomic>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/fault/faults.h"
#include "pawk8s/wait/until.h"

namespace pawk8s::fault {
namespace {

constexpr std::chrono::seconds kLedgerWrite{10};
constexpr std::chrono::seconds kSeenWithin{30};
constexpr std::chrono::seconds kRevertWithin{60};
constexpr Millis kPoll{200};

WallTime Now() { return std::chrono::system_clock::now(); }

// Also of two processes of one run, and of two faults of one millisecond.
std::string NewId(const FaultContext& context) {
  static std::atomic<int> count{0};
  return fmt::format("{}.{}.{}", context.run,
                     std::chrono::duration_cast<Millis>(Now().time_since_epoch()).count(), ++count);
}

// Tries again while it is worth it; a refusal is final.
absl::Status Insist(const Deadline& deadline,
                    const std::function<absl::Status(const Deadline&)>& attempt) {
  const auto report = Until(
      deadline, Every(kPoll),
      [&](const Deadline& d) -> absl::StatusOr<bool> {
        RETURN_IF_ERROR(attempt(d));
        return true;
      },
      [](bool done) { return done; });
  return report.status.ok() || report.last_error.ok() ? report.status : report.last_error;
}

absl::Status TakeBackAndClear(kube::Client& client, Ledger& ledger, const RevertOnNode& agent,
                              const Undo& undo, const std::string& id, const Deadline& deadline) {
  RETURN_IF_ERROR(
      Insist(deadline, [&](const Deadline& d) { return TakeBack(client, agent, undo, d); }));
  return Insist(deadline, [&](const Deadline& d) { return ledger.Remove(id, d); });
}

RevertOnNode RevertVia(const FaultContext& context) {
  return context.agents == nullptr ? RevertOnNode() : RevertThrough(*context.agents);
}

}  // namespace

absl::StatusOr<Fault> Fault::Arm(const std::shared_ptr<const FaultContext>& context, Plan plan,
                                 const Deadline& deadline) {
  if (context->guard) {
    if (const absl::Status s = context->guard(plan.loss, deadline); !s.ok()) {
      return Annotate(s, "refused to " + plan.what);
    }
  }
  auto state = std::make_unique<State>(State{
      .context = context,
      .id = NewId(*context),
      .undo = plan.undo,
      .trace = {.what = plan.what, .target = plan.target, .uid = plan.uid, .planned = Now()}});
  if (state->undo.kind == Undo::Kind::kAgent) state->undo.agent_fault = state->id;
  const LedgerEntry entry{.id = state->id,
                          .run = context->run,
                          .case_id = context->case_id,
                          .what = plan.what,
                          .planned = state->trace.planned,
                          .expires = state->trace.planned + plan.hold,
                          .undo = state->undo};
  RETURN_IF_ERROR(context->guardian.Watch(entry));
  RETURN_IF_ERROR(context->ledger.Put(entry, deadline.AtMost(kLedgerWrite)));
  context->on_step(state->trace);

  // From here on it counts as armed: a request that timed out may have been carried out.
  state->armed = true;
  Fault fault(std::move(state));
  RETURN_IF_ERROR(plan.act(fault.state_->id, deadline));
  fault.state_->trace.applied = Now();
  context->on_step(fault.state_->trace);
  const auto seen = Until(deadline.AtMost(kSeenWithin), Every(Millis{100}), plan.witness,
                          [](bool in_effect) { return in_effect; });
  if (!seen.status.ok()) {
    return Annotate(seen.last_error.ok() ? seen.status : seen.last_error,
                    fmt::format("the effect of '{}' was not seen", plan.what));
  }
  fault.state_->trace.seen = Now();
  context->on_step(fault.state_->trace);
  return fault;
}

Fault::~Fault() {
  if (state_ == nullptr || !state_->armed) return;
  if (const absl::Status s = Revert(); !s.ok()) state_->context->on_failed_revert(s);
}

absl::Status Fault::Revert() {
  if (!state_->armed) return absl::OkStatus();
  const FaultContext& context = *state_->context;
  state_->trace.reverted = Now();
  context.on_step(state_->trace);
  const absl::Status done =
      TakeBackAndClear(context.client, context.ledger, RevertVia(context), state_->undo, state_->id,
                       Deadline::After(kRevertWithin));
  // On failure the guardian and the ledger still have it.
  if (!done.ok()) return Annotate(done, fmt::format("taking back '{}'", state_->trace.what));
  state_->armed = false;
  context.guardian.Forget(state_->id);
  state_->trace.checked = Now();
  context.on_step(state_->trace);
  return absl::OkStatus();
}

absl::Status Lift(kube::Client& client, Ledger& ledger, const RevertOnNode& agent,
                  const std::function<bool(const LedgerEntry&)>& selected,
                  const Deadline& deadline) {
  std::vector<LedgerEntry> entries;
  RETURN_IF_ERROR(Insist(deadline, [&](const Deadline& d) -> absl::Status {
    ASSIGN_OR_RETURN(entries, ledger.Read(d));
    return absl::OkStatus();
  }));
  absl::Status first;
  // The newest first: two changes of one object are taken back in turn.
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    if (!selected(*entry)) continue;
    const absl::Status s =
        TakeBackAndClear(client, ledger, agent, entry->undo, entry->id, deadline);
    if (!s.ok() && first.ok()) first = Annotate(s, fmt::format("taking back '{}'", entry->what));
  }
  return first;
}

}  // namespace pawk8s::fault
