// What answers on a port of a pod, found by asking.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "pawk8s/chain/rpc.h"
#include "pawk8s/kube/client.h"
#include "pawk8s/kube/objects.h"

namespace pawk8s {

struct Door {
  std::uint16_t port = 0;
  std::optional<chain::NodeStatus> rpc;  // CometBFT RPC: what it says of itself
  std::string rest_network;              // Cosmos REST: the chain of which it speaks
  bool grpc = false;                     // HTTP/2 without TLS
  bool peers = false;                    // CometBFT's peer protocol
  bool metrics = false;                  // Prometheus' text format at /metrics
  bool metrics_everywhere = false;       // ... and at any path, as CometBFT serves it
  bool health = false;                   // a page /health, and none of the others
};

// RPC alone: quick, for telling a chain from everything else in a cluster.
[[nodiscard]] Door AskRpc(const kube::Client& client, const kube::Pod& pod, std::uint16_t port,
                          const Deadline& deadline);
// Everything that Door knows.
[[nodiscard]] Door AskAll(const kube::Client& client, const kube::Pod& pod, std::uint16_t port,
                          const Deadline& deadline);

}  // namespace pawk8s
