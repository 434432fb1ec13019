// Which defects are meant, and what was proved of them before.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/catalogue/catalogue.h"
#include "prove/defects.h"
#include "prove/prove.h"

namespace pawk8s::prove {

struct Selected {
  CatalogueCase entry;
  std::string phase;
  Defect defect;
};

// In the catalogue's order. InvalidArgument for an id that is no case, suite or phase, and for a
// defect of a case that the catalogue does not have; FailedPrecondition for a case that was named
// and has no defect.
[[nodiscard]] absl::StatusOr<std::vector<Selected>> Select(const ProveOptions& options,
                                                           const Variables& variables);

// prove.json: the proofs of one cluster.
[[nodiscard]] absl::Status WriteProofs(const std::filesystem::path& folder,
                                       const std::string& cluster_uid,
                                       const std::vector<Proof>& proofs);
// Empty if there is no such file. FailedPrecondition if it is of another cluster.
[[nodiscard]] absl::StatusOr<std::vector<Proof>> ReadProofs(const std::filesystem::path& folder,
                                                            const std::string& cluster_uid);

}  // namespace pawk8s::prove
