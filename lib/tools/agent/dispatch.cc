#include "dispatch.h"

#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <cerrno>

#include "absl/strings/strip.h"
#include "cgroups.h"
#include "connection.h"
#include "files.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

// Calls `answer` with the typed request if the verb is its own.
template <class T, class Answer>
bool Try(const Request& request, absl::StatusOr<Json>& to, Answer&& answer) {
  if (request.verb != T::kVerb) return false;
  const absl::StatusOr<T> typed = Decode<T>(request.args);
  if (!typed.ok()) {
    to = absl::InvalidArgumentError(fmt::format("{}: {}", request.verb, MessageOf(typed.status())));
    return true;
  }
  const absl::StatusOr<typename T::Result> result = answer(*typed);
  if (result.ok()) {
    to = Encode(*result);
  } else {
    to = Annotate(result.status(), request.verb);
  }
  return true;
}

PingResult Ping(const Node& node, const Keeper& keeper) {
  PingResult result{.protocol = kProtocol,
                    .cgroups = CgroupLayout(node),
                    .wall_ms = WallMillis(),
                    .faults = keeper.Pending()};
  const auto boot_id = ReadFile(node.proc + "/sys/kernel/random/boot_id");
  result.boot_id = boot_id.ok() ? std::string(absl::StripAsciiWhitespace(*boot_id)) : "";
  utsname name{};
  if (::uname(&name) == 0) result.kernel = name.release;
  const auto lacks = [](long call) { return call < 0 && errno == ENOSYS; };
  if (lacks(::syscall(SYS_openat2, -1, nullptr, nullptr, 0))) {
    result.missing.emplace_back("openat2 (Linux 5.6): verbs on files");
  }
  if (lacks(::syscall(SYS_pidfd_open, -1, 0))) {
    result.missing.emplace_back("pidfd (Linux 5.3): signals, freezing");
  }
  if (result.cgroups == "none") result.missing.emplace_back("a cgroup filesystem: cgroup verbs");
  return result;
}

absl::StatusOr<Json> Unknown(const Request& request) {
  return absl::InvalidArgumentError(fmt::format("there is no verb '{}'", request.verb));
}

}  // namespace

bool IsForResident(const Request& request) {
  for (const char* verb :
       {PingRequest::kVerb, ArmRequest::kVerb, RevertRequest::kVerb, FaultsRequest::kVerb}) {
    if (request.verb == verb) return true;
  }
  return false;
}

absl::StatusOr<Json> AnswerAsResident(const Node& node, Keeper& keeper, const Request& request) {
  absl::StatusOr<Json> answer = Unknown(request);
  const bool done =
      Try<PingRequest>(request, answer, [&](const auto&) { return Ping(node, keeper); }) ||
      Try<ArmRequest>(request, answer, [&](const auto& r) { return keeper.Arm(r); }) ||
      Try<RevertRequest>(request, answer, [&](const auto& r) { return keeper.Revert(r.id); }) ||
      Try<FaultsRequest>(request, answer, [&](const auto&) { return keeper.List(); });
  return done ? answer : Unknown(request);
}

absl::StatusOr<Json> AnswerHere(const Node& node, const Request& request) {
  absl::StatusOr<Json> answer = Unknown(request);
  const auto with = [&](auto function) {
    return [&node, function](const auto& typed) { return function(node, typed); };
  };
  const bool done = Try<SignalRequest>(request, answer, with(Signal)) ||
                    Try<ProcessFactsRequest>(request, answer, with(ReadProcessFacts)) ||
                    Try<MountFactsRequest>(request, answer, with(ReadMountFacts)) ||
                    Try<CgroupFactsRequest>(request, answer, with(ReadCgroupFacts)) ||
                    Try<StatvfsRequest>(request, answer, with(Statvfs)) ||
                    Try<FileDigestRequest>(request, answer, with(Digest)) ||
                    Try<FileReadRequest>(request, answer, with(ReadContent)) ||
                    Try<FileRemoveRequest>(request, answer, with(RemoveFile)) ||
                    Try<FsyncWriterRequest>(request, answer, with(RunWriter)) ||
                    Try<DialRequest>(request, answer, with(Dial)) ||
                    Try<HttpRequest>(request, answer, with(RunHttp)) ||
                    Try<DnsRequest>(request, answer, with(AskDns)) ||
                    Try<CaptureRequest>(request, answer, with(Capture));
  return done ? answer : Unknown(request);
}

}  // namespace pawk8s::agent
