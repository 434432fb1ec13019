// One process's part of a run: profile, clients and the run's folder.
//
// Under ctest the phase's preflight opens the run and every case joins it. A process that was
// started alone (an IDE, a debugger) finds no open run of its own ancestors: it does the preflight
// itself, opens a run, and sweeps at the end.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/fault/guardian.h"
#include "pawk8s/fault/lease.h"
#include "pawk8s/fault/ledger.h"
#include "pawk8s/verdict/run.h"

namespace pawk8s {

class Session {
 public:
  // Loads the profile, connects, checks identity, probes every need once and opens a run that
  // belongs to `owner`. Fails for what makes every case meaningless: no profile, cluster
  // unreachable, another cluster, namespace absent, another run in progress.
  static absl::StatusOr<std::unique_ptr<Session>> Preflight(std::string_view phase,
                                                            const ProcessId& owner,
                                                            const Deadline& deadline);
  // Joins the open run of an ancestor, or does the preflight for this process alone.
  static absl::StatusOr<std::unique_ptr<Session>> JoinOrOpen(std::string_view phase,
                                                             const Deadline& deadline);

  [[nodiscard]] Deployment& paw() { return *paw_; }
  // Touches nothing until it is asked for a node. Whether the profile allows it is checked by who
  // uses it.
  [[nodiscard]] agent::Agent& agents() { return *agents_; }
  [[nodiscard]] const Run& run() const { return run_; }
  [[nodiscard]] bool OpenedHere() const { return opened_here_; }

  [[nodiscard]] fault::Ledger& ledger() { return ledger_; }
  [[nodiscard]] fault::Guardian& guardian() { return guardian_; }
  // Takes the deployment for this run, or renews that: before each case that writes.
  // FailedPrecondition if another run holds it.
  [[nodiscard]] absl::Status HoldLease(const Deadline& deadline);

  // Takes back and removes what the run left in the deployment, gives the lease back and closes
  // the run. A status that is not OK says what could not be removed.
  [[nodiscard]] absl::Status Sweep(const Deadline& deadline);

 private:
  Session(std::unique_ptr<Deployment> paw, Run run, bool opened_here);

  std::unique_ptr<Deployment> paw_;
  std::unique_ptr<agent::Agent> agents_;
  Run run_;
  bool opened_here_;
  fault::Ledger ledger_;
  fault::RunLease lease_;
  fault::Guardian guardian_;
};

// The agent as the profile names it.
[[nodiscard]] agent::Options AgentOptions(const Profile& profile, std::string run_id);

// Where the suite keeps its own ledger and lease.
inline constexpr const char* kSuiteNamespace = "pawk8s";

// Takes back what runs that have ended or died left in the ledger of `paw`, removes their objects
// and gives their lease back. FailedPrecondition while a run that may be alive holds the lease,
// unless `run` names it.
[[nodiscard]] absl::Status Restore(Deployment& paw, std::string_view run, const Deadline& deadline);

}  // namespace pawk8s
