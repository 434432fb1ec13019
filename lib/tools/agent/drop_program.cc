// Which packets are dropped, as a classic BPF program: the same on every kernel, without loading
// anything, and without any further traffic control module.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/pkt_cls.h>
#include <netinet/in.h>

#include "absl/strings/numbers.h"
#include "absl/strings/str_split.h"
#include "pawk8s/base/status.h"
#include "traffic_control.h"

namespace pawk8s::agent {
namespace {

// Offsets in an Ethernet frame with an IPv4 packet.
constexpr std::uint32_t kIp = ETH_HLEN;
constexpr std::uint32_t kFragment = kIp + 6;
constexpr std::uint32_t kProtocol = kIp + 9;
constexpr std::uint32_t kSource = kIp + 12;
constexpr std::uint32_t kDestination = kIp + 16;

constexpr std::uint32_t kPass = static_cast<std::uint32_t>(TC_ACT_UNSPEC);
constexpr std::uint32_t kDrop = TC_ACT_SHOT;

struct Network {
  std::uint32_t address = 0;  // host order
  std::uint32_t mask = 0;
};

absl::StatusOr<Network> ParseNetwork(const std::string& text) {
  const std::vector<std::string> parts = absl::StrSplit(text, absl::MaxSplits('/', 1));
  in_addr address{};
  int bits = 32;
  if (::inet_pton(AF_INET, parts[0].c_str(), &address) != 1 ||
      (parts.size() == 2 && (!absl::SimpleAtoi(parts[1], &bits) || bits < 0 || bits > 32))) {
    return absl::InvalidArgumentError(fmt::format("peer '{}' is no IPv4 address or network", text));
  }
  const std::uint32_t mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
  return Network{ntohl(address.s_addr) & mask, mask};
}

class Program {
 public:
  void Load(std::uint16_t size, std::uint32_t offset) {
    Emit({static_cast<std::uint16_t>(BPF_LD | size | BPF_ABS), 0, 0, offset});
  }
  // From behind the IP header, whose length LoadHeaderLength() has put into X.
  void LoadBehindHeader(std::uint16_t size, std::uint32_t offset) {
    Emit({static_cast<std::uint16_t>(BPF_LD | size | BPF_IND), 0, 0, kIp + offset});
  }
  void LoadHeaderLength() { Emit({BPF_LDX | BPF_B | BPF_MSH, 0, 0, kIp}); }
  void And(std::uint32_t mask) { Emit({BPF_ALU | BPF_AND | BPF_K, 0, 0, mask}); }
  void Return(std::uint32_t code) { Emit({BPF_RET | BPF_K, 0, 0, code}); }
  // Passes over the next `count` instructions if equal.
  void SkipIfEqual(std::uint32_t value, std::uint8_t count) {
    Emit({BPF_JMP | BPF_JEQ | BPF_K, count, 0, value});
  }
  void SkipIfNotEqual(std::uint32_t value, std::uint8_t count) {
    Emit({BPF_JMP | BPF_JEQ | BPF_K, 0, count, value});
  }
  // A jump to where Land() is called; any distance.
  [[nodiscard]] std::size_t Jump() {
    Emit({BPF_JMP | BPF_JA, 0, 0, 0});
    return code_.size() - 1;
  }
  void Land(const std::vector<std::size_t>& jumps) {
    for (const std::size_t at : jumps)
      code_[at].k = static_cast<std::uint32_t>(code_.size() - at - 1);
  }

  std::vector<sock_filter> Take() { return std::move(code_); }

 private:
  void Emit(const sock_filter& instruction) { code_.push_back(instruction); }
  std::vector<sock_filter> code_;
};

void RequireProtocol(Program& program, const PacketMatch& match) {
  if (match.protocol == Protocol::kAny && match.ports.empty()) return;
  program.Load(BPF_B, kProtocol);
  if (match.protocol == Protocol::kAny) {
    program.SkipIfEqual(IPPROTO_TCP, 2);
    program.SkipIfEqual(IPPROTO_UDP, 1);
  } else {
    program.SkipIfEqual(match.protocol == Protocol::kTcp ? IPPROTO_TCP : IPPROTO_UDP, 1);
  }
  program.Return(kPass);
}

void RequirePeer(Program& program, const std::vector<Network>& peers, Hook hook) {
  if (peers.empty()) return;
  std::vector<std::size_t> found;
  for (const Network& peer : peers) {
    program.Load(BPF_W, hook == Hook::kIngress ? kSource : kDestination);
    program.And(peer.mask);
    program.SkipIfNotEqual(peer.address, 1);
    found.push_back(program.Jump());
  }
  program.Return(kPass);
  program.Land(found);
}

void RequirePort(Program& program, const std::vector<std::int64_t>& ports) {
  if (ports.empty()) return;
  program.Load(BPF_H, kFragment);
  program.And(0x1fff);
  program.SkipIfEqual(0, 1);
  program.Return(kPass);  // a later fragment has no ports
  program.LoadHeaderLength();
  std::vector<std::size_t> found;
  for (const std::uint32_t offset : {0u, 2u}) {
    program.LoadBehindHeader(BPF_H, offset);
    for (const std::int64_t port : ports) {
      program.SkipIfNotEqual(static_cast<std::uint32_t>(port), 1);
      found.push_back(program.Jump());
    }
  }
  program.Return(kPass);
  program.Land(found);
}

}  // namespace

absl::StatusOr<std::vector<sock_filter>> DropProgram(const PacketMatch& match, Hook hook) {
  std::vector<Network> peers;
  for (const std::string& peer : match.peers) {
    ASSIGN_OR_RETURN(const Network network, ParseNetwork(peer));
    peers.push_back(network);
  }
  Program program;
  RequireProtocol(program, match);
  RequirePeer(program, peers, hook);
  RequirePort(program, match.ports);
  program.Return(kDrop);
  return program.Take();
}

}  // namespace pawk8s::agent
