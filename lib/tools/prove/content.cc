#include "prove/content.h"

#include <cstddef>
#include <string_view>
#include <utility>

namespace pawk8s::prove {
namespace {

using nlohmann::json;

// Written by the Deployment controller, for itself.
constexpr const char* kRevision = "deployment.kubernetes.io/revision";
// Written by the volume controller: on a new claim they would say that it was bound and is lost.
constexpr std::string_view kBound = "pv.kubernetes.io/";

void EraseEmpty(json& in, const char* key) {
  if (in.contains(key) && in[key].empty()) in.erase(key);
}

void Collect(const json& before, const json& after, const json::json_pointer& at,
             std::vector<Difference>& differences) {
  if (before == after) return;
  if (!before.is_object() || !after.is_object()) {
    differences.push_back({at, after});
    return;
  }
  for (const auto& [key, value] : before.items()) {
    if (!after.contains(key)) differences.push_back({at / key, std::nullopt});
  }
  for (const auto& [key, value] : after.items()) {
    if (!before.contains(key)) {
      differences.push_back({at / key, value});
    } else {
      Collect(before.at(key), value, at / key, differences);
    }
  }
}

// The element of a list that "[type=Ready]" or "[0]" selects.
const json* Select(const json& list, std::string_view selector) {
  if (!list.is_array()) return nullptr;
  const auto equals = selector.find('=');
  if (equals == selector.npos) {
    std::size_t index = 0;
    for (const char c : selector) {
      if (c < '0' || c > '9' || index > list.size()) return nullptr;
      index = index * 10 + static_cast<std::size_t>(c - '0');
    }
    return selector.empty() || index >= list.size() ? nullptr : &list[index];
  }
  const std::string key(selector.substr(0, equals));
  const std::string value(selector.substr(equals + 1));
  for (const json& one : list) {
    if (one.is_object() && one.contains(key) && one[key] == value) return &one;
  }
  return nullptr;
}

}  // namespace

json ContentOf(const json& object) {
  json content = object;
  if (!content.is_object()) return content;
  content.erase("status");
  if (!content.contains("metadata")) return content;
  json metadata = json::object();
  for (const char* key :
       {"name", "namespace", "labels", "annotations", "finalizers", "ownerReferences"}) {
    if (content["metadata"].contains(key)) metadata[key] = content["metadata"][key];
  }
  if (metadata.contains("annotations")) metadata["annotations"].erase(kRevision);
  EraseEmpty(metadata, "annotations");
  EraseEmpty(metadata, "labels");
  content["metadata"] = std::move(metadata);
  return content;
}

std::vector<Difference> DifferencesOf(const json& before, const json& after) {
  std::vector<Difference> differences;
  Collect(before, after, json::json_pointer(), differences);
  return differences;
}

std::optional<std::string> FirstNotIn(const json& content,
                                      const std::vector<Difference>& differences) {
  for (const Difference& difference : differences) {
    const bool there = content.contains(difference.at);
    if (there != difference.value.has_value() ||
        (there && content.at(difference.at) != *difference.value)) {
      return difference.at.to_string();
    }
  }
  return std::nullopt;
}

json UpdateTo(const json& before, const json& live) {
  json object = ContentOf(before);
  const json& metadata = live.at("metadata");
  for (const char* key : {"uid", "resourceVersion"}) {
    if (metadata.contains(key)) object["metadata"][key] = metadata[key];
  }
  const json::json_pointer revision = json::json_pointer() / "metadata" / "annotations" / kRevision;
  if (live.contains(revision)) object[revision] = live.at(revision);
  return object;
}

json NewFrom(const json& before) {
  json object = ContentOf(before);
  json& metadata = object["metadata"];
  if (metadata.contains("annotations")) {
    json kept = json::object();
    for (const auto& [key, value] : metadata["annotations"].items()) {
      if (!key.starts_with(kBound)) kept[key] = value;
    }
    metadata["annotations"] = std::move(kept);
    EraseEmpty(metadata, "annotations");
  }
  const json::json_pointer manual("/spec/manualSelector");
  if (object.value("kind", "") == "Job" &&
      !(object.contains(manual) && object.at(manual) == true)) {
    // Made by the API server from the uid of the Job that is gone.
    object["spec"].erase("selector");
    const json::json_pointer labels("/spec/template/metadata/labels");
    if (object.contains(labels)) {
      for (const char* key : {"controller-uid", "batch.kubernetes.io/controller-uid", "job-name",
                              "batch.kubernetes.io/job-name"}) {
        object[labels].erase(key);
      }
    }
  }
  return object;
}

std::optional<json> ValueAt(const json& object, const std::string& path) {
  if (path.starts_with('/')) {
    try {
      const json::json_pointer at(path);
      return object.contains(at) ? std::optional(object.at(at)) : std::nullopt;
    } catch (const json::exception&) {
      return std::nullopt;
    }
  }
  const json* value = &object;
  for (std::string_view rest = path; !rest.empty();) {
    if (rest.front() == '[') {
      const auto end = rest.find(']');
      if (end == rest.npos) return std::nullopt;
      value = Select(*value, rest.substr(1, end - 1));
      rest.remove_prefix(end + 1);
    } else {
      const auto end = rest.find_first_of(".[");
      const std::string key(rest.substr(0, end));
      value = value->is_object() && value->contains(key) ? &(*value)[key] : nullptr;
      rest.remove_prefix(end == rest.npos ? rest.size() : end);
    }
    if (value == nullptr) return std::nullopt;
    if (!rest.empty() && rest.front() == '.') rest.remove_prefix(1);
  }
  return *value;
}

}  // namespace pawk8s::prove
