// Names that hang on the roles: services, policies, files, volumes, DNS.
#pragma once

#include "pawk8s/discovery/findings.h"
#include "pawk8s/discovery/roles.h"

namespace pawk8s {

// Each adds its keys to `findings`. What may not be read counts as not found, and says why.
void FindPorts(const Roles& roles, Findings& findings);
void FindServices(kube::Client& client, const Roles& roles, Findings& findings,
                  const Deadline& deadline);
void FindPolicies(kube::Client& client, const Roles& roles, Findings& findings,
                  const Deadline& deadline);
void FindStorage(kube::Client& client, const Roles& roles, Findings& findings,
                 const Deadline& deadline);
void FindDns(kube::Client& client, const Roles& roles, Findings& findings,
             const Deadline& deadline);
// Genesis, configuration, keys and init containers.
void FindChainFiles(kube::Client& client, const Roles& roles, Findings& findings,
                    const Deadline& deadline);

// The program's home in the container that serves `port`.
void FindHome(const Member& member, const std::string& path, Findings& findings);

}  // namespace pawk8s
