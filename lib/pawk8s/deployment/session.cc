#include "pawk8s/deployment/session.h"

#include <fmt/format.h>
#include <unistd.h>

#include <map>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/identity.h"

namespace pawk8s {
namespace {

constexpr const char* kPresent = "present";

// need -> "present" or why it is not.
std::map<std::string, std::string> ProbeNeeds(Deployment& paw, const Deadline& deadline) {
  std::map<std::string, std::string> needs;
  const Profile& profile = paw.profile();
  const std::pair<const char*, WorkloadRef> workloads[] = {
      {"validators", profile.validators}, {"nodes", profile.nodes}, {"api", profile.api}};
  for (const auto& [need, ref] : workloads) {
    const auto state = paw.Read(ref, deadline);
    if (state.ok()) {
      needs[need] = kPresent;
    } else {
      needs[need] = MessageOf(state.status());
    }
  }
  return needs;
}

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

}  // namespace

Session::Session(std::unique_ptr<Deployment> paw, Run run, bool opened_here)
    : paw_(std::move(paw)), run_(std::move(run)), opened_here_(opened_here) {}

absl::StatusOr<std::unique_ptr<Session>> Session::Preflight(std::string_view phase,
                                                            const ProcessId& owner,
                                                            const Deadline& deadline) {
  RETURN_IF_ERROR(Run::Retire(Run::ResultsRoot(), phase, owner));
  ASSIGN_OR_RETURN(const Profile profile, Profile::FromEnvironment());
  ASSIGN_OR_RETURN(std::unique_ptr<Deployment> paw, Deployment::Connect(profile));
  if (const absl::Status s = CheckIdentity(*paw, deadline); !s.ok()) {
    return absl::IsFailedPrecondition(s)
               ? s
               : Annotate(s, fmt::format("the cluster of {} cannot be observed",
                                         paw->kube().config().source));
  }
  RETURN_IF_ERROR(CheckNamespace(*paw, deadline));
  const SessionFacts facts{.profile = paw->profile().file, .needs = ProbeNeeds(*paw, deadline)};
  ASSIGN_OR_RETURN(Run run, Run::Open(Run::ResultsRoot(), phase, owner, facts));
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
  const std::string selector = fmt::format("{}={}", kRunLabel, run_.id());
  for (const auto& resource :
       {kube::kPods, kube::kConfigMaps, kube::kPersistentVolumeClaims, kube::kServices}) {
    const auto list = paw_->kube().List({resource, paw_->profile().ns, selector}, deadline);
    if (!list.ok()) {
      left +=
          fmt::format("; {} could not be listed: {}", resource.resource, MessageOf(list.status()));
      continue;
    }
    for (const kube::Object& object : list->items) {
      const absl::Status removed =
          paw_->kube().Delete({resource, object.ns(), object.name()}, deadline);
      if (!removed.ok() && !absl::IsNotFound(removed)) {
        left += fmt::format("; {} {}: {}", resource.kind, object.name(), MessageOf(removed));
      }
    }
  }
  if (!left.empty()) left = "left behind" + left;
  RETURN_IF_ERROR(run_.Close(left.empty(), left));
  return left.empty() ? absl::OkStatus() : absl::InternalError(left);
}

}  // namespace pawk8s
