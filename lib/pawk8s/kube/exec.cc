#include "pawk8s/kube/exec.h"

#include <fmt/format.h>

#include <cstdlib>
#include <optional>

#include "pawk8s/base/status.h"
#include "pawk8s/net/websocket.h"

namespace pawk8s::kube {
namespace {

// RFC 6455 messages whose first byte is the channel (remotecommand, v4 and v5).
constexpr char kStdin = 0;
constexpr char kStdout = 1;
constexpr char kStderr = 2;
constexpr char kError = 3;
constexpr char kClose = '\xff';  // v5 only: the next byte is the channel that ends

constexpr std::size_t kPiece = 32768;

std::string PathOf(const ExecRequest& request) {
  std::string path = ObjectRef{kPods, request.ns, request.pod, "exec"}.Path();
  path += fmt::format("?stdout=true&stderr=true&stdin={}", request.input.has_value());
  if (!request.container.empty()) path += "&container=" + net::UrlEscape(request.container);
  for (const std::string& arg : request.argv) path += "&command=" + net::UrlEscape(arg);
  return path;
}

absl::Status SendInput(net::WebSocket& socket, const std::string& input, const Deadline& deadline) {
  for (std::size_t at = 0; at < input.size(); at += kPiece) {
    RETURN_IF_ERROR(socket.Write(std::string(1, kStdin) + input.substr(at, kPiece), deadline));
  }
  return socket.Write(std::string{kClose, kStdin}, deadline);
}

// The error channel carries one metav1.Status at the end.
absl::StatusOr<int> ExitCode(std::string_view message, std::string_view what) {
  const Json json = Json::parse(message, nullptr, /*allow_exceptions=*/false);
  const auto status = FindString(json, {"status"});
  if (status == "Success") return 0;
  if (FindString(json, {"reason"}) == "NonZeroExitCode") {
    for (const Json& cause : FindList(json, {"details", "causes"})) {
      if (FindString(cause, {"reason"}) != "ExitCode") continue;
      return std::atoi(FindString(cause, {"message"}).value_or("").c_str());
    }
  }
  if (!status) {
    return absl::DataLossError(
        fmt::format("{}: the end is no Status: {}", what, std::string(message.substr(0, 100))));
  }
  return absl::FailedPreconditionError(fmt::format(
      "{}: {}", what, FindString(json, {"message"}).value_or("the command did not start")));
}

}  // namespace

absl::StatusOr<ExecResult> Exec(const Client& client, const ExecRequest& request,
                                const Deadline& deadline) {
  const std::string what =
      fmt::format("exec '{}' in {}/{}", fmt::join(request.argv, " "), request.ns, request.pod);
  if (request.argv.empty()) return absl::InvalidArgumentError(what + ": no command is given");
  auto opened =
      client.OpenStream(PathOf(request), {"v5.channel.k8s.io", "v4.channel.k8s.io"}, deadline);
  if (!opened.ok()) return Annotate(opened.status(), what);
  net::WebSocket& socket = **opened;
  if (request.input) {
    if (socket.subprotocol() != "v5.channel.k8s.io") {
      return absl::InvalidArgumentError(
          what + ": the API server cannot end the command's input (it needs Kubernetes 1.29)");
    }
    // A command may end before it has read everything: its exit code says what that means.
    const absl::Status sent = SendInput(socket, *request.input, deadline);
    if (absl::IsDeadlineExceeded(sent) || absl::IsCancelled(sent)) return Annotate(sent, what);
  }

  // The exit code may come before the last output, on its own channel: the end is the server's
  // closing of the connection.
  ExecResult result;
  std::optional<absl::StatusOr<int>> ended;
  for (;;) {
    const absl::StatusOr<std::string> message = socket.Read(deadline);
    if (!message.ok()) {
      if (absl::IsDeadlineExceeded(message.status()) || absl::IsCancelled(message.status())) {
        return Annotate(message.status(), what);
      }
      if (!ended) {
        return absl::UnavailableError(
            fmt::format("{}: the connection ended without an exit code: {}", what,
                        MessageOf(message.status())));
      }
      if (!ended->ok()) return ended->status();
      result.exit_code = **ended;
      return result;
    }
    if (message->empty()) continue;
    const std::string_view bytes = std::string_view(*message).substr(1);
    switch (message->front()) {
      case kStdout:
        result.out += bytes;
        break;
      case kStderr:
        result.err += bytes;
        break;
      case kError:
        // Channels are announced by empty messages.
        if (!bytes.empty()) ended = ExitCode(bytes, what);
        break;
      default:
        break;  // the close signals of v5
    }
  }
}

}  // namespace pawk8s::kube
