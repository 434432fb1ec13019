#include "pawk8s/deployment/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/redact.h"
#include "pawk8s/base/status.h"
#include "pawk8s/deployment/identity.h"
#include "pawk8s/deployment/needs.h"
#include "pawk8s/deployment/planted.h"
#include "pawk8s/deployment/rights.h"
#include "pawk8s/fault/faults.h"
#include "pawk8s/net/digest.h"
#include "pawk8s/verdict/history.h"
#include "pawk8s/verdict/record.h"

namespace pawk8s {
namespace {

absl::Status CheckNamespace(Deployment& paw, const Deadline& deadline) {
  const std::string& ns = paw.profile().ns;
  const auto found = paw.kube().Get({kube::kNamespaces, "", ns}, deadline);
  if (absl::IsNotFound(found.status())) {
    return absl::FailedPreconditionError(fmt::format(
        "the cluster has no namespace {}: deploy the chain first, or correct deployment.namespace "
        "in {}",
        ns, paw.profile().file));
  }
  return found.status();
}

// Refuses to begin on what another run holds or has left behind. Who may not see either may not
// write there, and its cases that would are refused by that.
absl::Status CheckNobodyElse(Deployment& paw, const Deadline& deadline) {
  fault::Ledger ledger(paw.kube(), kSuiteNamespace, paw.profile().ns);
  const auto entries = ledger.Read(deadline);
  if (absl::IsPermissionDenied(entries.status()) && !paw.profile().allow.disruption) {
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(entries.status());
  fault::RunLease lease(paw.kube(), kSuiteNamespace, paw.profile().ns);
  ASSIGN_OR_RETURN(const auto holder, lease.Read(deadline));
  if (holder && !holder->Abandoned(std::chrono::system_clock::now())) {
    return absl::FailedPreconditionError(
        fmt::format("run {} holds the deployment since {}: wait for its end, or, if it was killed, "
                    "lift what it left: pawk8s restore --run {}",
                    holder->run, FormatUtc(holder->renewed), holder->run));
  }
  if (!entries->empty()) {
    return absl::FailedPreconditionError(
        fmt::format("{} change(s) of run {} were not taken back, the first is '{}': pawk8s restore",
                    entries->size(), entries->front().run, entries->front().what));
  }
  return absl::OkStatus();
}

// Deletes what carries a run's label (any run's, if `run` is empty) and says what it could not.
std::string RemoveOwnObjects(Deployment& paw, std::string_view run, const Deadline& deadline) {
  std::string left;
  const std::string selector =
      run.empty() ? fault::kRunLabel : fmt::format("{}={}", fault::kRunLabel, run);
  for (const auto& resource :
       {kube::kPods, kube::kConfigMaps, kube::kPersistentVolumeClaims, kube::kServices}) {
    const auto list = paw.kube().List({resource, paw.profile().ns, selector}, deadline);
    if (!list.ok()) {
      left +=
          fmt::format("; {} could not be listed: {}", resource.resource, MessageOf(list.status()));
      continue;
    }
    for (const kube::Object& object : list->items) {
      const absl::Status removed =
          paw.kube().Delete({resource, object.ns(), object.name()}, deadline);
      if (!removed.ok() && !absl::IsNotFound(removed)) {
        left += fmt::format("; {} {}: {}", resource.kind, object.name(), MessageOf(removed));
      }
    }
  }
  return left;
}

}  // namespace

agent::Options AgentOptions(const Profile& profile, std::string run_id) {
  return {.ns = profile.agent.ns,
          .image = profile.agent.image,
          .pull_secret = profile.agent.pull_secret,
          .run_id = std::move(run_id)};
}

Session::Session(std::unique_ptr<Deployment> paw, Run run, bool opened_here)
    : paw_(std::move(paw)),
      agents_(
          std::make_unique<agent::Agent>(paw_->kube(), AgentOptions(paw_->profile(), run.id()))),
      run_(std::move(run)),
      opened_here_(opened_here),
      ledger_(paw_->kube(), kSuiteNamespace, paw_->profile().ns),
      lease_(paw_->kube(), kSuiteNamespace, paw_->profile().ns),
      guardian_({.kubeconfig = paw_->profile().cluster.kubeconfig,
                 .context = paw_->profile().cluster.context,
                 .ledger_ns = kSuiteNamespace,
                 .deployment = paw_->profile().ns,
                 .agent_ns = paw_->profile().agent.ns}) {}

absl::Status Session::HoldLease(const Deadline& deadline) {
  return lease_.Hold(run_.id(), deadline);
}

absl::StatusOr<std::unique_ptr<Session>> Session::Preflight(std::string_view phase,
                                                            const ProcessId& owner,
                                                            const Deadline& deadline) {
  RETURN_IF_ERROR(Run::Retire(Run::ResultsRoot(), phase, owner));
  ASSIGN_OR_RETURN(const Profile profile, Profile::FromEnvironment());
  ASSIGN_OR_RETURN(std::unique_ptr<Deployment> paw, Deployment::Connect(profile));
  const absl::Status identity = CheckIdentity(*paw, deadline);
  if (identity.ok() || absl::IsPermissionDenied(identity)) {
    // All that the account lacks at once, not the first refusal.
    RETURN_IF_ERROR(CheckRights(paw->kube(), profile, deadline));
  }
  if (!identity.ok()) {
    return absl::IsFailedPrecondition(identity)
               ? identity
               : Annotate(identity, fmt::format("the cluster of {} cannot be observed",
                                                paw->kube().config().source));
  }
  RETURN_IF_ERROR(CheckNamespace(*paw, deadline));
  RETURN_IF_ERROR(CheckNobodyElse(*paw, deadline));
  ASSIGN_OR_RETURN(const std::string text, ReadFile(paw->profile().file));
  const SessionFacts facts{.profile = paw->profile().file,
                           .profile_sha256 = net::Sha256Hex(text),
                           .commit = Run::SuiteCommit(),
                           .needs = ProbeNeeds(*paw, deadline)};
  ASSIGN_OR_RETURN(Run run, Run::Open(Run::ResultsRoot(), phase, owner, facts));
  // What a later run is compared with.
  RETURN_IF_ERROR(WriteFileAtomically(run.folder() / "profile.yaml", Redact(text)));
  PruneRuns(Run::ResultsRoot(), phase, Retention{}, run.started());
  PruneRuns(Run::StoreRoot(), phase, Retention{}, run.started());
  return std::unique_ptr<Session>(new Session(std::move(paw), std::move(run), true));
}

absl::StatusOr<std::unique_ptr<Session>> Session::JoinOrOpen(std::string_view phase,
                                                             const Deadline& deadline) {
  absl::StatusOr<Run> run = Run::Current(Run::ResultsRoot(), phase);
  if (run.ok() && run->IsOursAndOpen()) {
    ASSIGN_OR_RETURN(const Profile profile, Profile::FromEnvironment());
    ASSIGN_OR_RETURN(std::unique_ptr<Deployment> paw, Deployment::Connect(profile));
    if (paw->profile().file != run->facts().profile) {
      return absl::FailedPreconditionError(
          fmt::format("PAWK8S_PROFILE is {}, the run was opened with {}", paw->profile().file,
                      run->facts().profile));
    }
    return std::unique_ptr<Session>(new Session(std::move(paw), *std::move(run), false));
  }
  const auto self = IdentifyProcess(::getpid());
  if (!self) return absl::UnavailableError("/proc is not readable");
  return Preflight(phase, *self, deadline);
}

absl::Status Session::Sweep(const Deadline& deadline) {
  std::string left;
  const absl::Status lifted = fault::Lift(
      paw_->kube(), ledger_, fault::RevertThrough(*agents_),
      [&](const fault::LedgerEntry& entry) { return entry.run == run_.id(); }, deadline);
  // Who may not read the ledger has written nothing in it.
  if (!lifted.ok() && !absl::IsPermissionDenied(lifted)) {
    left += "; " + std::string(MessageOf(lifted));
  }
  left += RemoveOwnObjects(*paw_, run_.id(), deadline);
  if (const absl::Status s = lease_.Release(run_.id(), deadline);
      !s.ok() && !absl::IsPermissionDenied(s)) {
    left += "; " + std::string(MessageOf(s));
  }
  if (paw_->profile().allow.agent && !DefectIsPlanted()) {
    const absl::Status removed = agents_->Remove(deadline);
    if (!removed.ok()) left += fmt::format("; the agent: {}", MessageOf(removed));
  }
  if (!left.empty()) left = "left behind" + left;
  RETURN_IF_ERROR(run_.Close(left.empty(), left));
  return left.empty() ? absl::OkStatus() : absl::InternalError(left);
}

absl::Status Restore(Deployment& paw, std::string_view run, const Deadline& deadline) {
  RETURN_IF_ERROR(CheckClusterIdentity(paw, deadline));
  fault::RunLease lease(paw.kube(), kSuiteNamespace, paw.profile().ns);
  ASSIGN_OR_RETURN(const auto holder, lease.Read(deadline));
  if (holder && holder->run != run && !holder->Abandoned(std::chrono::system_clock::now())) {
    return absl::FailedPreconditionError(fmt::format(
        "run {} holds the deployment since {} and may be alive: if it was killed, say so by "
        "pawk8s restore --run {}",
        holder->run, FormatUtc(holder->renewed), holder->run));
  }
  fault::Ledger ledger(paw.kube(), kSuiteNamespace, paw.profile().ns);
  agent::Agent agents(paw.kube(), AgentOptions(paw.profile(), std::string(run)));
  RETURN_IF_ERROR(fault::Lift(
      paw.kube(), ledger, fault::RevertThrough(agents),
      [](const fault::LedgerEntry&) { return true; }, deadline));
  if (paw.profile().allow.agent) RETURN_IF_ERROR(agents.Remove(deadline));
  if (const std::string left = RemoveOwnObjects(paw, "", deadline); !left.empty()) {
    return absl::InternalError("left behind" + left);
  }
  return holder ? lease.Release(holder->run, deadline) : absl::OkStatus();
}

}  // namespace pawk8s
