// The one table of the profile's keys. Loader, writer and docs/profile.md are made from it, so that
// a key is added in one line.
#pragma once

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "pawk8s/deployment/profile.h"

namespace pawk8s {

// Where a value goes, and with that what it must look like.
struct TextValue {
  enum class Form { kAny, kName, kPath };
  std::string* to;
  Form form;
};
using KeyTarget =
    std::variant<std::monostate, TextValue, bool*, int*, std::uint16_t*, Millis*, Bytes*, Percent*,
                 WorkloadKind*, std::vector<std::string>*, std::vector<int>*>;

struct ProfileKey {
  enum class Presence {
    kRequired,  // without it there is no profile
    kNamed,     // has no default; the cases that use it are blocked without it
    kDefault,
  };
  std::string path;  // "thresholds.pod_ready"
  KeyTarget at;      // std::monostate: a group of keys
  std::string about;
  Presence presence = Presence::kDefault;
  std::string otherwise = {};  // the default, as the file has it
  std::string cases = {};      // which use it, of those that fail or are blocked by it alone
  int low = 1;
  int high = 1'000'000;

  [[nodiscard]] bool IsGroup() const { return std::holds_alternative<std::monostate>(at); }
  [[nodiscard]] bool IsList() const;
  [[nodiscard]] bool HasDefault() const { return presence == Presence::kDefault; }
  [[nodiscard]] bool Serves(std::string_view id) const;
  // The last part of the path.
  [[nodiscard]] std::string_view Name() const;
  // "a duration such as 250ms, 30s or 4m"
  [[nodiscard]] std::string Wanted() const;
  // Sets the value; false if `items` are not what is wanted. Exactly one item unless it is a list.
  [[nodiscard]] bool Set(const std::vector<std::string>& items) const;
  // The value as Set() takes it; of a list "[a, b]".
  [[nodiscard]] std::string Text() const;
  [[nodiscard]] bool IsEmpty() const;
};

// The keys of `profile`, each group before what is in it, in the order in which they are written.
[[nodiscard]] std::vector<ProfileKey> KeysOf(Profile& profile);

}  // namespace pawk8s
