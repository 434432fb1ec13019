// What no API server can do: the files of the control plane's own programs, and the registry. Done
// by the command that the profile names in testbed.command; a cluster without one has neither.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace pawk8s::prove {

class Testbed {
 public:
  // `command`: a program and its arguments, separated by spaces; empty: there is none.
  explicit Testbed(const std::string& command);

  [[nodiscard]] bool Exists() const { return !command_.empty(); }

  // A file below the control plane's /etc/kubernetes.
  [[nodiscard]] absl::StatusOr<std::string> ReadComponentFile(const std::string& file) const;
  // Replaces it, starts the component anew and returns when that one serves.
  [[nodiscard]] absl::Status WriteComponentFile(const std::string& file,
                                                const std::string& component,
                                                const std::string& content) const;

  static constexpr const char* kNoImage = "none";
  // "sha256:...", or kNoImage if there is no such tag.
  [[nodiscard]] absl::StatusOr<std::string> ImageDigest(const std::string& image,
                                                        const std::string& tag) const;
  // Lets `image:tag` mean `digest`; kNoImage removes the tag.
  [[nodiscard]] absl::Status TagImage(const std::string& image, const std::string& tag,
                                      const std::string& digest) const;

 private:
  [[nodiscard]] absl::StatusOr<std::string> Run(std::vector<std::string> arguments,
                                                const std::string& input = "") const;

  std::vector<std::string> command_;
};

}  // namespace pawk8s::prove
