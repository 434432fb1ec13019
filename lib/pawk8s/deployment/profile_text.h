// Profiles as text: what `pawk8s init` prints, what docs/profile.md says, and how a file is brought
// to the form in which every key stands with its explanation.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "absl/status/statusor.h"

namespace pawk8s {

// One key of a written profile.
struct ProfileLine {
  std::optional<std::string> value;  // none: the key is written as a remark, NOT FOUND
  std::string note;                  // said instead of the key's explanation
};
using ProfileLines = std::map<std::string, ProfileLine>;  // by path

// The keys of `lines` in the table's order, in their groups, each with its explanation or note,
// below `head`, which is written as remarks.
[[nodiscard]] std::string WriteProfile(const std::string& head, const ProfileLines& lines);

// The values of a profile's text, whether or not it could be loaded: variables may be unreplaced
// and keys missing. InvalidArgument if it is no YAML map or has an unknown key.
[[nodiscard]] absl::StatusOr<ProfileLines> ReadLines(const std::string& text);

// Every key with its default, meaning and cases, in Markdown.
[[nodiscard]] std::string ProfileReference();

// A scalar as YAML, in quotes where it would otherwise be taken for something else.
[[nodiscard]] std::string YamlText(const std::string& text);

}  // namespace pawk8s
