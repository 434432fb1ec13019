// Counts what passes an interface: enough to tell plaintext from TLS, without keeping a packet.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "connection.h"
#include "packet.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

bool LooksLikeTls(std::string_view payload) {
  // Content type 20 to 23, then version 3.x.
  return payload.size() >= 3 && payload[0] >= 20 && payload[0] <= 23 && payload[1] == 3 &&
         payload[2] <= 4;
}

bool LooksLikeHttp(std::string_view payload) {
  for (const char* start : {"GET ", "POST ", "PUT ", "HEAD ", "DELETE ", "OPTIONS ", "PATCH ",
                            "HTTP/1.", "PRI * HTTP/2"}) {
    if (payload.starts_with(start)) return true;
  }
  return false;
}

}  // namespace

void CountPacket(std::string_view frame, std::size_t wire_size, const CaptureRequest& request,
                 CaptureResult& result) {
  const auto packet = ParseFrame(frame);
  if (!packet) return;
  if (request.port && packet->source_port != *request.port &&
      packet->destination_port != *request.port) {
    return;
  }
  if (request.address && packet->source != *request.address &&
      packet->destination != *request.address) {
    return;
  }
  ++result.packets;
  result.bytes += static_cast<std::int64_t>(wire_size);
  if (packet->protocol != IPPROTO_TCP || packet->payload.empty()) return;
  ++result.payload_segments;
  if (LooksLikeTls(packet->payload)) ++result.tls_segments;
  if (LooksLikeHttp(packet->payload)) ++result.http_segments;
  const std::string& marker = request.marker.data;
  if (!marker.empty() && packet->payload.find(marker) != std::string_view::npos) {
    ++result.marker_segments;
  }
}

std::optional<Packet> ParseFrame(std::string_view frame) {
  if (frame.size() < sizeof(ethhdr) + sizeof(iphdr)) return std::nullopt;
  ethhdr ethernet;
  std::memcpy(&ethernet, frame.data(), sizeof ethernet);
  if (ntohs(ethernet.h_proto) != ETH_P_IP) return std::nullopt;
  frame.remove_prefix(sizeof ethernet);
  iphdr ip;
  std::memcpy(&ip, frame.data(), sizeof ip);
  const std::size_t ip_size = ip.ihl * 4u;
  const std::size_t total = ntohs(ip.tot_len);
  if (ip.version != 4 || ip_size < sizeof ip || frame.size() < ip_size) return std::nullopt;
  // A frame may be padded; a segment that is still to be cut by the card may say 0.
  if (total >= ip_size && total < frame.size()) frame = frame.substr(0, total);
  char text[INET_ADDRSTRLEN];
  Packet packet{.protocol = ip.protocol};
  packet.source = ::inet_ntop(AF_INET, &ip.saddr, text, sizeof text);
  packet.destination = ::inet_ntop(AF_INET, &ip.daddr, text, sizeof text);
  frame.remove_prefix(ip_size);
  const bool first_fragment = (ntohs(ip.frag_off) & 0x1fff) == 0;
  if (!first_fragment || frame.size() < 4 ||
      (ip.protocol != IPPROTO_TCP && ip.protocol != IPPROTO_UDP)) {
    return packet;
  }
  std::uint16_t ports[2];
  std::memcpy(ports, frame.data(), sizeof ports);
  packet.source_port = ntohs(ports[0]);
  packet.destination_port = ntohs(ports[1]);
  std::size_t header = 8;  // UDP's
  if (ip.protocol == IPPROTO_TCP) {
    if (frame.size() < sizeof(tcphdr)) return packet;
    tcphdr tcp;
    std::memcpy(&tcp, frame.data(), sizeof tcp);
    header = tcp.doff * 4u;
  }
  if (frame.size() >= header) packet.payload = frame.substr(header);
  return packet;
}

absl::StatusOr<int> InterfaceIndex(int socket, const std::string& name) {
  ifreq request{};
  name.copy(request.ifr_name, IFNAMSIZ - 1);
  if (::ioctl(socket, SIOCGIFINDEX, &request) != 0) {
    return errno == ENODEV ? absl::NotFoundError(fmt::format("there is no interface '{}'", name))
                           : ErrnoStatus(errno, "looking for interface " + name);
  }
  return request.ifr_ifindex;
}

absl::StatusOr<CaptureResult> Capture(const Node& node, const CaptureRequest& request) {
  if (request.address) {
    ASSIGN_OR_RETURN(const Address address, ParseAddress(*request.address, 0));
    if (address.storage.ss_family != AF_INET) {
      return absl::InvalidArgumentError("only IPv4 packets are looked at");
    }
  }
  // Protocol 0 receives nothing; bind() sets the real one together with the interface.
  ASSIGN_OR_RETURN(const Fd fd,
                   SocketIn(node, request.place, AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, 0));
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_protocol = htons(ETH_P_ALL);
  ASSIGN_OR_RETURN(address.sll_ifindex, InterfaceIndex(fd.get(), request.interface));
  const int buffer = 8 << 20;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof buffer);
  if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
    return ErrnoStatus(errno, "listening on interface " + request.interface);
  }
  CaptureResult result;
  std::string frame(262144, '\0');
  const std::int64_t until = MonotonicMicros() + request.duration_ms * 1000;
  for (;;) {
    const std::int64_t left = until - MonotonicMicros();
    if (left <= 0) break;
    pollfd one{.fd = fd.get(), .events = POLLIN};
    if (::poll(&one, 1, static_cast<int>((left + 999) / 1000)) <= 0) continue;
    const ssize_t got = ::recv(fd.get(), frame.data(), frame.size(), MSG_TRUNC);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got < 0) return ErrnoStatus(errno, "capturing on interface " + request.interface);
    const auto size = static_cast<std::size_t>(got);
    CountPacket(std::string_view(frame).substr(0, size), size, request, result);
  }
  tpacket_stats stats{};
  socklen_t size = sizeof stats;
  if (::getsockopt(fd.get(), SOL_PACKET, PACKET_STATISTICS, &stats, &size) == 0) {
    result.lost = stats.tp_drops;
  }
  return result;
}

}  // namespace pawk8s::agent
