#include "fake/store.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <sstream>

#include "pawk8s/base/clock.h"

namespace pawk8s::fake {
namespace {

using kube::FindField;
using kube::FindList;
using kube::FindMap;
using kube::FindString;

std::string Parameter(const Query& query, const std::string& key) {
  const auto found = query.find(key);
  return found == query.end() ? "" : found->second;
}

// Equality selectors: "a=b,c!=d,e".
bool Matches(const Query& query, const Json& object) {
  const auto labels = FindMap(object, {"metadata", "labels"});
  std::istringstream terms(Parameter(query, "labelSelector"));
  for (std::string term; std::getline(terms, term, ',');) {
    const std::size_t equals = term.find('=');
    const bool negated = equals != std::string::npos && equals > 0 && term[equals - 1] == '!';
    const auto found = labels.find(term.substr(0, negated ? equals - 1 : equals));
    const bool same = found != labels.end() &&
                      (equals == std::string::npos || found->second == term.substr(equals + 1));
    if (same == negated) return false;
  }
  const std::string field = Parameter(query, "fieldSelector");
  constexpr std::string_view kName = "metadata.name=";
  return !field.starts_with(kName) ||
         FindString(object, {"metadata", "name"}) == field.substr(kName.size());
}

bool InScope(const Target& target, const std::string& collection) {
  if (collection == target.collection) return true;
  Target other;
  return target.ns.empty() && ParseTarget(collection, &other) &&
         other.KindPrefix() == target.KindPrefix();
}

bool IsValidName(const std::string& name) {
  return !name.empty() && name.size() <= 253 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
}

std::string Now() { return FormatUtc(std::chrono::system_clock::now()).substr(0, 19) + "Z"; }

Answer Conflict(const Target& target) {
  return Failure(409, "Conflict",
                 fmt::format("Operation cannot be fulfilled on {} \"{}\": the object has been "
                             "modified; please apply your changes to the latest version",
                             target.resource, target.name));
}

Answer NotFound(const std::string& resource, const std::string& name) {
  return Failure(404, "NotFound", fmt::format("{} \"{}\" not found", resource, name));
}

// The field of a kind that an update may not change; empty if there is none.
std::string ImmutableField(const std::string& resource) {
  if (resource == "services") return "/spec/clusterIP";
  if (resource == "storageclasses") return "/parameters";
  if (resource == "resourcequotas") return "/spec/scopes";
  if (resource == "persistentvolumeclaims") return "/spec/accessModes";
  return resource == "statefulsets" ? "/spec/podManagementPolicy" : "";
}

bool ChangesImmutable(const std::string& resource, const Json& before, const Json& after) {
  const std::string field = ImmutableField(resource);
  if (field.empty()) return false;
  const Json::json_pointer at(field);
  const Json none;
  return (before.contains(at) ? before.at(at) : none) != (after.contains(at) ? after.at(at) : none);
}

}  // namespace

Answer Failure(int status, const std::string& reason, const std::string& message, Json causes) {
  Json body = {{"kind", "Status"},         {"apiVersion", "v1"}, {"status", "Failure"},
               {"message", message},       {"reason", reason},   {"code", status},
               {"details", Json::object()}};
  if (!causes.empty()) body["details"]["causes"] = std::move(causes);
  return {status, std::move(body)};
}

std::string Target::KindPrefix() const {
  if (ns.empty()) return collection;
  std::string prefix = collection;
  const std::string part = "/namespaces/" + ns;
  return prefix.erase(prefix.find(part), part.size());
}

bool ParseTarget(const std::string& path, Target* target) {
  std::vector<std::string> parts;
  std::istringstream stream(path);
  for (std::string part; std::getline(stream, part, '/');) {
    if (!part.empty()) parts.push_back(part);
  }
  const std::size_t root = !parts.empty() && parts[0] == "api" ? 2 : 3;
  if (parts.size() <= root || (parts[0] != "api" && parts[0] != "apis")) return false;
  *target = {};
  std::size_t at = root;
  // /api/v1/namespaces/x is a Namespace, /api/v1/namespaces/x/pods a collection in it.
  if (parts[at] == "namespaces" && parts.size() > at + 2) {
    target->ns = parts[at + 1];
    at += 2;
  }
  for (std::size_t i = 0; i <= at; ++i) target->collection += "/" + parts[i];
  target->resource = parts[at];
  if (parts.size() > at + 1) target->name = parts[at + 1];
  if (parts.size() > at + 2) target->subresource = parts[at + 2];
  return true;
}

Answer Store::Get(const Target& target) const {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(target.Key());
  return found == objects_.end() ? NotFound(target.resource, target.name)
                                 : Answer{200, found->second};
}

Answer Store::List(const Target& target, const Query& query) const {
  const std::lock_guard lock(mutex_);
  const std::string limit_text = Parameter(query, "limit");
  const std::size_t limit = limit_text.empty() ? SIZE_MAX : std::stoul(limit_text);
  const std::string after = Parameter(query, "continue");
  Json items = Json::array();
  std::string next;
  for (const auto& [key, object] : objects_) {
    if (!after.empty() && key <= after) continue;
    if (!InScope(target, key.substr(0, key.rfind('/'))) || !Matches(query, object)) continue;
    if (items.size() == limit) {
      next = items.empty() ? "" : FindString(items.back(), {"fakeKey"}).value_or("");
      break;
    }
    Json item = object;
    item.erase("kind");
    item.erase("apiVersion");
    item["fakeKey"] = key;
    items.push_back(std::move(item));
  }
  for (Json& item : items) item.erase("fakeKey");
  Json metadata = {{"resourceVersion", std::to_string(version_)}};
  if (!next.empty()) metadata["continue"] = next;
  return {200, {{"kind", "List"}, {"apiVersion", "v1"}, {"metadata", metadata}, {"items", items}}};
}

bool Store::NamespaceExists(const std::string& ns) const {
  return ns.empty() || objects_.contains("/api/v1/namespaces/" + ns);
}

Answer Store::Create(const Target& in, Json object, const Query& query) {
  const std::lock_guard lock(mutex_);
  Target target = in;
  target.name = FindString(object, {"metadata", "name"}).value_or("");
  if (!NamespaceExists(target.ns)) return NotFound("namespaces", target.ns);
  if (!IsValidName(target.name)) {
    return Failure(422, "Invalid",
                   fmt::format("{} \"{}\" is invalid: metadata.name: Invalid value",
                               target.resource, target.name),
                   Json::array({{{"reason", "FieldValueInvalid"},
                                 {"message", "Invalid value"},
                                 {"field", "metadata.name"}}}));
  }
  if (objects_.contains(target.Key())) {
    return Failure(409, "AlreadyExists",
                   fmt::format("{} \"{}\" already exists", target.resource, target.name));
  }
  Answer answer = Save(target, std::move(object), query);
  answer.status = 201;
  return answer;
}

Answer Store::Save(const Target& target, Json object, const Query& query) {
  const bool dry_run = Parameter(query, "dryRun") == "All";
  const auto before = objects_.find(target.Key());
  const bool is_new = before == objects_.end();
  Json& metadata = object["metadata"];
  metadata["name"] = target.name;
  if (!target.ns.empty()) metadata["namespace"] = target.ns;
  if (is_new) {
    metadata["uid"] = fmt::format("00000000-0000-4000-8000-{:012}", next_uid_++);
    metadata["creationTimestamp"] = Now();
    if (target.resource == "pods" && FindField(object, {"status"}) == nullptr) {
      object["status"] = {{"phase", "Running"},
                          {"conditions", Json::array({{{"type", "Ready"}, {"status", "True"}}})}};
    }
    // Its controller finds the pods of the one before.
    if (target.resource == "statefulsets" && !object.contains("status")) {
      object["status"] = {{"updateRevision", "r"}};
    }
  } else {
    metadata["uid"] = before->second["metadata"]["uid"];
    metadata["creationTimestamp"] = before->second["metadata"]["creationTimestamp"];
    metadata["resourceVersion"] = before->second["metadata"]["resourceVersion"];
    if (object == before->second) return {200, object};  // as the API server: no change, no event
    if (ChangesImmutable(target.resource, before->second, object)) {
      return Failure(422, "Invalid",
                     fmt::format("{} \"{}\" is invalid: {}: field is immutable", target.resource,
                                 target.name, ImmutableField(target.resource)));
    }
    if (metadata.contains("generation") && object["spec"] != before->second["spec"]) {
      metadata["generation"] = metadata["generation"].get<std::int64_t>() + 1;
    }
  }
  if (dry_run) return {200, object};
  metadata["resourceVersion"] = std::to_string(version_ + 1);
  objects_[target.Key()] = object;
  Record(is_new ? "ADDED" : "MODIFIED", target.collection, object);
  return {200, object};
}

Answer Store::Update(const Target& target, Json object, const Query& query) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(target.Key());
  if (found == objects_.end()) return NotFound(target.resource, target.name);
  const auto version = FindString(object, {"metadata", "resourceVersion"});
  if (version && version != FindString(found->second, {"metadata", "resourceVersion"})) {
    return Conflict(target);
  }
  // Of most kinds, status is a subresource: what an update says of it does not count.
  if (found->second.contains("status")) object["status"] = found->second["status"];
  return Save(target, std::move(object), query);
}

Answer Store::Patch(const Target& target, const std::string& content_type, const Json& patch,
                    const Query& query) {
  const std::lock_guard lock(mutex_);
  if (content_type == "application/apply-patch+yaml") return Apply(target, patch, query);
  const auto found = objects_.find(target.Key());
  if (found == objects_.end()) return NotFound(target.resource, target.name);
  Json object = found->second;
  if (content_type == "application/json-patch+json") {
    try {
      object = object.patch(patch);
    } catch (const Json::exception& error) {
      return Failure(422, "Invalid",
                     std::string("the server rejected our request: ") + error.what());
    }
  } else {
    object.merge_patch(patch);  // strategic patches differ only in lists, which no test relies on
  }
  const auto version = FindString(patch, {"metadata", "resourceVersion"});
  if (version && version != FindString(found->second, {"metadata", "resourceVersion"})) {
    return Conflict(target);
  }
  return Save(target, std::move(object), query);
}

Answer Store::Apply(const Target& target, const Json& patch, const Query& query) {
  if (!NamespaceExists(target.ns)) return NotFound("namespaces", target.ns);
  const std::string manager = Parameter(query, "fieldManager");
  const bool force = Parameter(query, "force") == "true";
  const auto found = objects_.find(target.Key());
  const Json before = found == objects_.end() ? Json::object() : found->second;
  const Json flat = patch.flatten();
  Json causes = Json::array();
  for (const auto& [pointer, value] : flat.items()) {
    if (pointer.starts_with("/metadata/") || pointer == "/kind" || pointer == "/apiVersion")
      continue;
    std::string& owner = managers_[target.Key() + pointer];
    const Json::json_pointer at(pointer);
    if (!owner.empty() && owner != manager && !force &&
        (!before.contains(at) || before.at(at) != value)) {
      causes.push_back({{"reason", "FieldManagerConflict"},
                        {"message", fmt::format("conflict with \"{}\"", owner)},
                        {"field", pointer}});
      continue;
    }
    owner = manager;
  }
  if (!causes.empty()) {
    return Failure(409, "Conflict", fmt::format("Apply failed with {} conflicts", causes.size()),
                   std::move(causes));
  }
  Json object = before;
  object.merge_patch(patch);
  return Save(target, std::move(object), query);
}

Answer Store::Delete(const Target& target, const Json& options) {
  const std::lock_guard lock(mutex_);
  const auto found = objects_.find(target.Key());
  if (found == objects_.end()) return NotFound(target.resource, target.name);
  for (const std::string_view field : {"uid", "resourceVersion"}) {
    const auto wanted = FindString(options, {"preconditions", field});
    const auto actual = FindString(found->second, {"metadata", field});
    if (wanted && wanted != actual) {
      return Failure(409, "Conflict",
                     fmt::format("Precondition failed: {} in precondition: {}, {} in object meta: "
                                 "{}",
                                 field, *wanted, field, actual.value_or("")));
    }
  }
  Json object = found->second;
  if (!FindList(options, {"dryRun"}).empty()) return {200, object};
  objects_.erase(found);
  const std::string inside = "/namespaces/" + target.name + "/";
  if (target.resource == "namespaces") {
    std::erase_if(objects_,
                  [&](const auto& one) { return one.first.find(inside) != std::string::npos; });
  }
  object["metadata"]["resourceVersion"] = std::to_string(version_ + 1);
  Record("DELETED", target.collection, object);
  return {200, object};
}

Answer Store::Evict(const Target& pod) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = objects_.find(pod.Key());
    if (found == objects_.end()) return NotFound("pods", pod.name);
    const std::string budgets =
        fmt::format("/apis/policy/v1/namespaces/{}/poddisruptionbudgets/", pod.ns);
    for (const auto& [key, budget] : objects_) {
      if (!key.starts_with(budgets)) continue;
      const auto wanted = FindMap(budget, {"spec", "selector", "matchLabels"});
      const auto labels = FindMap(found->second, {"metadata", "labels"});
      const bool covers = std::includes(labels.begin(), labels.end(), wanted.begin(), wanted.end());
      if (!covers || kube::FindInt(budget, {"status", "disruptionsAllowed"}).value_or(0) > 0)
        continue;
      return Failure(
          429, "TooManyRequests",
          "Cannot evict pod as it would violate the pod's disruption budget.",
          Json::array({{{"reason", "DisruptionBudget"},
                        {"message", "The disruption budget does not allow this eviction now"}}}));
    }
  }
  const Answer deleted = Delete(pod, Json::object());
  if (deleted.status != 200) return deleted;
  return {201, {{"kind", "Status"}, {"apiVersion", "v1"}, {"status", "Success"}}};
}

void Store::Put(const std::string& path, Json object) {
  const std::lock_guard lock(mutex_);
  Target target;
  if (!ParseTarget(path, &target)) return;
  const bool is_new = !objects_.contains(target.Key());
  object["metadata"]["resourceVersion"] = std::to_string(version_ + 1);
  objects_[target.Key()] = object;
  Record(is_new ? "ADDED" : "MODIFIED", target.collection, object);
}

void Store::Record(const std::string& type, const std::string& collection, const Json& object) {
  events_.push_back({++version_, type, collection, object});
  changed_.notify_all();
}

std::vector<Store::Event> Store::Await(const Target& target, const Query& query,
                                       std::uint64_t* version, bool* gone) {
  std::unique_lock lock(mutex_);
  *gone = *version < compacted_;
  if (*gone) return {};
  changed_.wait_for(lock, std::chrono::milliseconds(20), [&] { return version_ > *version; });
  std::vector<Event> matching;
  for (auto event = std::upper_bound(events_.begin(), events_.end(), *version,
                                     [](std::uint64_t v, const Event&e) { return v < e.version; });
       event != events_.end(); ++event) {
    if (InScope(target, event->collection) && Matches(query, event->object)) {
      matching.push_back(*event);
    }
  }
  *version = version_;
  return matching;
}

void Store::Compact() {
  const std::lock_guard lock(mutex_);
  compacted_ = version_ + 1;  // also a watch from the present version has to list again
  ++version_;
  events_.clear();
}

std::uint64_t Store::version() const {
  const std::lock_guard lock(mutex_);
  return version_;
}

}  // namespace pawk8s::fake
