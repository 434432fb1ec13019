#include "pawk8s/fault/lease.h"

#include <fmt/format.h>

#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/fault/ledger.h"

namespace pawk8s::fault {
namespace {

using kube::Json;

std::optional<RunLease::Holder> HolderOf(const kube::Object& lease) {
  const auto run = kube::FindString(lease.json(), {"spec", "holderIdentity"});
  if (!run || run->empty()) return std::nullopt;
  return RunLease::Holder{
      .run = *run,
      .renewed = kube::FindTime(lease.json(), {"spec", "renewTime"}).value_or(kube::SystemTime{}),
      .duration = std::chrono::seconds(
          kube::FindInt(lease.json(), {"spec", "leaseDurationSeconds"}).value_or(0))};
}

Json SpecFor(const std::string& run) {
  // metav1.MicroTime wants six digits of a second.
  std::string now = FormatUtc(std::chrono::system_clock::now());
  now.insert(now.size() - 1, "000");
  return {{"holderIdentity", run},
          {"leaseDurationSeconds", RunLease::kDuration.count()},
          {"renewTime", now}};
}

}  // namespace

RunLease::RunLease(kube::Client& client, std::string ns, const std::string& deployment)
    : client_(client), ref_{kube::kLeases, std::move(ns), "run-" + deployment} {}

absl::StatusOr<std::optional<RunLease::Holder>> RunLease::Read(const Deadline& deadline) {
  const auto lease = client_.Get(ref_, deadline);
  if (absl::IsNotFound(lease.status())) return std::optional<Holder>();
  if (!lease.ok()) return Annotate(lease.status(), "reading the run's lease");
  return HolderOf(*lease);
}

absl::Status RunLease::Hold(const std::string& run, const Deadline& deadline) {
  const auto found = client_.Get(ref_, deadline);
  if (absl::IsNotFound(found.status())) {
    RETURN_IF_ERROR(EnsureNamespace(client_, ref_.ns, deadline));
    const auto made = client_.Create({ref_.resource, ref_.ns},
                                     {{"apiVersion", "coordination.k8s.io/v1"},
                                      {"kind", "Lease"},
                                      {"metadata", {{"name", ref_.name}, {"namespace", ref_.ns}}},
                                      {"spec", SpecFor(run)}},
                                     deadline);
    if (absl::IsAlreadyExists(made.status())) {
      return absl::FailedPreconditionError("another run took the deployment just now");
    }
    return made.status();
  }
  RETURN_IF_ERROR(found.status());
  const auto holder = HolderOf(*found);
  if (holder && holder->run != run && !holder->Abandoned(std::chrono::system_clock::now())) {
    return absl::FailedPreconditionError(fmt::format(
        "run {} holds the deployment since {} (lease {}): wait for its end, or, if it was killed, "
        "lift what it left with: pawk8s restore",
        holder->run, FormatUtc(holder->renewed), ref_.ToString()));
  }
  // Replaces exactly what was read: of two that try at once, one gets Aborted.
  Json lease = found->json();
  lease["spec"] = SpecFor(run);
  const auto taken = client_.Update(ref_, lease, deadline);
  if (absl::IsAborted(taken.status())) {
    return absl::FailedPreconditionError("another run took the deployment just now");
  }
  return taken.status();
}

absl::Status RunLease::Release(const std::string& run, const Deadline& deadline) {
  const auto found = client_.Get(ref_, deadline);
  if (absl::IsNotFound(found.status())) return absl::OkStatus();
  RETURN_IF_ERROR(found.status());
  const auto holder = HolderOf(*found);
  if (holder && holder->run != run) return absl::OkStatus();
  const absl::Status gone = client_.Delete(
      ref_, deadline, {.uid = found->uid(), .resource_version = found->resource_version()});
  return absl::IsNotFound(gone) || absl::IsAborted(gone) ? absl::OkStatus() : gone;
}

}  // namespace pawk8s::fault
