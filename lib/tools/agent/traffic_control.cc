#include "traffic_control.h"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

constexpr std::uint32_t kHandle = TC_H_MAKE(TC_H_CLSACT, 0);

}  // namespace

// A netlink message about one interface, its attributes appended in order.
class TrafficControl::Message {
 public:
  Message(std::uint16_t type, int flags, int interface, std::uint32_t parent,
          std::uint32_t handle = 0, std::uint32_t info = 0) {
    bytes_.resize(NLMSG_LENGTH(sizeof(tcmsg)));
    auto* header = reinterpret_cast<nlmsghdr*>(bytes_.data());
    header->nlmsg_type = type;
    header->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    auto* body = static_cast<tcmsg*>(NLMSG_DATA(header));
    body->tcm_family = AF_UNSPEC;
    body->tcm_ifindex = interface;
    body->tcm_parent = parent;
    body->tcm_handle = handle;
    body->tcm_info = info;
  }

  Message& Add(std::uint16_t type, const void* data, std::size_t size) {
    const rtattr attribute{static_cast<std::uint16_t>(RTA_LENGTH(size)), type};
    bytes_.append(reinterpret_cast<const char*>(&attribute), sizeof attribute);
    bytes_.append(static_cast<const char*>(data), size);
    bytes_.resize(NLMSG_ALIGN(bytes_.size()));
    return *this;
  }
  Message& AddText(std::uint16_t type, const char* text) {
    return Add(type, text, std::strlen(text) + 1);
  }
  // Where a nested attribute begins, for End().
  std::size_t Begin(std::uint16_t type) {
    const std::size_t at = bytes_.size();
    Add(type, "", 0);
    return at;
  }
  void End(std::size_t at) {
    reinterpret_cast<rtattr*>(bytes_.data() + at)->rta_len =
        static_cast<std::uint16_t>(bytes_.size() - at);
  }

  [[nodiscard]] std::string Finished(std::uint32_t sequence) const {
    std::string bytes = bytes_;
    auto* header = reinterpret_cast<nlmsghdr*>(bytes.data());
    header->nlmsg_len = static_cast<std::uint32_t>(bytes.size());
    header->nlmsg_seq = sequence;
    return bytes;
  }

 private:
  std::string bytes_;
};

absl::Status TrafficControl::Dump(const Message& message, std::string_view what,
                                  const std::function<void(std::string_view)>& each) {
  const std::string bytes = message.Finished(++sequence_);
  if (::send(netlink_.get(), bytes.data(), bytes.size(), 0) < 0) return ErrnoStatus(errno, what);
  alignas(nlmsghdr) char buffer[65536];
  for (;;) {
    const ssize_t got = ::recv(netlink_.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return ErrnoStatus(errno, what);
    auto left = static_cast<std::uint32_t>(got);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_seq != sequence_) continue;
      if (header->nlmsg_type == NLMSG_DONE) return absl::OkStatus();
      if (header->nlmsg_type == NLMSG_ERROR) {
        const int error = -static_cast<const nlmsgerr*>(NLMSG_DATA(header))->error;
        return error == 0 ? absl::OkStatus() : ErrnoStatus(error, what);
      }
      each({static_cast<const char*>(NLMSG_DATA(header)), header->nlmsg_len - NLMSG_LENGTH(0)});
    }
  }
}

absl::Status TrafficControl::Talk(const Message& message, std::string_view what) {
  return Dump(message, what, [](std::string_view) {});
}

absl::StatusOr<bool> TrafficControl::HasClsact() {
  bool found = false;
  RETURN_IF_ERROR(
      Dump(Message(RTM_GETQDISC, NLM_F_DUMP, 0, 0), "listing qdiscs", [&](std::string_view bytes) {
        tcmsg qdisc;
        if (bytes.size() < sizeof qdisc) return;
        std::memcpy(&qdisc, bytes.data(), sizeof qdisc);
        found = found || (qdisc.tcm_ifindex == interface_ && qdisc.tcm_handle == kHandle);
      }));
  return found;
}

absl::Status TrafficControl::AddClsact() {
  ASSIGN_OR_RETURN(const bool there, HasClsact());
  if (there) return absl::OkStatus();
  Message message(RTM_NEWQDISC, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, interface_, TC_H_CLSACT,
                  kHandle);
  const absl::Status added = Talk(message.AddText(TCA_KIND, "clsact"), "adding a clsact qdisc");
  return absl::IsNotFound(added)
             ? absl::UnimplementedError("the node's kernel has no clsact (CONFIG_NET_SCH_INGRESS)")
             : added;
}

absl::Status TrafficControl::DeleteClsact() {
  const absl::Status deleted = Talk(
      Message(RTM_DELQDISC, NLM_F_ACK, interface_, TC_H_CLSACT, kHandle), "removing the clsact");
  return absl::IsNotFound(deleted) ? absl::OkStatus() : deleted;
}

absl::StatusOr<std::vector<std::int64_t>> TrafficControl::Preferences(Hook hook) {
  ASSIGN_OR_RETURN(const bool there, HasClsact());
  std::vector<std::int64_t> all;
  if (!there) return all;
  RETURN_IF_ERROR(
      Dump(Message(RTM_GETTFILTER, NLM_F_DUMP, interface_, static_cast<std::uint32_t>(hook)),
           "listing filters", [&](std::string_view bytes) {
             tcmsg filter;
             if (bytes.size() < sizeof filter) return;
             std::memcpy(&filter, bytes.data(), sizeof filter);
             all.push_back(TC_H_MAJ(filter.tcm_info) >> 16);
           }));
  return all;
}

absl::Status TrafficControl::AddFilter(Hook hook, std::int64_t preference,
                                       const std::vector<sock_filter>& program) {
  const auto info = static_cast<std::uint32_t>(preference) << 16 | htons(ETH_P_IP);
  Message message(RTM_NEWTFILTER, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, interface_,
                  static_cast<std::uint32_t>(hook), 0, info);
  message.AddText(TCA_KIND, "bpf");
  const std::size_t options = message.Begin(TCA_OPTIONS);
  const auto size = static_cast<std::uint16_t>(program.size());
  const std::uint32_t flags = TCA_BPF_FLAG_ACT_DIRECT;
  message.Add(TCA_BPF_OPS_LEN, &size, sizeof size);
  message.Add(TCA_BPF_OPS, program.data(), program.size() * sizeof(sock_filter));
  message.Add(TCA_BPF_FLAGS, &flags, sizeof flags);
  message.End(options);
  const absl::Status added = Talk(message, "adding a packet filter");
  return absl::IsNotFound(added)
             ? absl::UnimplementedError("the node's kernel has no cls_bpf (CONFIG_NET_CLS_BPF)")
             : added;
}

absl::Status TrafficControl::DeleteFilters(Hook hook, std::int64_t preference) {
  ASSIGN_OR_RETURN(const auto present, Preferences(hook));
  bool found = false;
  for (const std::int64_t one : present) found = found || one == preference;
  if (!found) return absl::OkStatus();
  const auto info = static_cast<std::uint32_t>(preference) << 16 | htons(ETH_P_IP);
  return Talk(
      Message(RTM_DELTFILTER, NLM_F_ACK, interface_, static_cast<std::uint32_t>(hook), 0, info),
      "removing a packet filter");
}

}  // namespace pawk8s::agent
