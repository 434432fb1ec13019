// One run at a time may change a deployment: a coordination.k8s.io Lease in the cluster says whose
// turn it is. It is the run's, not a process's: each process of the run renews it.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/kube/client.h"

namespace pawk8s::fault {

class RunLease {
 public:
  static constexpr std::chrono::seconds kDuration{std::chrono::minutes(30)};

  RunLease(kube::Client& client, std::string ns, const std::string& deployment);

  struct Holder {
    std::string run;
    std::chrono::system_clock::time_point renewed;
    std::chrono::seconds duration{0};
    [[nodiscard]] bool Abandoned(std::chrono::system_clock::time_point now) const {
      return now > renewed + duration;
    }
  };
  // Empty if nobody holds it.
  [[nodiscard]] absl::StatusOr<std::optional<Holder>> Read(const Deadline& deadline);

  // Takes it for `run` or renews it. FailedPrecondition if another run holds it; an abandoned one
  // is taken over (its ledger must have been lifted before).
  [[nodiscard]] absl::Status Hold(const std::string& run, const Deadline& deadline);
  // Gives it back if `run` holds it.
  [[nodiscard]] absl::Status Release(const std::string& run, const Deadline& deadline);

 private:
  kube::Client& client_;
  kube::ObjectRef ref_;
};

}  // namespace pawk8s::fault
