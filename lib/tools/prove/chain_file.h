// Editing the chain's own files where they lie: on the volume of a pod.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "absl/status/statusor.h"
#include "prove/site.h"

namespace pawk8s::prove {

// `text` of config.toml or app.toml with "consensus.timeout_commit" (table and key), or of
// genesis.json with "/app_state/..." (JSON pointers), set to the values. InvalidArgument for a key
// that is not there: it would be a mistake in the defect.
[[nodiscard]] absl::StatusOr<std::string> EditChainFile(const std::string& file,
                                                        const std::string& text,
                                                        const nlohmann::json& set);

struct PodFile {
  std::string ns;
  std::string pod;
  std::string container;
  std::string path;
};
[[nodiscard]] absl::StatusOr<std::string> ReadPodFile(Site& site, const PodFile& file,
                                                      const Deadline& deadline);
[[nodiscard]] absl::Status WritePodFile(Site& site, const PodFile& file, const std::string& text,
                                        const Deadline& deadline);
// Ends the container's first process and returns when the kubelet has started another: the volume
// stays, and init containers do not run again.
[[nodiscard]] absl::Status RestartContainer(Site& site, const PodFile& file,
                                            const Deadline& deadline);

}  // namespace pawk8s::prove
