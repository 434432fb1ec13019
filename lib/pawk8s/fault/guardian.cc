#include "pawk8s/fault/guardian.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <string_view>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/fault/faults.h"
#include "pawk8s/kube/kubeconfig.h"
#include "pawk8s/net/detached.h"

namespace pawk8s::fault {
namespace {

using kube::Json;

constexpr std::string_view kArgument = "--pawk8s-guardian";
constexpr std::chrono::minutes kPersistence{10};

std::int64_t MillisOf(WallTime when) {
  return std::chrono::duration_cast<Millis>(when.time_since_epoch()).count();
}

// The messages of the runner, as whole lines; poll()ed, so that deadlines are kept meanwhile.
class Lines {
 public:
  // Waits for at most `timeout`. False once the runner's end is closed and all lines are taken.
  bool Wait(Millis timeout) {
    pollfd in{.fd = STDIN_FILENO, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&in, 1, static_cast<int>(timeout.count()));
    if (ready <= 0) return true;
    std::array<char, 4096> some{};
    const ssize_t got = ::read(STDIN_FILENO, some.data(), some.size());
    if (got > 0) text_.append(some.data(), static_cast<std::size_t>(got));
    return got > 0 || (got < 0 && errno == EINTR);
  }
  std::optional<std::string> Next() {
    const auto end = text_.find('\n');
    if (end == std::string::npos) return std::nullopt;
    std::string line = text_.substr(0, end);
    text_.erase(0, end + 1);
    return line;
  }

 private:
  std::string text_;
};

absl::Status TakeBackEntries(const GuardianSetup& setup,
                             const std::map<std::string, std::int64_t>& ids) {
  ASSIGN_OR_RETURN(const kube::Kubeconfig config,
                   kube::Kubeconfig::Load({.path = setup.kubeconfig, .context = setup.context}));
  kube::Client client(config);
  Ledger ledger(client, setup.ledger_ns, setup.deployment);
  agent::Agent agents(client, {.ns = setup.agent_ns});
  return Lift(
      client, ledger, RevertThrough(agents),
      [&](const LedgerEntry& entry) { return ids.contains(entry.id); },
      Deadline::After(kPersistence));
}

int LiveAsGuardian(const std::string& setup_text) {
  const Json json = Json::parse(setup_text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return 2;
  const GuardianSetup setup{.kubeconfig = json.value("kubeconfig", ""),
                            .context = json.value("context", ""),
                            .ledger_ns = json.value("ledger_ns", ""),
                            .deployment = json.value("deployment", ""),
                            .agent_ns = json.value("agent_ns", "")};
  Lines lines;
  std::map<std::string, std::int64_t> armed;  // id -> expiry in ms since the epoch
  bool runner_lives = true;
  while (true) {
    while (const auto line = lines.Next()) {
      const Json message = Json::parse(*line, nullptr, false);
      if (!message.is_object()) continue;
      if (message.contains("watch")) armed[message["watch"]] = message.value("expires", 0LL);
      if (message.contains("forget")) armed.erase(message["forget"].get<std::string>());
    }
    if (!runner_lives) break;
    // Its deadlines have a grace: the runner itself is to keep them.
    constexpr std::int64_t kGraceMillis = 5000;
    const std::int64_t now = MillisOf(std::chrono::system_clock::now());
    std::map<std::string, std::int64_t> late;
    for (const auto& [id, expires] : armed) {
      if (now > expires + kGraceMillis) late[id] = expires;
    }
    if (!late.empty()) {
      // Forgotten whether or not it worked: what is left stands in the ledger.
      IgnoreError(TakeBackEntries(setup, late), "nobody is there to be told; the ledger has it");
      for (const auto& [id, expires] : late) armed.erase(id);
    }
    runner_lives = lines.Wait(Millis{500});
  }
  if (armed.empty()) return 0;
  return TakeBackEntries(setup, armed).ok() ? 0 : 5;
}

}  // namespace

Guardian::~Guardian() {
  if (pipe_ >= 0) ::close(pipe_);
}

absl::Status Guardian::Start() {
  const Json setup = {{"kubeconfig", setup_.kubeconfig},
                      {"context", setup_.context},
                      {"ledger_ns", setup_.ledger_ns},
                      {"deployment", setup_.deployment},
                      {"agent_ns", setup_.agent_ns}};
  ASSIGN_OR_RETURN(pipe_,
                   net::StartDetached({"/proc/self/exe", std::string(kArgument), setup.dump()}));
  return absl::OkStatus();
}

absl::Status Guardian::Tell(const std::string& line) const {
  const std::string text = line + "\n";
  // Shorter than PIPE_BUF, so written as a whole or not at all.
  if (::write(pipe_, text.data(), text.size()) == static_cast<ssize_t>(text.size())) {
    return absl::OkStatus();
  }
  return absl::UnavailableError(
      fmt::format("the guardian process cannot be told: {}", std::strerror(errno)));
}

absl::Status Guardian::Watch(const LedgerEntry& entry) {
  if (pipe_ < 0) RETURN_IF_ERROR(Start());
  return Tell(Json{{"watch", entry.id}, {"expires", MillisOf(entry.expires)}}.dump());
}

void Guardian::Forget(const std::string& id) {
  if (pipe_ >= 0) IgnoreError(Tell(Json{{"forget", id}}.dump()), "it finds nothing to take back");
}

std::optional<int> RunGuardianIfAsked(int argc, char** argv) {
  if (argc != 3 || argv[1] != kArgument) return std::nullopt;
  return LiveAsGuardian(argv[2]);
}

}  // namespace pawk8s::fault
