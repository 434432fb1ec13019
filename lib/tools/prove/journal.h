// The write-ahead record of what is planted: written before each change, so that a prove that was
// killed half-way can be lifted by the next one. Lies in the results folder, readable for its owner
// only, as it holds the objects as they were.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "prove/defects.h"

namespace pawk8s::prove {

class Journal {
 public:
  // FailedPrecondition while another defect is recorded in this folder.
  static absl::StatusOr<Journal> Begin(const std::filesystem::path& folder, const Defect& defect,
                                       const std::string& cluster_uid);
  // What an interrupted run left; nothing if it left nothing. FailedPrecondition while the process
  // that wrote it lives.
  static absl::StatusOr<std::optional<Journal>> Left(const std::filesystem::path& folder);

  [[nodiscard]] std::string id() const { return json_.at("id"); }
  [[nodiscard]] std::string defect() const { return json_.at("defect"); }
  [[nodiscard]] std::string cluster_uid() const { return json_.at("cluster_uid"); }
  [[nodiscard]] std::vector<Step> lift() const;

  // How to take back what is about to be done (undo.h): on disk when this returns.
  [[nodiscard]] absl::Status Add(nlohmann::json undo);
  [[nodiscard]] absl::Status Amend(std::size_t index, nlohmann::json undo);
  [[nodiscard]] const std::vector<nlohmann::json>& undos() const {
    return json_.at("undo").get_ref<const nlohmann::json::array_t&>();
  }

  // All is lifted.
  [[nodiscard]] absl::Status End() const;

 private:
  Journal(std::filesystem::path file, nlohmann::json json);
  [[nodiscard]] absl::Status Write() const;

  std::filesystem::path file_;
  nlohmann::json json_;
};

}  // namespace pawk8s::prove
