// What a captured frame says.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pawk8s/agent/network_verbs.h"

namespace pawk8s::agent {

struct Packet {
  int protocol = 0;
  std::string source;
  std::string destination;
  std::int64_t source_port = 0;  // of TCP and UDP, 0 in later fragments
  std::int64_t destination_port = 0;
  std::string_view payload = {};  // into the frame
};

// Of an Ethernet frame with IPv4; nothing for any other.
[[nodiscard]] std::optional<Packet> ParseFrame(std::string_view frame);

void CountPacket(std::string_view frame, std::size_t wire_size, const CaptureRequest& request,
                 CaptureResult& result);

// By the network namespace of the socket.
[[nodiscard]] absl::StatusOr<int> InterfaceIndex(int socket, const std::string& name);

}  // namespace pawk8s::agent
