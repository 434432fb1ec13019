// The little of the kernel's traffic control that dropping packets takes: a clsact qdisc and
// classic BPF filters on it, over rtnetlink.
#pragma once

#include <linux/filter.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "os.h"
#include "pawk8s/agent/fault.h"

namespace pawk8s::agent {

enum class Hook : std::uint32_t { kIngress = 0xfffffff2, kEgress = 0xfffffff3 };

class TrafficControl {
 public:
  // `netlink` is a NETLINK_ROUTE socket of the namespace, `interface` an index in it.
  TrafficControl(Fd netlink, int interface) : netlink_(std::move(netlink)), interface_(interface) {}

  [[nodiscard]] absl::StatusOr<bool> HasClsact();
  [[nodiscard]] absl::Status AddClsact();  // OK if it is there
  [[nodiscard]] absl::Status DeleteClsact();
  // The preferences of the filters on that hook; none without a clsact.
  [[nodiscard]] absl::StatusOr<std::vector<std::int64_t>> Preferences(Hook hook);
  // Drops the IPv4 packets for which `program` returns TC_ACT_SHOT.
  [[nodiscard]] absl::Status AddFilter(Hook hook, std::int64_t preference,
                                       const std::vector<sock_filter>& program);
  [[nodiscard]] absl::Status DeleteFilters(Hook hook, std::int64_t preference);  // OK if none

 private:
  class Message;
  absl::Status Talk(const Message& message, std::string_view what);
  absl::Status Dump(const Message& message, std::string_view what,
                    const std::function<void(std::string_view)>& each);

  Fd netlink_;
  int interface_;
  std::uint32_t sequence_ = 0;
};

// A program that returns TC_ACT_SHOT for an Ethernet frame with an IPv4 packet that matches, seen
// on that hook, and TC_ACT_UNSPEC otherwise. InvalidArgument for a peer that is no IPv4 address or
// network.
[[nodiscard]] absl::StatusOr<std::vector<sock_filter>> DropProgram(const PacketMatch& match,
                                                                   Hook hook);

}  // namespace pawk8s::agent
