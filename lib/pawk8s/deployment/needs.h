// What cases need of a deployment beyond that it is there, and which of it this one has.
#pragma once

#include <map>
#include <string>

#include "pawk8s/deployment/deployment.h"

namespace pawk8s {

// need -> "present", or why it is not: kNotProvided and more if the profile declares it so, else
// what was found. A need that is not in the map cannot be probed. Reads only.
[[nodiscard]] std::map<std::string, std::string> ProbeNeeds(Deployment& paw,
                                                            const Deadline& deadline);

}  // namespace pawk8s
