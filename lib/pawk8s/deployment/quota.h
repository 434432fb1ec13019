// The namespace's ResourceQuota: what it grants, what Kubernetes has counted of it, what is there,
// and what the API server says to one pod more.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/kube/object.h"
#include "pawk8s/kube/quantity.h"

namespace pawk8s {

using Amounts = std::map<std::string, kube::Quantity>;

struct Quota {
  std::string name;
  Amounts hard, used;  // by its keys: "requests.cpu", "pods"
  std::string lags;    // why its status is not yet that of its spec; empty: it is
  friend bool operator==(const Quota&, const Quota&) = default;

  // What is left of "cpu" or "memory", under either of the key's two names. Empty: it has no such
  // key, or has not counted.
  [[nodiscard]] std::optional<kube::Quantity> Left(std::string_view resource) const;
};
[[nodiscard]] Quota QuotaOf(const kube::Object& quota);
[[nodiscard]] absl::StatusOr<Quota> ReadQuota(Deployment& paw, const Deadline& deadline);

// What the API server says to a pod, which is not created (dry run).
struct Admission {
  std::string pod;  // in words: "the next pod of Deployment paw/paw-node"
  bool admitted = false;
  bool over_quota = false;  // refused with 403 "exceeded quota"
  std::string refusal;
};
// Any refusal is an Admission; other errors (not reached, no right to create pods) pass through.
[[nodiscard]] absl::StatusOr<Admission> AskForPod(Deployment& paw, const std::string& what,
                                                  const kube::Json& manifest,
                                                  const Deadline& deadline);

// A pod of the suite's own that asks for the least that the namespace allows ...
[[nodiscard]] absl::StatusOr<Admission> AskForLeastPod(Deployment& paw, const Deadline& deadline);
// ... and one that asks for 1m CPU more than the quota has left, in as many containers as the limit
// ranges demand. FailedPrecondition if the quota has no key for CPU.
[[nodiscard]] absl::StatusOr<Admission> AskForExcessPod(Deployment& paw, const Deadline& deadline);
// A pod of the workload's template, as its controller would make it next.
[[nodiscard]] absl::StatusOr<Admission> AskForNextPod(Deployment& paw, const WorkloadRef& workload,
                                                      const Deadline& deadline);

// The fewest shares of at most `most` each (none: no bound) that make up `total`.
[[nodiscard]] std::vector<kube::Quantity> SharesOf(kube::Quantity total,
                                                   std::optional<kube::Quantity> most);
// The least `max` of limit ranges for a container; empty: there is none.
[[nodiscard]] std::optional<kube::Quantity> MostAllowed(
    const std::vector<kube::Object>& limit_ranges, std::string_view resource);
// `object` is the workload with its template; `index` the ordinal of a StatefulSet's next pod.
[[nodiscard]] kube::Json NextPodManifest(const kube::Object& object, int index);

// A quota beside what is there, and what one pod more of each workload would take.
struct QuotaUse {
  Quota quota;
  Amounts counted;  // summed here; keys that are not counted here (secrets) are left out
  Amounts next;
  friend bool operator==(const QuotaUse&, const QuotaUse&) = default;
};
[[nodiscard]] absl::StatusOr<QuotaUse> ReadQuotaUse(Deployment& paw, const Deadline& deadline);

// What live objects and a pod's spec come to under a quota's keys. `pods` that have ended do not
// count.
[[nodiscard]] Amounts CountedUse(const std::vector<kube::Object>& pods,
                                 const std::vector<kube::Object>& claims, std::size_t services,
                                 std::size_t config_maps);
[[nodiscard]] Amounts UseOfNextPod(const kube::Object& workload);

// Why the quota's count is not that of what is there: a key that must be there is missing, an
// amount differs or is nothing. Empty: it is.
[[nodiscard]] std::string WhyNotCounted(const QuotaUse& use);
// Which key has no room for one pod more of each workload; empty: all have.
[[nodiscard]] std::string WhyNoRoom(const QuotaUse& use);

}  // namespace pawk8s
