// The defects that prove a case: how to break the deployment so that the case must turn red.
#pragma once

#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/profile.h"
#include "pawk8s/kube/client.h"

namespace pawk8s {

struct PlantStep {
  enum class Kind { kPatch, kWaitObserved, kWaitRollout };
  Kind kind = Kind::kPatch;
  std::string object;  // "StatefulSet paw/paw-validator"
  kube::ObjectRef ref;
  kube::PatchType patch_type = kube::PatchType::kStrategic;
  nlohmann::json body;
  Millis within{120'000};
};

struct Defect {
  std::string id;      // of the case that must catch it
  std::string defect;  // in words
  std::vector<PlantStep> plant;
  std::string names;  // what the first line of the failure must contain
};

// Reads a list of defects with the profile's names put in. InvalidArgument with file and line for
// an unknown key, step, kind or variable.
[[nodiscard]] absl::StatusOr<std::vector<Defect>> LoadDefects(const std::filesystem::path& file,
                                                              const Profile& profile);

}  // namespace pawk8s
