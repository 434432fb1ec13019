// The write-ahead list of what the suite has changed and must take back: a ConfigMap in the
// cluster, so that it outlives every process of the runner.
//
// An entry is written before its fault is armed and removed after its revert was seen. An entry
// that is there without a live runner is what `pawk8s restore` lifts.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/fault/undo.h"
#include "pawk8s/kube/client.h"

namespace pawk8s::fault {

using WallTime = std::chrono::system_clock::time_point;

struct LedgerEntry {
  std::string id;       // unique in the ledger; a valid ConfigMap key
  std::string run;      // of the suite
  std::string case_id;  // "INF-STS-01"
  std::string what;     // "scale StatefulSet paw/paw-validator to 3"
  WallTime planned{};
  WallTime expires{};  // by then it must be taken back, whoever lives
  Undo undo;
};

class Ledger {
 public:
  // In the namespace `ns`, which is made when the first entry is written; one ledger a deployment.
  Ledger(kube::Client& client, std::string ns, const std::string& deployment);

  // Adds or replaces. When this returns OK the API server has it.
  [[nodiscard]] absl::Status Put(const LedgerEntry& entry, const Deadline& deadline);
  [[nodiscard]] absl::Status Remove(const std::string& id, const Deadline& deadline);
  // Oldest first; empty if there is no ledger. FailedPrecondition for one of another version of
  // the suite, DataLoss for one that cannot be read: both name it.
  [[nodiscard]] absl::StatusOr<std::vector<LedgerEntry>> Read(const Deadline& deadline);

  [[nodiscard]] const kube::ObjectRef& ref() const { return map_; }

 private:
  kube::Client& client_;
  kube::ObjectRef map_;
};

// Makes `ns` for objects of the suite's own if it is not there.
[[nodiscard]] absl::Status EnsureNamespace(kube::Client& client, const std::string& ns,
                                           const Deadline& deadline);

}  // namespace pawk8s::fault
