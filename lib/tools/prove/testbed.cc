#include "prove/testbed.h"

#include <fmt/format.h>

#include <chrono>
#include <sstream>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/net/process.h"

namespace pawk8s::prove {
namespace {

// A component's start included.
constexpr std::chrono::seconds kLimit{90};

std::string Trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

Testbed::Testbed(const std::string& command) {
  std::istringstream words(command);
  for (std::string word; words >> word;) command_.push_back(word);
}

absl::StatusOr<std::string> Testbed::Run(std::vector<std::string> arguments,
                                         const std::string& input) const {
  if (command_.empty()) {
    return absl::FailedPreconditionError(
        fmt::format("refused: {} needs testbed.command in the profile", arguments.front()));
  }
  std::vector<std::string> argv = command_;
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  ASSIGN_OR_RETURN(const net::ProcessResult ran,
                   net::RunProcess({.argv = argv, .input = input}, Deadline::After(kLimit)));
  if (ran.exit_code == 0) return ran.out;
  return absl::UnavailableError(
      fmt::format("{} exited with {}: {}", fmt::join(argv, " "), ran.exit_code, Trimmed(ran.err)));
}

absl::StatusOr<std::string> Testbed::ReadComponentFile(const std::string& file) const {
  return Run({"read-component-file", file});
}

absl::Status Testbed::WriteComponentFile(const std::string& file, const std::string& component,
                                         const std::string& content) const {
  return Run({"write-component-file", file, component}, content).status();
}

absl::StatusOr<std::string> Testbed::ImageDigest(const std::string& image,
                                                 const std::string& tag) const {
  ASSIGN_OR_RETURN(std::string digest, Run({"image-digest", image + ":" + tag}));
  return Trimmed(std::move(digest));
}

absl::Status Testbed::TagImage(const std::string& image, const std::string& tag,
                               const std::string& digest) const {
  return Run({"tag-image", image + ":" + tag, digest}).status();
}

}  // namespace pawk8s::prove
