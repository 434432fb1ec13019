// How to take back one change, as data, so that any process can do it: the one that made it, its
// guardian after a crash, or `pawk8s restore` much later.
#pragma once

#include <functional>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/kube/client.h"

namespace pawk8s::fault {

// Objects that the suite makes carry this label with the run's id.
inline constexpr const char* kRunLabel = "pawk8s.dev/run";

struct Undo {
  enum class Kind {
    kNothing,  // nothing to take back: a deleted pod, which its controller makes anew
    kPatch,    // merge patch that puts the changed fields back; of a StatefulSet's template: with
               // the pods that the other template has left stuck
    kDelete,   // of an object that the fault created, which carries kRunLabel
    kClaim,    // of a claim that the fault created, likewise, with its volume and what is on it
    kAgent,    // a fault that the agent of one node holds
  };
  Kind kind = Kind::kNothing;
  kube::ObjectRef object = {};  // of kPatch, kDelete and kClaim
  std::string uid = {};         // of kPatch: another object by that name is left alone
  kube::Json patch = {};        // of kPatch
  std::string node = {};        // of kAgent
  std::string agent_fault = {};

  [[nodiscard]] kube::Json ToJson() const;
  // DataLoss if it is none.
  static absl::StatusOr<Undo> FromJson(const kube::Json& json);
};

// The merge patch that takes `forward` back on an object that was `before`.
[[nodiscard]] kube::Json InverseOf(const kube::Json& before, const kube::Json& forward);

// Does `object` hold every value of the merge patch `patch`?
[[nodiscard]] bool Holds(const kube::Json& object, const kube::Json& patch);

// Asks the agent of a node to revert one fault; OK when it has, or no longer has it.
using RevertOnNode = std::function<absl::Status(const std::string& node, const std::string& fault,
                                                const Deadline& deadline)>;

// Takes back and reads again whether that took effect: OK when it did, or when the object is gone
// or another one. One attempt; Unavailable when it may be tried again.
[[nodiscard]] absl::Status TakeBack(kube::Client& client, const RevertOnNode& agent,
                                    const Undo& undo, const Deadline& deadline);

}  // namespace pawk8s::fault
