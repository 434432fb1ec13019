// Which packets are dropped and how captured ones are counted. The programs run in the kernel, as
// filters of a socket that is given frames.
#include "packet.h"

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cstring>

#include "pawk8s/base/status.h"
#include "traffic_control.h"

namespace pawk8s::agent {
namespace {

struct FrameSpec {
  std::string source = "10.0.0.1";
  std::string destination = "10.0.0.2";
  std::uint8_t protocol = IPPROTO_TCP;
  std::uint16_t source_port = 40000;
  std::uint16_t destination_port = 26656;
  std::string payload = "hello";
  std::uint16_t fragment = 0;
  std::size_t options = 0;  // bytes of IP options
};

std::string Frame(const FrameSpec& spec) {
  ethhdr ethernet{};
  ethernet.h_proto = htons(ETH_P_IP);
  iphdr ip{};
  ip.version = 4;
  ip.ihl = static_cast<unsigned>((sizeof ip + spec.options) / 4) & 15u;
  ip.protocol = spec.protocol;
  ip.frag_off = htons(spec.fragment);
  inet_pton(AF_INET, spec.source.c_str(), &ip.saddr);
  inet_pton(AF_INET, spec.destination.c_str(), &ip.daddr);
  tcphdr tcp{};
  tcp.source = htons(spec.source_port);
  tcp.dest = htons(spec.destination_port);
  tcp.doff = sizeof tcp / 4;
  ip.tot_len = htons(
      static_cast<std::uint16_t>(sizeof ip + spec.options + sizeof tcp + spec.payload.size()));
  std::string frame(reinterpret_cast<const char*>(&ethernet), sizeof ethernet);
  frame.append(reinterpret_cast<const char*>(&ip), sizeof ip);
  frame.append(spec.options, '\1');
  frame.append(reinterpret_cast<const char*>(&tcp), sizeof tcp);
  return frame + spec.payload;
}

// A socket filter's result is how many bytes are kept: TC_ACT_SHOT is 2, "go on" is all of them.
bool Drops(const PacketMatch& match, Hook hook, const std::string& frame) {
  auto program = DropProgram(match, hook);
  if (!program.ok()) {
    ADD_FAILURE() << program.status();
    return false;
  }
  int ends[2];
  EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
  const Fd in(ends[0]);
  const Fd out(ends[1]);
  const sock_fprog filter{static_cast<unsigned short>(program->size()), program->data()};
  EXPECT_EQ(setsockopt(out.get(), SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter), 0);
  EXPECT_EQ(send(in.get(), frame.data(), frame.size(), 0), static_cast<ssize_t>(frame.size()));
  char buffer[4096];
  const ssize_t got = recv(out.get(), buffer, sizeof buffer, MSG_DONTWAIT);
  EXPECT_TRUE(got == 2 || got == static_cast<ssize_t>(frame.size())) << got;
  return got == 2;
}

TEST(DropProgram, MatchesThePeerOnTheSideThatTheHookSees) {
  const PacketMatch match{.peers = {"10.0.0.1"}};
  EXPECT_TRUE(Drops(match, Hook::kIngress, Frame({})));
  EXPECT_FALSE(Drops(match, Hook::kEgress, Frame({})));
  EXPECT_TRUE(Drops(match, Hook::kEgress, Frame({.destination = "10.0.0.1"})));
  EXPECT_FALSE(Drops(match, Hook::kIngress, Frame({.source = "10.0.0.3"})));
}

TEST(DropProgram, MatchesNetworksAndAnyOfManyPeers) {
  EXPECT_TRUE(Drops({.peers = {"10.0.0.128/24"}}, Hook::kIngress, Frame({})));
  EXPECT_FALSE(Drops({.peers = {"10.0.1.0/24"}}, Hook::kIngress, Frame({})));
  EXPECT_TRUE(Drops({.peers = {"0.0.0.0/0"}}, Hook::kIngress, Frame({})));
  PacketMatch many;
  for (int i = 0; i < 63; ++i) many.peers.push_back("10.1.0." + std::to_string(i));
  many.peers.push_back("10.0.0.1");
  many.ports = {1, 2, 26656};
  EXPECT_TRUE(Drops(many, Hook::kIngress, Frame({})));
}

TEST(DropProgram, MatchesPortsOnEitherSideBehindOptions) {
  const PacketMatch match{.protocol = Protocol::kTcp, .ports = {26656}};
  EXPECT_TRUE(Drops(match, Hook::kIngress, Frame({})));
  EXPECT_TRUE(Drops(match, Hook::kIngress, Frame({.options = 8})));
  EXPECT_TRUE(Drops(match, Hook::kEgress, Frame({.source_port = 26656, .destination_port = 9})));
  EXPECT_FALSE(Drops(match, Hook::kIngress, Frame({.destination_port = 26657})));
  EXPECT_FALSE(Drops(match, Hook::kIngress, Frame({.protocol = IPPROTO_UDP})));
  EXPECT_FALSE(Drops(match, Hook::kIngress, Frame({.fragment = 100}))) << "it has no ports";
  EXPECT_TRUE(Drops({.ports = {26656}}, Hook::kIngress, Frame({.protocol = IPPROTO_UDP})));
  EXPECT_FALSE(Drops({.ports = {26656}}, Hook::kIngress, Frame({.protocol = IPPROTO_ICMP})));
}

TEST(DropProgram, WithoutConditionsDropsEverything) {
  EXPECT_TRUE(Drops({}, Hook::kIngress, Frame({.protocol = IPPROTO_ICMP})));
}

TEST(DropProgram, RefusesWhatIsNoAddress) {
  for (const char* peer : {"paw-node", "10.0.0", "10.0.0.1/33", "10.0.0.1/x", "::1"}) {
    EXPECT_TRUE(absl::IsInvalidArgument(DropProgram({.peers = {peer}}, Hook::kEgress).status()))
        << peer;
  }
}

TEST(Capture, TellsPlaintextFromTls) {
  const CaptureRequest request{.port = 26656, .address = "10.0.0.1", .marker = {"secret"}};
  CaptureResult result;
  const auto count = [&](const FrameSpec& spec) {
    const std::string frame = Frame(spec);
    CountPacket(frame, frame.size(), request, result);
  };
  count({.payload = ""});
  count({.payload = "GET /secret HTTP/1.1\r\n"});
  count({.payload = std::string("\x17\x03\x03\x00\x10", 5)});
  count({.destination_port = 80});
  count({.source = "10.9.9.9"});
  EXPECT_EQ(result.packets, 3);
  EXPECT_EQ(result.payload_segments, 2);
  EXPECT_EQ(result.http_segments, 1);
  EXPECT_EQ(result.tls_segments, 1);
  EXPECT_EQ(result.marker_segments, 1);
}

TEST(Capture, SurvivesDamagedFrames) {
  const std::string frame = Frame({.options = 8});
  for (std::size_t size = 0; size < frame.size(); ++size) {
    const auto packet = ParseFrame(std::string_view(frame).substr(0, size));
    if (packet) {
      EXPECT_LE(packet->payload.size(), size);
    }
  }
}

}  // namespace
}  // namespace pawk8s::agent
