// pawk8s init: the draft of a profile.
#include <fmt/format.h>

#include <filesystem>

#include "exit_code.h"
#include "pawk8s/base/status.h"
#include "pawk8s/discovery/discovery.h"
#include "pawk8s/kube/kubeconfig.h"
#include "profile_commands.h"

namespace pawk8s {
namespace {

constexpr std::chrono::seconds kBudget{180};

// Whatever stands in the way, the system could not be observed.
int Unseen(const absl::Status& status) {
  fmt::print(stderr, "pawk8s: {}\n", MessageOf(status));
  return kUnreachable;
}

}  // namespace

int Init(const InitOptions& options) {
  const auto config =
      kube::Kubeconfig::Load({.path = options.kubeconfig, .context = options.context});
  if (!config.ok()) return Unseen(config.status());
  kube::Client client(*config);
  DiscoverOptions discover{.ns = options.ns, .context = options.context};
  if (!options.kubeconfig.empty()) {
    discover.kubeconfig = std::filesystem::absolute(options.kubeconfig).string();
  }
  const auto draft = Discover(client, discover, Deadline::After(kBudget));
  if (!draft.ok()) return Unseen(draft.status());
  int guessed = 0;
  int missing = 0;
  for (const auto& [path, line] : *draft) {
    if (!line.value) ++missing;
    if (line.value && !line.note.empty()) ++guessed;
  }
  fmt::print("{}", WriteProfile(
                       fmt::format("Draft of a profile for {}, context '{}', made by pawk8s init. "
                                   "Check what is marked 'guessed', fill in what is marked 'NOT "
                                   "FOUND', and open under `allow` what the suite may do. Keys "
                                   "that are not here have a default: docs/profile.md.",
                                   config->server, config->context),
                       *draft));
  fmt::print(stderr, "pawk8s: {} values found, of which {} guessed; {} not found\n",
             draft->size() - static_cast<std::size_t>(missing), guessed, missing);
  return kPass;
}

}  // namespace pawk8s
