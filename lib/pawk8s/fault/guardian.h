// A process of its own that takes back what a runner has left armed: at once when the runner dies,
// however it dies, and at a fault's deadline when the runner hangs.
//
// It is the runner's own executable, started with one hidden argument before the first fault, in a
// session of its own. Whoever calls RunPhase() has it; other programs call RunGuardianIfAsked()
// first thing in main().
#pragma once

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "pawk8s/fault/ledger.h"

namespace pawk8s::fault {

// What the guardian needs to reach the cluster by itself.
struct GuardianSetup {
  std::string kubeconfig;
  std::string context;
  std::string ledger_ns;
  std::string deployment;
  std::string agent_ns = "pawk8s-agent";
};

class Guardian {
 public:
  explicit Guardian(GuardianSetup setup) : setup_(std::move(setup)) {}
  Guardian(const Guardian&) = delete;
  Guardian& operator=(const Guardian&) = delete;
  // Tells it that nothing is left to guard.
  ~Guardian();

  // From now on it takes `entry` back if this process does not. Starts the guardian at first.
  [[nodiscard]] absl::Status Watch(const LedgerEntry& entry);
  void Forget(const std::string& id);

 private:
  [[nodiscard]] absl::Status Start();
  [[nodiscard]] absl::Status Tell(const std::string& line) const;

  GuardianSetup setup_;
  int pipe_ = -1;
};

// The guardian's whole life if argv asks for it (the exit code), else nothing.
[[nodiscard]] std::optional<int> RunGuardianIfAsked(int argc, char** argv);

}  // namespace pawk8s::fault
