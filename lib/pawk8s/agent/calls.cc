#include "pawk8s/agent/calls.h"

#include <fmt/format.h>

#include <utility>

#include "pawk8s/agent/daemon_set.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

constexpr const char* kProgram = "/pawk8s-agent";
constexpr std::size_t kMostIdle = 4;

Deadline AtOnce() { return Deadline::After(std::chrono::seconds(0)); }

// The pod that was found before may have been replaced since.
absl::Status Lost(const absl::Status& status) {
  const bool lost = absl::IsNotFound(status) || absl::IsFailedPrecondition(status);
  return lost ? absl::UnavailableError(status.message()) : status;
}

}  // namespace

Calls::Calls(std::shared_ptr<const kube::Client> client, std::string ns, std::string pod)
    : client_(std::move(client)), ns_(std::move(ns)), pod_(std::move(pod)) {}

absl::StatusOr<kube::ExecStream> Calls::Take(const Deadline& deadline) {
  {
    const std::lock_guard lock(mutex_);
    while (!idle_.empty()) {
      kube::ExecStream kept = std::move(idle_.back());
      idle_.pop_back();
      // It has nothing to say: anything but silence means that it is of no more use.
      if (absl::IsDeadlineExceeded(kept.Read(AtOnce()).status())) return kept;
    }
  }
  return kube::ExecStream::Open(*client_,
                                {.ns = ns_,
                                 .pod = pod_,
                                 .container = std::string(kContainer),
                                 .argv = {kProgram, "call"},
                                 .input = ""},
                                deadline);
}

void Calls::Keep(kube::ExecStream stream) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < kMostIdle) idle_.push_back(std::move(stream));
}

absl::StatusOr<std::string> Calls::Ask(const std::string& request, const Deadline& deadline) {
  absl::StatusOr<kube::ExecStream> stream = Take(deadline);
  if (!stream.ok()) return Lost(stream.status());
  RETURN_IF_ERROR(stream->Write(request + "\n", deadline));
  std::string answer;
  std::string complaint;
  while (!answer.ends_with('\n')) {
    const absl::StatusOr<kube::ExecStream::Piece> piece = stream->Read(deadline);
    if (!piece.ok()) return Lost(piece.status());
    if (piece->ended) {
      return absl::UnavailableError(
          fmt::format("it ended with exit code {}: {}", *piece->ended, complaint.substr(0, 300)));
    }
    answer += piece->out;
    complaint += piece->err;
  }
  answer.pop_back();
  Keep(*std::move(stream));
  return answer;
}

}  // namespace pawk8s::agent
