// The current objects of one collection, kept up to date by a watch in a background thread.
//
//   ASSIGN_OR_RETURN(auto pods, kube::Informer::Start(client, {kube::kPods, "paw"}, deadline));
//   for (auto seen = pods->Get(); !Done(seen.objects);) {
//     RETURN_IF_ERROR(pods->AwaitChange(seen.version, deadline));
//     seen = pods->Get();
//   }
//
// Waits on Kubernetes state use this: they wake when the object changes, not at the next poll.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/kube/client.h"
#include "pawk8s/kube/object.h"

namespace pawk8s::kube {

struct Change {
  enum class Type { kAdded, kModified, kDeleted };
  Type type = Type::kAdded;
  Object object;  // of a deletion: its last state
  // When this process received it. While the watch was down changes are seen late and several
  // states of one object as one.
  SteadyTime at;
  SystemTime wall;
};

struct InformerOptions {
  std::size_t timeline_capacity = 10000;
};

// Thread-safe.
class Informer {
 public:
  struct Snapshot {
    std::uint64_t version = 0;    // grows with every change
    std::vector<Object> objects;  // by namespace and name
    [[nodiscard]] const Object* Find(std::string_view name) const;
  };
  struct Timeline {
    std::vector<Change> changes;  // oldest first; the initial list is not in it
    std::size_t dropped = 0;      // so many older ones no longer fit
  };

  // Returns after the initial list, or with why that failed (the errors of Client::List).
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<Informer>> Start(
      const Client& client, const Collection& collection, const Deadline& deadline,
      const InformerOptions& options = {});
  // Stops at once, also in the middle of a request.
  ~Informer();

  [[nodiscard]] Snapshot Get() const;
  [[nodiscard]] Timeline Changes() const;

  // Returns as soon as the version is greater than `seen_version` (at once if it is already):
  // OK. DeadlineExceeded or Cancelled when that does not happen in time; the message names the
  // watch's trouble if it has one.
  [[nodiscard]] absl::Status AwaitChange(std::uint64_t seen_version,
                                         const Deadline& deadline) const;

  // Before something is judged that the watch has not shown: OK if a list of its own shows nothing
  // that the watch does not bring within a second, otherwise Unavailable, for then it is down or
  // silent. Takes at most 5 s, whatever is left of `deadline`; Cancelled with it.
  [[nodiscard]] absl::Status Confirm(const Deadline& deadline) const;

  // OK while the watch is up; otherwise why it is not. It keeps trying (at 50 ms, then doubling up
  // to 1 s) unless the error is final (Unauthenticated, PermissionDenied, NotFound,
  // InvalidArgument); then AwaitChange returns that error.
  [[nodiscard]] absl::Status status() const;

  // How often the state had to be listed anew because the watch could not be resumed.
  [[nodiscard]] int relists() const;

 private:
  class Impl;
  explicit Informer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawk8s::kube
