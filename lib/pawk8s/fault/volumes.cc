#include <fmt/format.h>

#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/fault/faults.h"

namespace pawk8s::fault {
namespace {

using kube::Json;

constexpr const char* kOwn = "pawk8s-";  // with which the names of own objects begin

// Only what an own claim has left may be taken for another one.
absl::Status CheckLeftByUs(const kube::Object& volume, const std::string& ns) {
  const auto phase = kube::FindString(volume.json(), {"status", "phase"}).value_or("of no phase");
  const auto of_ns = kube::FindString(volume.json(), {"spec", "claimRef", "namespace"});
  const auto of = kube::FindString(volume.json(), {"spec", "claimRef", "name"}).value_or("");
  if (phase == "Released" && of_ns == ns && of.starts_with(kOwn)) return absl::OkStatus();
  return absl::FailedPreconditionError(
      fmt::format("PersistentVolume {} of claim {}/{} is {}: only one that an own claim has left "
                  "may be claimed again",
                  volume.name(), of_ns.value_or(""), of, phase));
}

}  // namespace

absl::StatusOr<Fault> Faults::Claim(const std::string& ns, Json claim, const Deadline& deadline,
                                    const FaultOptions& options) {
  return Make({kube::kPersistentVolumeClaims, ns}, std::move(claim), Undo::Kind::kClaim, nullptr,
              deadline, options);
}

absl::StatusOr<Fault> Faults::ClaimAgain(const std::string& ns, Json claim,
                                         const std::string& volume, const Deadline& deadline,
                                         const FaultOptions& options) {
  kube::Client& client = context_->client;
  const kube::ObjectRef ref{kube::kPersistentVolumes, "", volume};
  ASSIGN_OR_RETURN(const kube::Object left, client.Get(ref, deadline));
  RETURN_IF_ERROR(CheckLeftByUs(left, ns));
  claim["spec"]["volumeName"] = volume;
  // Without a uid it waits for whatever claim has that name; with the old one it takes none.
  const Json meant_for = {{"spec",
                           {{"claimRef",
                             {{"name", claim.at("metadata").at("name")},
                              {"uid", nullptr},
                              {"resourceVersion", nullptr}}}}}};
  return Make(
      {kube::kPersistentVolumeClaims, ns}, std::move(claim), Undo::Kind::kClaim,
      [&client, ref, meant_for](const Deadline& d) {
        return client.Patch(ref, kube::PatchType::kMerge, meant_for, d).status();
      },
      deadline, options);
}

}  // namespace pawk8s::fault
