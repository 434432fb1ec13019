// docs/catalogue: a page a case, made from the catalogue, the profile's keys and the list of
// defects, so that it says nothing of its own.
#pragma once

#include <filesystem>
#include <string>

#include "absl/status/status.h"
#include "pawk8s/catalogue/catalogue.h"

namespace pawk8s {

// In Markdown. `defect` is how it is planted, as the list of defects has it; empty: it has none.
[[nodiscard]] std::string CasePage(const CatalogueCase& entry, std::string_view phase,
                                   const std::string& defect);

// Writes <id>.md for every case of `phase` into `folder`, with the defects of `defects`.
[[nodiscard]] absl::Status WriteCasePages(std::string_view phase,
                                          const std::filesystem::path& defects,
                                          const std::filesystem::path& folder);

}  // namespace pawk8s
