// Arms one fault against the deployment of $PAWK8S_PROFILE, holds it, and reverts it. Says each
// step on standard output and goes on when it reads a line, so that the matrix can strike in
// between.
//
//   pawk8s_fault_runner KIND HOLD_SECONDS
#include <cstdlib>
#include <iostream>
#include <memory>
#include <string>

#include "kinds.h"
#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/deployment/session.h"
#include "pawk8s/fault/guardian.h"

namespace pawk8s::selftest {
namespace {

int Fail(const absl::Status& status) {
  std::cerr << status.ToString() << std::endl;
  return 1;
}

void Say(const std::string& step) {
  std::cout << step << std::endl;
  std::string go;
  std::getline(std::cin, go);
}

int Run(const std::string& kind, std::chrono::seconds hold) {
  const auto profile = Profile::FromEnvironment();
  if (!profile.ok()) return Fail(profile.status());
  const auto paw = Deployment::Connect(*profile);
  if (!paw.ok()) return Fail(paw.status());
  fault::Ledger ledger((*paw)->kube(), kSuiteNamespace, profile->ns);
  fault::Guardian guardian({.kubeconfig = profile->cluster.kubeconfig,
                            .context = profile->cluster.context,
                            .ledger_ns = kSuiteNamespace,
                            .deployment = profile->ns,
                            .agent_ns = profile->agent.ns});
  agent::Agent agents((*paw)->kube(), AgentOptions(*profile, "kill-matrix"));
  absl::Status failed;
  bool reverting = false;
  SteadyTime active;
  fault::Faults faults(std::make_shared<const fault::FaultContext>(fault::FaultContext{
      .client = (*paw)->kube(),
      .ledger = ledger,
      .guardian = guardian,
      .guard = nullptr,
      .agents = &agents,
      .run = "kill-matrix",
      .case_id = kind,
      .on_step =
          [&](const fault::Trace& trace) {
            if (trace.checked) return Say("checked");
            if (trace.reverted && !reverting) {
              reverting = true;
              return Say("reverting");
            }
            if (trace.seen && !trace.reverted) {
              active = std::chrono::steady_clock::now();
              return Say("active");
            }
            if (trace.applied && !trace.seen) return Say("arming");
          },
      .on_failed_revert = [&](const absl::Status& status) { failed = status; },
  }));
  const Deadline deadline = Deadline::After(std::chrono::seconds(120));
  auto fault = ArmKind(kind, faults, **paw, hold, deadline);
  if (!fault.ok()) return Fail(fault.status());
  // From when it was active: the strike, for which this process waits, takes part of the time.
  Clock::Real().Sleep(std::chrono::duration_cast<Millis>(active + hold - Clock::Real().Now()),
                      deadline);
  if (const absl::Status s = fault->Revert(); !s.ok()) return Fail(s);
  return failed.ok() ? 0 : Fail(failed);
}

}  // namespace
}  // namespace pawk8s::selftest

int main(int argc, char** argv) {
  if (const auto guarded = pawk8s::fault::RunGuardianIfAsked(argc, argv)) return *guarded;
  if (argc != 3) return 2;
  return pawk8s::selftest::Run(argv[1], std::chrono::seconds(std::atoi(argv[2])));
}
