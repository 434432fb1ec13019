// What cases claim of volumes: the validators' own, and those on which the storage is tried.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <ostream>
#include <string>
#include <vector>

#include "pawk8s/deployment/kept_claim.h"
#include "pawk8s/deployment/own_volume.h"
#include "pawk8s/deployment/validator_volumes.h"

namespace pawk8s {

inline void PrintTo(const ValidatorVolume& volume, std::ostream* out) { *out << volume.ToString(); }
inline void PrintTo(const OfferedCapacity& offered, std::ostream* out) {
  *out << offered.volume.ToString();
}
inline void PrintTo(const ClaimState& claim, std::ostream* out) { *out << claim.ToString(); }
inline void PrintTo(const UserState& user, std::ostream* out) { *out << user.ToString(); }
inline void PrintTo(const VolumeContent& content, std::ostream* out) {
  *out << content.user.ToString();
}
inline void PrintTo(const RecoveredData& data, std::ostream* out) { *out << data.ToString(); }
inline void PrintTo(const GrowingVolume& volume, std::ostream* out) { *out << volume.ToString(); }
inline void PrintTo(const KeptClaim& kept, std::ostream* out) { *out << kept.ToString(); }

namespace testing {

MATCHER(BindsItsOwnVolume,
        "a claim, Bound for one node's pods to a volume of its own, which its pod mounts") {
  const std::string why = WhyNotItsOwn(arg);
  *result_listener << "which " << why;
  return why.empty();
}

// Of a list of ValidatorVolume.
MATCHER(HaveDistinctVolumes, "claims with a volume each") {
  const std::string shared = WhatIsShared(arg);
  *result_listener << "where " << shared;
  return shared.empty() && arg.size() >= 2;
}

MATCHER_P2(OffersWhatItDeclares, least_request, usable,
           fmt::format("a claim for at least {}, whose volume is as large as it says ({} of it)",
                       ToText(least_request), ToText(usable))) {
  const std::string why = WhyTooSmall(arg, least_request, usable);
  *result_listener << "which " << why;
  return why.empty();
}

// Of a claim that no pod uses yet.
MATCHER_P(AwaitsItsUser, binding_mode,
          fmt::format("a claim that no volume is made for yet ({})", binding_mode)) {
  return binding_mode != "WaitForFirstConsumer" || (arg.phase == "Pending" && arg.volume.empty());
}

MATCHER(IsBound, "a claim that is Bound") { return arg.phase == "Bound" && !arg.volume.empty(); }

MATCHER_P(Reads, content, "a pod that reads back what it wrote to its claim") {
  *result_listener << (arg.user.lacks.empty() ? "which reads '" + arg.content + "'"
                                              : "which does not run: " + arg.user.lacks);
  return !arg.content.empty() && arg.content == content;
}

MATCHER(Runs, "a pod that runs with its claim") {
  *result_listener << arg.lacks;
  return arg.lacks.empty();
}

MATCHER(IsKeptOff, "a pod that does not run while another node has its claim") {
  return !arg.lacks.empty();
}

MATCHER(SaysWhyItIsKeptOff, "a pod with an event that its volume is another node's") {
  for (const std::string& event : arg.events) *result_listener << event << " ";
  return SaysVolumeIsElsewhere(arg.events);
}

MATCHER(IsRetained, "a claim whose volume has reclaimPolicy Retain") {
  *result_listener << fmt::format("whose volume {} has {}", arg.volume,
                                  arg.reclaim_policy.empty() ? "none" : arg.reclaim_policy);
  return arg.reclaim_policy == "Retain";
}

MATCHER(IsReleased, "a volume that is Released when its claim has been deleted") {
  *result_listener << "which is " << arg.phase;
  return arg.phase == "Released";
}

MATCHER(IsRecovered, "a volume from which a new claim's pod reads what was written") {
  *result_listener << (arg.read.empty() ? "from which nothing is read"
                                        : "from which '" + arg.read + "' is read");
  return !arg.mark.empty() && arg.read == arg.mark;
}

MATCHER_P2(HasGrownTo, size, usable,
           fmt::format("a claim of {} in its status and for its pod ({} of it)", ToText(size),
                       ToText(usable))) {
  return arg.claim.capacity >= size.count &&
         static_cast<double>(arg.total) >= usable.Of(static_cast<double>(size.count));
}

MATCHER_P(HasWrittenTo, writes, fmt::format("at least {} writes that were synced", writes)) {
  return arg.writes >= writes;
}

MATCHER(HasNoFailedWrite, "no write that failed") { return arg.writes > 0 && arg.failed == 0; }

MATCHER_P(IsTheContainer, container_id, "the same container as before, " + container_id) {
  *result_listener << "which is " << arg.container_id;
  return !arg.container_id.empty() && arg.container_id == container_id;
}

MATCHER(StaysBoundWithoutItsPod, "a claim that stays Bound to its volume while its pod is away") {
  *result_listener << "which " << arg.not_kept;
  return arg.not_kept.empty() && !arg.before.volume.empty();
}

MATCHER(ComesBackWithItsData,
        "a claim that its returning pod mounts again, and reads what was written") {
  *result_listener << (arg.after.claim.empty() ? "whose pod did not come back"
                       : !arg.mark_after       ? "where it finds no such file"
                                               : "where it reads '" + *arg.mark_after + "'");
  return !arg.mark.empty() && arg.mark_after == arg.mark && arg.after == arg.before;
}

}  // namespace testing
}  // namespace pawk8s
