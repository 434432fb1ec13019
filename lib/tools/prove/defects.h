// The defects that prove a case: how to break the deployment so that the case must turn red.
//
//   - id: INF-POD-02
//     defect: readinessProbe initialDelaySeconds is 90
//     plant: [a list of steps, see steps.h]
//     settle: 10s                # or a wait; before the case runs; may be left out
//     lift: auto                 # or steps, done before every object is put back as it was
//     names: paw-validator-      # what the first line of the failure must contain
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "prove/steps.h"
#include "prove/variables.h"

namespace pawk8s::prove {

struct Defect {
  std::string id;      // of the case that must catch it
  std::string defect;  // in words
  std::vector<Step> plant;
  std::vector<Step> lift;  // done before what `auto` does
  std::optional<Step> settle;
  std::string names;  // what the first line of the failure must contain
  std::string where;  // "file:line"

  // Changes with anything that the defect says: a proof of it is a proof of that text.
  [[nodiscard]] std::string Digest() const;
};

// Reads a list of defects with the variables put in. InvalidArgument "file:line: what" for a
// mistake: an unknown key, step or variable, an argument that is missing or of the wrong type, a
// step that cannot be lifted by itself and has no `lift`, the same defect twice.
[[nodiscard]] absl::StatusOr<std::vector<Defect>> LoadDefects(const std::filesystem::path& file,
                                                              const Variables& variables);

}  // namespace pawk8s::prove
