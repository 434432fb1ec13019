#include "pawk8s/kube/exec.h"

#include <fmt/format.h>

#include <cstdlib>
#include <utility>

#include "pawk8s/base/status.h"

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

ExecStream::ExecStream(std::unique_ptr<net::WebSocket> socket, std::string what)
    : socket_(std::move(socket)), what_(std::move(what)) {}

absl::StatusOr<ExecStream> ExecStream::Open(const Client& client, const ExecRequest& request,
                                            const Deadline& deadline) {
  std::string what =
      fmt::format("exec '{}' in {}/{}", fmt::join(request.argv, " "), request.ns, request.pod);
  if (request.argv.empty()) return absl::InvalidArgumentError(what + ": no command is given");
  auto opened =
      client.OpenStream(PathOf(request), {"v5.channel.k8s.io", "v4.channel.k8s.io"}, deadline);
  if (!opened.ok()) return Annotate(opened.status(), what);
  ExecStream stream(*std::move(opened), std::move(what));
  if (request.input) RETURN_IF_ERROR(stream.Write(*request.input, deadline));
  return stream;
}

absl::Status ExecStream::Write(std::string_view input, const Deadline& deadline) {
  for (std::size_t at = 0; at < input.size(); at += kPiece) {
    const std::string message = std::string(1, kStdin).append(input.substr(at, kPiece));
    const absl::Status sent = socket_->Write(message, deadline);
    if (absl::IsDeadlineExceeded(sent) || absl::IsCancelled(sent)) return Annotate(sent, what_);
    if (!sent.ok()) break;
  }
  return absl::OkStatus();
}

absl::Status ExecStream::CloseInput(const Deadline& deadline) {
  if (socket_->subprotocol() != "v5.channel.k8s.io") {
    return absl::InvalidArgumentError(
        what_ + ": the API server cannot end the command's input (it needs Kubernetes 1.29)");
  }
  const absl::Status sent = socket_->Write(std::string{kClose, kStdin}, deadline);
  if (absl::IsDeadlineExceeded(sent) || absl::IsCancelled(sent)) return Annotate(sent, what_);
  return absl::OkStatus();
}

absl::StatusOr<ExecStream::Piece> ExecStream::Read(const Deadline& deadline) {
  for (;;) {
    const absl::StatusOr<std::string> message = socket_->Read(deadline);
    if (!message.ok()) {
      if (absl::IsDeadlineExceeded(message.status()) || absl::IsCancelled(message.status())) {
        return Annotate(message.status(), what_);
      }
      // The exit code may come before the last output, on its own channel: the end is the server's
      // closing of the connection.
      if (!ended_) {
        return absl::UnavailableError(
            fmt::format("{}: the connection ended without an exit code: {}", what_,
                        MessageOf(message.status())));
      }
      if (!ended_->ok()) return ended_->status();
      return Piece{.ended = **ended_};
    }
    // Channels are announced by empty messages.
    if (message->size() < 2) continue;
    std::string bytes = message->substr(1);
    switch (message->front()) {
      case kStdout:
        return Piece{.out = std::move(bytes)};
      case kStderr:
        return Piece{.err = std::move(bytes)};
      case kError:
        ended_ = ExitCode(bytes, what_);
        break;
      default:
        break;  // the close signals of v5
    }
  }
}

absl::StatusOr<ExecResult> Exec(const Client& client, const ExecRequest& request,
                                const Deadline& deadline) {
  ASSIGN_OR_RETURN(ExecStream stream, ExecStream::Open(client, request, deadline));
  if (request.input) RETURN_IF_ERROR(stream.CloseInput(deadline));
  ExecResult result;
  for (;;) {
    ASSIGN_OR_RETURN(const ExecStream::Piece piece, stream.Read(deadline));
    if (piece.ended) {
      result.exit_code = *piece.ended;
      return result;
    }
    result.out += piece.out;
    result.err += piece.err;
  }
}

}  // namespace pawk8s::kube
