// What discovery has found so far, by key of the profile.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "pawk8s/deployment/profile_text.h"

namespace pawk8s {

class Findings {
 public:
  // Verified, by behaviour or by a reference that Kubernetes itself follows.
  void Sure(const std::string& path, const std::string& value);
  void Guess(const std::string& path, const std::string& value, const std::string& why);
  void Missing(const std::string& path, const std::string& look_for);

  // The candidates that fit: one is sure, several are a guess for the first, none is missing.
  void OneOf(const std::string& path, std::vector<std::string> candidates,
             const std::string& look_for);

  [[nodiscard]] const ProfileLines& lines() const { return lines_; }

 private:
  ProfileLines lines_;
};

}  // namespace pawk8s
