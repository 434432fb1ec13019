#include "pawk8s/deployment/profile.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <fstream>
#include <map>
#include <optional>
#include <sstream>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/profile_keys.h"

namespace pawk8s {
namespace {

constexpr std::size_t kMaxFile = 1 << 20;

// Where and why reading stopped; caught in Parse().
struct BadProfile {
  int line;
  std::string what;
};

int LineOf(const YAML::Node& node) { return node.Mark().line + 1; }

// One pass over the file; each key is looked up in the table.
class Reader {
 public:
  explicit Reader(const std::vector<ProfileKey>& keys) {
    for (const ProfileKey& key : keys) known_[key.path] = {&key, std::nullopt};
  }

  void ReadMap(const YAML::Node& node, const std::string& path) {
    if (!node.IsMap()) {
      throw BadProfile{LineOf(node), (path.empty() ? "a profile" : path) + " must be a map"};
    }
    for (const auto& entry : node) {
      if (!entry.first.IsScalar()) throw BadProfile{LineOf(entry.first), "a key must be text"};
      const auto name = entry.first.as<std::string>();
      const std::string at = path.empty() ? name : path + "." + name;
      const auto found = known_.find(at);
      // A dot within a name would look like a group.
      if (found == known_.end() || name.find('.') != std::string::npos) {
        throw BadProfile{LineOf(entry.first), fmt::format("unknown key '{}'", at)};
      }
      if (found->second.line) {
        throw BadProfile{LineOf(entry.first),
                         fmt::format("'{}' stands in line {} already", at, *found->second.line)};
      }
      if (entry.second.IsNull()) continue;  // as if it were not there
      found->second.line = LineOf(entry.first);
      if (found->second.key->IsGroup()) {
        ReadMap(entry.second, at);
      } else {
        ReadValue(*found->second.key, entry.second);
      }
    }
  }

  void DemandRequired(int top_line) const {
    for (const auto& [path, entry] : known_) {
      if (entry.key->presence != ProfileKey::Presence::kRequired || entry.line) continue;
      // The nearest group that is there tells where to add it.
      int line = top_line;
      for (std::size_t dot = path.find('.'); dot != std::string::npos;
           dot = path.find('.', dot + 1)) {
        line = known_.at(path.substr(0, dot)).line.value_or(line);
      }
      throw BadProfile{line, fmt::format("'{}' is missing: {}", path, entry.key->about)};
    }
  }

 private:
  struct Entry {
    const ProfileKey* key = nullptr;
    std::optional<int> line;
  };

  static void ReadValue(const ProfileKey& key, const YAML::Node& node) {
    std::vector<std::string> items;
    if (key.IsList() && node.IsSequence()) {
      for (const auto& item : node) {
        if (!item.IsScalar()) Refuse(key, item, "");
        items.push_back(item.as<std::string>());
      }
    } else if (node.IsScalar() && !key.IsList()) {
      items.push_back(node.as<std::string>());
    } else {
      Refuse(key, node, "");
    }
    for (const std::string& item : items) {
      if (item.find("${") != std::string::npos) {
        throw BadProfile{LineOf(node),
                         fmt::format("{} still holds the variable {}", key.path, item)};
      }
    }
    if (!key.Set(items)) {
      Refuse(key, node, fmt::format(", it is '{}'", fmt::join(items, ", ")));
    }
  }

  [[noreturn]] static void Refuse(const ProfileKey& key, const YAML::Node& node,
                                  const std::string& is) {
    throw BadProfile{LineOf(node), fmt::format("{} must be {}{}", key.path, key.Wanted(), is)};
  }

  std::map<std::string, Entry> known_;
};

void CheckTogether(const Profile& profile) {
  const auto& t = profile.thresholds;
  if (t.persistent_volume.expand_to <= t.persistent_volume.expand_from) {
    throw BadProfile{1, "thresholds.persistent_volume.expand_to must be more than expand_from"};
  }
  if (t.rollback.signed_blocks > t.rollback.signed_window) {
    throw BadProfile{1, "thresholds.rollback.signed_blocks must be at most signed_window"};
  }
}

}  // namespace

std::string WorkloadRef::ToString() const {
  return fmt::format("{} {}/{}", kind == WorkloadKind::kStatefulSet ? "StatefulSet" : "Deployment",
                     ns, name);
}

Profile::Profile() {
  for (const ProfileKey& key : KeysOf(*this)) {
    if (key.IsGroup() || !key.HasDefault()) continue;
    std::vector<std::string> items = {key.otherwise};
    if (key.IsList()) {
      items.clear();
      std::istringstream list(key.otherwise.substr(1, key.otherwise.size() - 2));
      for (std::string item; std::getline(list >> std::ws, item, ',');) items.push_back(item);
    }
    if (!key.Set(items)) std::abort();  // a default in the table that is not of its own type
  }
}

absl::StatusOr<Profile> Profile::Parse(const std::string& text, const std::string& file) {
  if (text.size() > kMaxFile) {
    return absl::InvalidArgumentError(fmt::format("{}: longer than 1 MiB is no profile", file));
  }
  try {
    Profile profile;
    const std::vector<ProfileKey> keys = KeysOf(profile);
    const YAML::Node root = YAML::Load(text);
    Reader reader(keys);
    reader.ReadMap(root, "");
    reader.DemandRequired(LineOf(root));
    CheckTogether(profile);
    profile.validators.ns = profile.nodes.ns = profile.api.ns = profile.ns;
    profile.file = file;
    return profile;
  } catch (const BadProfile& bad) {
    return absl::InvalidArgumentError(fmt::format("{}:{}: {}", file, bad.line, bad.what));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        fmt::format("{}:{}: {}", file, error.mark.line + 1, error.msg));
  }
}

absl::StatusOr<Profile> Profile::Load(const std::filesystem::path& file) {
  if (std::error_code error; !std::filesystem::is_regular_file(file, error)) {
    return absl::NotFoundError(fmt::format("there is no profile {}", file.string()));
  }
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  if (!in) return absl::UnavailableError(fmt::format("cannot read {}", file.string()));
  return Parse(text.str(), std::filesystem::absolute(file).string());
}

absl::StatusOr<Profile> Profile::FromEnvironment() {
  const char* file = std::getenv("PAWK8S_PROFILE");
  if (file == nullptr || *file == '\0') {
    return absl::FailedPreconditionError(
        "no profile: set PAWK8S_PROFILE to the profile of the deployment to verify");
  }
  return Load(file);
}

std::string Profile::WhatIsUnnamedFor(std::string_view id) const {
  Profile copy = *this;
  std::vector<std::string> unnamed;
  for (const ProfileKey& key : KeysOf(copy)) {
    if (key.presence == ProfileKey::Presence::kNamed && key.IsEmpty() && key.Serves(id)) {
      unnamed.push_back(fmt::format("{} ({})", key.path, key.about));
    }
  }
  if (unnamed.empty()) return "";
  return fmt::format("{} does not say {}", file, fmt::join(unnamed, ", nor "));
}

}  // namespace pawk8s
