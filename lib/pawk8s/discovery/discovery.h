// What an unknown cluster's deployment is called: the draft of a profile.
//
//   ASSIGN_OR_RETURN(const ProfileLines draft, Discover(client, {}, deadline));
//   fmt::print("{}", WriteProfile("A draft", draft));
//
// Roles are found by how pods behave (who answers RPC, who signs blocks), everything else by how
// objects refer to each other; names decide nothing. Reads only, and leaves nothing behind.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/profile_text.h"
#include "pawk8s/kube/client.h"

namespace pawk8s {

struct DiscoverOptions {
  std::string ns;                   // empty: look for the chain everywhere
  std::string kubeconfig, context;  // as the draft is to name them
};

// A value that could not be verified has a note "guessed: why"; one that was not found has no text
// and a note that says what to look for. NotFound if no workload signs blocks; FailedPrecondition
// if there are chains in several namespaces; otherwise errors of the client.
[[nodiscard]] absl::StatusOr<ProfileLines> Discover(kube::Client& client,
                                                    const DiscoverOptions& options,
                                                    const Deadline& deadline);

}  // namespace pawk8s
