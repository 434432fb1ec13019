// Runs a command in a container, over WebSocket.
//
//   ASSIGN_OR_RETURN(const auto ran, kube::Exec(client, {.ns = "paw", .pod = "paw-validator-0",
//                                                       .argv = {"cat", "/etc/hostname"}},
//                                                       deadline));
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/kube/client.h"
#include "pawk8s/net/websocket.h"

namespace pawk8s::kube {

struct ExecRequest {
  std::string ns;
  std::string pod;
  std::string container = {};  // empty: the pod's default one
  std::vector<std::string> argv;
  std::optional<std::string> input = {};  // its standard input, closed at the end; none: no stdin
};

struct ExecResult {
  int exit_code = 0;
  std::string out;
  std::string err;
};

// Blocks until the command has ended. An exit code is data. Errors: those of Client for what the
// API server refuses; FailedPrecondition when the command could not be started (no such program,
// container not running); DeadlineExceeded and Cancelled (the command may still run); Unavailable
// when the connection broke before an exit code came.
// `input` is closed at its end only if the server speaks v5.channel.k8s.io; with an older one a
// command that reads to the end of its input is InvalidArgument.
[[nodiscard]] absl::StatusOr<ExecResult> Exec(const Client& client, const ExecRequest& request,
                                              const Deadline& deadline);

// A command to talk with. Not thread-safe; closing the connection ends the command's input.
class ExecStream {
 public:
  // Returns when the API server has accepted; whether the command could be started, Read() says.
  // Standard input is attached if `request.input` is set, whose content is sent first.
  static absl::StatusOr<ExecStream> Open(const Client& client, const ExecRequest& request,
                                         const Deadline& deadline);

  // To the standard input. A command may end before it has read everything: only Read() says why.
  [[nodiscard]] absl::Status Write(std::string_view input, const Deadline& deadline);
  // InvalidArgument when the server speaks only the older v4.channel.k8s.io.
  [[nodiscard]] absl::Status CloseInput(const Deadline& deadline);

  // What came next: one of the two, or neither and `ended`, after which nothing comes. With a
  // deadline that is over, what has already arrived, else DeadlineExceeded. Errors as Exec().
  struct Piece {
    std::string out;
    std::string err;
    std::optional<int> ended;  // the exit code
  };
  [[nodiscard]] absl::StatusOr<Piece> Read(const Deadline& deadline);

 private:
  ExecStream(std::unique_ptr<net::WebSocket> socket, std::string what);

  std::unique_ptr<net::WebSocket> socket_;
  std::string what_;
  std::optional<absl::StatusOr<int>> ended_;
};

}  // namespace pawk8s::kube
