// One small file a fault, replaced as a whole: what is read is what was written last.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace pawk8s::agent {

// Returns once the content is on the disk.
[[nodiscard]] absl::Status StoreFile(const std::string& folder, const std::string& name,
                                     std::string_view content);
[[nodiscard]] absl::Status RemoveStored(const std::string& folder, const std::string& name);
// Names of the files in `folder` that end in `suffix`, sorted.
[[nodiscard]] std::vector<std::string> ListStored(const std::string& folder,
                                                  std::string_view suffix);

}  // namespace pawk8s::agent
