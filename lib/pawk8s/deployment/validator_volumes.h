// The validators' volumes: for each ordinal the claim that its StatefulSet names, the volume behind
// it, and what the file system on it offers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/agent/agent.h"
#include "pawk8s/deployment/deployment.h"

namespace pawk8s {

// One ordinal. What is not there is empty.
struct ValidatorVolume {
  std::string pod;    // "paw-validator-3", whether it is there or not
  std::string claim;  // "paw-data-paw-validator-3", likewise
  std::string ns;
  std::string mounted;  // the claim that the pod mounts at storage.path

  std::string phase, uid;                 // of the claim
  std::vector<std::string> access_modes;  // likewise
  std::string volume;                     // the PV that it names
  std::int64_t request = 0;               // bytes

  std::string claim_ref_uid, reclaim_policy;  // of the PV
  std::int64_t capacity = 0;                  // bytes

  // "PersistentVolumeClaim paw/paw-data-paw-validator-3"
  [[nodiscard]] std::string ToString() const;
};

// Of every ordinal that the StatefulSet wants, in their order.
[[nodiscard]] absl::StatusOr<std::vector<ValidatorVolume>> ReadValidatorVolumes(
    Deployment& paw, const Deadline& deadline);

// Why it is not bound to a volume of its own for one node's pods, which its pod mounts; empty if it
// is. Says nothing of other ordinals.
[[nodiscard]] std::string WhyNotItsOwn(const ValidatorVolume& volume);
// The first two ordinals that share a volume, in a sentence; empty if none do.
[[nodiscard]] std::string WhatIsShared(const std::vector<ValidatorVolume>& volumes);

// A validator's volume, and the size of the file system at storage.path inside the pod.
struct OfferedCapacity {
  ValidatorVolume volume;
  std::int64_t total = 0;  // bytes
};
[[nodiscard]] absl::StatusOr<OfferedCapacity> ReadOfferedCapacity(Deployment& paw,
                                                                  agent::Agent& agents,
                                                                  const ValidatorVolume& volume,
                                                                  const Deadline& deadline);
// Why it does not offer what was asked for and what its PV declares, or why that is too little;
// empty if all is well.
[[nodiscard]] std::string WhyTooSmall(const OfferedCapacity& offered, Bytes least_request,
                                      Percent usable);

// Bytes of a quantity field such as {"spec", "capacity", "storage"}; 0 if it is not there.
[[nodiscard]] std::int64_t BytesAt(const kube::Json& json, kube::FieldPath path);

}  // namespace pawk8s
