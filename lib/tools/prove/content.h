// What of an object its owner decides, as opposed to what controllers and the API server add: that
// is what is compared, and what is put back.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace pawk8s::prove {

// Without status, uid, versions, times, and the annotations that controllers keep.
[[nodiscard]] nlohmann::json ContentOf(const nlohmann::json& object);

// One place where two contents differ. Lists are taken as a whole.
struct Difference {
  nlohmann::json::json_pointer at;
  std::optional<nlohmann::json> value;  // empty: it is not there
};
// Where `after` differs from `before`, with the values of `after`.
[[nodiscard]] std::vector<Difference> DifferencesOf(const nlohmann::json& before,
                                                    const nlohmann::json& after);
// The first place where `content` does not have what the differences say; empty if it has all.
[[nodiscard]] std::optional<std::string> FirstNotIn(const nlohmann::json& content,
                                                    const std::vector<Difference>& differences);

// `before` as an update of `live`: same identity, the annotations that controllers keep are live's.
[[nodiscard]] nlohmann::json UpdateTo(const nlohmann::json& before, const nlohmann::json& live);
// `before` as a new object: without what ties it to the one that is gone.
[[nodiscard]] nlohmann::json NewFrom(const nlohmann::json& before);

// The value at "status.conditions[type=Ready].status", or at "/status/readyReplicas"; nothing if
// it is not there.
[[nodiscard]] std::optional<nlohmann::json> ValueAt(const nlohmann::json& object,
                                                    const std::string& path);

}  // namespace pawk8s::prove
