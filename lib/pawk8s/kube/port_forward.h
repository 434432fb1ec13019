// A TCP connection into a pod's own network namespace, through the API server.
//
//   net::HttpClient rpc({.dial = kube::DialPod(client, "paw", "paw-validator-0", 26657)});
//   ASSIGN_OR_RETURN(const auto status, rpc.Send({.url = "http://pod/status"}, deadline));
//
// NetworkPolicies and a mesh do not get in its way. HTTP keep-alive works on top: the client dials
// once and again only when the connection has ended.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/kube/client.h"
#include "pawk8s/net/conduit.h"

namespace pawk8s::kube {

// One connection to one port. The destructor closes it and returns promptly.
class PortForward final : public net::Conduit {
 public:
  // Errors are those of Client. The API server accepts a forward before it connects to the port:
  // that nothing listens there is seen at the first read (EOF) and in status().
  [[nodiscard]] static absl::StatusOr<std::unique_ptr<PortForward>> Open(const Client& client,
                                                                         const std::string& ns,
                                                                         const std::string& pod,
                                                                         std::uint16_t port,
                                                                         const Deadline& deadline);
  ~PortForward() override;

  // The local end; reads as EOF once the connection has ended.
  [[nodiscard]] int fd() const override;
  // "port-forward to paw/paw-validator-0:26657: <why it ended>"
  [[nodiscard]] absl::Status status() const override;

  // How many exist in this process: a check for leaks.
  [[nodiscard]] static int LiveCount();

 private:
  class Impl;
  explicit PortForward(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// For HttpOptions::dial and WebSocketOptions::dial. Keeps a clone of `client`.
[[nodiscard]] net::Dial DialPod(const Client& client, std::string ns, std::string pod,
                                std::uint16_t port);

}  // namespace pawk8s::kube
