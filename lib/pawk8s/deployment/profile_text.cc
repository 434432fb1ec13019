#include "pawk8s/deployment/profile_text.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <sstream>
#include <vector>

#include "pawk8s/deployment/profile_keys.h"

namespace pawk8s {
namespace {

constexpr std::size_t kColumns = 100;

// `text` as lines that begin with `indent` and "# ".
std::string Remark(const std::string& indent, const std::string& text) {
  std::string out;
  std::string line;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    if (!line.empty() && indent.size() + 3 + line.size() + word.size() > kColumns) {
      out += fmt::format("{}# {}\n", indent, line);
      line.clear();
    }
    line += line.empty() ? word : " " + word;
  }
  return line.empty() ? out : out + fmt::format("{}# {}\n", indent, line);
}

std::string Explanation(const ProfileKey& key) {
  if (!key.HasDefault() || key.otherwise.empty()) return key.about;
  return fmt::format("default: {}; {}", key.otherwise, key.about);
}

std::string Indent(const ProfileKey& key) {
  return std::string(2 * static_cast<std::size_t>(std::ranges::count(key.path, '.')), ' ');
}

std::string WriteGroup(const ProfileKey& group) {
  const std::string indent = Indent(group);
  const std::string line = fmt::format("{}{}:", indent, group.Name());
  if (indent.empty()) return "\n" + Remark("", group.about) + line + "\n";
  return fmt::format("{}  # {}\n", line, group.about);
}

std::string WriteKey(const ProfileKey& key, const ProfileLine& written) {
  const std::string indent = Indent(key);
  if (!written.value) {
    return Remark(indent, fmt::format("NOT FOUND: {}: {}", key.Name(), written.note));
  }
  const bool text = std::holds_alternative<TextValue>(key.at);
  const std::string line =
      fmt::format("{}{}: {}", indent, key.Name(), text ? YamlText(*written.value) : *written.value);
  const std::string remark = written.note.empty() ? Explanation(key) : written.note;
  const std::string top = indent.empty() ? "\n" : "";
  // A note is about this value and stays on its line; an explanation may go above.
  if (!written.note.empty() || line.size() + 4 + remark.size() <= kColumns) {
    return fmt::format("{}{}  # {}\n", top, line, remark);
  }
  return top + Remark(indent, remark) + line + "\n";
}

void Collect(const YAML::Node& map, const std::string& path,
             const std::map<std::string, const ProfileKey*>& known, ProfileLines& lines) {
  if (!map.IsMap()) throw YAML::Exception(map.Mark(), "must be a map: " + path);
  for (const auto& entry : map) {
    const auto at = (path.empty() ? "" : path + ".") + entry.first.as<std::string>();
    const auto found = known.find(at);
    if (found == known.end()) throw YAML::Exception(entry.first.Mark(), "unknown key " + at);
    if (entry.second.IsNull()) continue;
    if (found->second->IsGroup()) {
      Collect(entry.second, at, known, lines);
    } else if (entry.second.IsSequence()) {
      std::vector<std::string> items;
      for (const auto& item : entry.second) items.push_back(item.as<std::string>());
      lines[at] = {.value = fmt::format("[{}]", fmt::join(items, ", "))};
    } else {
      lines[at] = {.value = entry.second.as<std::string>()};
    }
  }
}

std::string CodeOr(const std::string& text, const char* otherwise) {
  return text.empty() ? otherwise : "`" + text + "`";
}

}  // namespace

std::string YamlText(const std::string& text) {
  const auto plain = [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '-' || c == '.' || c == '/' || c == '_';
  };
  // A word that can be nothing else: no number, no truth value, no list.
  const bool word = !text.empty() && std::ranges::all_of(text, plain) && text.front() != '-' &&
                    std::ranges::any_of(text, [](unsigned char c) { return std::isalpha(c); }) &&
                    text != "true" && text != "false" && text != "null";
  if (word) return text;
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      quoted += fmt::format("\\x{:02x}", c);
    } else {
      quoted += c;
    }
  }
  return quoted + '"';
}

std::string WriteProfile(const std::string& head, const ProfileLines& lines) {
  std::set<std::string> groups;
  for (const auto& [path, line] : lines) {
    for (std::size_t dot = path.find('.'); dot != std::string::npos;
         dot = path.find('.', dot + 1)) {
      groups.insert(path.substr(0, dot));
    }
  }
  Profile profile;
  std::string text = Remark("", head);
  for (const ProfileKey& key : KeysOf(profile)) {
    if (key.IsGroup()) {
      if (groups.contains(key.path)) text += WriteGroup(key);
    } else if (const auto found = lines.find(key.path); found != lines.end()) {
      text += WriteKey(key, found->second);
    }
  }
  return text;
}

absl::StatusOr<ProfileLines> ReadLines(const std::string& text) {
  Profile profile;
  const std::vector<ProfileKey> keys = KeysOf(profile);
  std::map<std::string, const ProfileKey*> known;
  for (const ProfileKey& key : keys) known[key.path] = &key;
  try {
    ProfileLines lines;
    Collect(YAML::Load(text), "", known, lines);
    return lines;
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(fmt::format("line {}: {}", error.mark.line + 1, error.msg));
  }
}

std::string ProfileReference() {
  Profile profile;
  std::string text =
      "# The profile\n\n"
      "<!-- Made by `pawk8s profile --reference`; change lib/pawk8s/deployment/profile_keys.cc. "
      "-->\n\n"
      "One YAML file says what a deployment is called, what the suite may do to it and what is\n"
      "demanded of it; `$PAWK8S_PROFILE` names it. `pawk8s init` prints a draft from a live "
      "cluster.\n"
      "A key that is unknown, missing or of the wrong type or unit is an error that names its "
      "line.\n\n"
      "*required*: there is no profile without it. *none*: may be left out, and the cases in the "
      "last\ncolumn are then blocked.\n";
  for (const ProfileKey& key : KeysOf(profile)) {
    // A top-level key that stands alone, or the keys of a group.
    const bool alone = !key.IsGroup() && key.path.find('.') == std::string::npos;
    if (key.IsGroup() || alone) {
      text += fmt::format("\n## {}\n\n{}", key.path, alone ? "" : key.about + "\n\n");
      text += "| key | default | what it is | cases |\n|---|---|---|---|\n";
    }
    if (key.IsGroup()) continue;
    const std::string otherwise = key.HasDefault() ? CodeOr(key.otherwise, "empty")
                                  : key.presence == ProfileKey::Presence::kRequired ? "*required*"
                                                                                    : "*none*";
    text += fmt::format("| `{}` | {} | {} | {} |\n", key.Name(), otherwise, key.about, key.cases);
  }
  return text;
}

}  // namespace pawk8s
