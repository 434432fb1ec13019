// Drops packets in a network namespace; undone by removing exactly the filters that were added, and
// the qdisc that carries them if nobody else had made or used it.
#include <fmt/format.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <set>

#include "executor.h"
#include "netns.h"
#include "packet.h"
#include "pawk8s/agent/protocol.h"
#include "pawk8s/base/status.h"
#include "traffic_control.h"

namespace pawk8s::agent {
namespace {

// Preferences of the agent's filters. Those of the first range sit on a qdisc of the agent's own.
constexpr std::int64_t kOwnQdisc = 40'000;
constexpr std::int64_t kForeignQdisc = 40'500;
constexpr std::int64_t kRange = 500;

struct DropUndo {
  NetworkNamespace where;
  std::int64_t preference = 0;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("where", self.where);
    field("preference", self.preference);
  }
};

bool IsIn(std::int64_t preference, std::int64_t range) {
  return preference >= range && preference < range + kRange;
}

std::vector<Hook> HooksOf(const PacketDrop& fault) {
  switch (fault.match.direction) {
    case Direction::kIngress:
      return {Hook::kIngress};
    case Direction::kEgress:
      return {Hook::kEgress};
    default:
      return {Hook::kIngress, Hook::kEgress};
  }
}

// The namespace as it is reached now: the process it was found through may have ended.
absl::StatusOr<NetworkNamespace> FindAgain(const Node& node, const PacketDrop& fault,
                                           const DropUndo& undo) {
  if (IsAlive(node, undo.where.through)) return undo.where;
  ASSIGN_OR_RETURN(const NetworkNamespace now, FindNamespace(node, fault.place));
  if (now.inode != undo.where.inode) return TargetGone("the pod has another network by now");
  return now;
}

absl::StatusOr<TrafficControl> Open(const Node& node, const NetworkNamespace& where,
                                    const std::string& interface) {
  Fd netlink;
  absl::StatusOr<int> index = 0;
  RETURN_IF_ERROR(InNamespace(node, where, [&]() -> absl::Status {
    netlink = Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!netlink.ok() || !any.ok()) return ErrnoStatus(errno, "making a netlink socket");
    index = InterfaceIndex(any.get(), interface);
    return absl::OkStatus();
  }));
  RETURN_IF_ERROR(index.status());
  return TrafficControl(std::move(netlink), *index);
}

absl::StatusOr<std::set<std::int64_t>> AllPreferences(TrafficControl& control) {
  std::set<std::int64_t> all;
  for (const Hook hook : {Hook::kIngress, Hook::kEgress}) {
    ASSIGN_OR_RETURN(const auto some, control.Preferences(hook));
    all.insert(some.begin(), some.end());
  }
  return all;
}

}  // namespace

absl::StatusOr<Undo> Prepare(const Node& node, const PacketDrop& fault) {
  RETURN_IF_ERROR(DropProgram(fault.match, Hook::kIngress).status());
  DropUndo undo;
  ASSIGN_OR_RETURN(undo.where, FindNamespace(node, fault.place));
  ASSIGN_OR_RETURN(TrafficControl control, Open(node, undo.where, fault.match.interface));
  ASSIGN_OR_RETURN(const bool has_clsact, control.HasClsact());
  ASSIGN_OR_RETURN(const auto taken, AllPreferences(control));
  const bool ours = !has_clsact || std::any_of(taken.begin(), taken.end(), [](std::int64_t one) {
    return IsIn(one, kOwnQdisc);
  });
  undo.preference = ours ? kOwnQdisc : kForeignQdisc;
  while (taken.contains(undo.preference)) ++undo.preference;
  return Encode(undo);
}

absl::Status Apply(const Node& node, const PacketDrop& fault, Undo& undo,
                   const SaveUndo& /*save*/) {
  ASSIGN_OR_RETURN(const auto record, Decode<DropUndo>(undo));
  ASSIGN_OR_RETURN(TrafficControl control, Open(node, record.where, fault.match.interface));
  RETURN_IF_ERROR(control.AddClsact());
  for (const Hook hook : HooksOf(fault)) {
    ASSIGN_OR_RETURN(const auto program, DropProgram(fault.match, hook));
    RETURN_IF_ERROR(control.AddFilter(hook, record.preference, program));
  }
  return absl::OkStatus();
}

absl::Status Revert(const Node& node, const PacketDrop& fault, const Undo& undo) {
  ASSIGN_OR_RETURN(const auto record, Decode<DropUndo>(undo));
  ASSIGN_OR_RETURN(const NetworkNamespace where, FindAgain(node, fault, record));
  ASSIGN_OR_RETURN(TrafficControl control, Open(node, where, fault.match.interface));
  for (const Hook hook : HooksOf(fault)) {
    RETURN_IF_ERROR(control.DeleteFilters(hook, record.preference));
  }
  if (!IsIn(record.preference, kOwnQdisc)) return absl::OkStatus();
  ASSIGN_OR_RETURN(const auto left, AllPreferences(control));
  return left.empty() ? control.DeleteClsact() : absl::OkStatus();
}

bool IsGone(const Node& node, const PacketDrop& fault, const Undo& undo) {
  const auto record = Decode<DropUndo>(undo);
  return record.ok() && IsTargetGone(FindAgain(node, fault, *record).status());
}

}  // namespace pawk8s::agent
