// One function a verb: what to send where. How it is sent is in client.cc.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/kube/client.h"
#include "pawk8s/kube/internal/client_impl.h"

namespace pawk8s::kube {
namespace internal {

std::string Query(const std::vector<std::pair<std::string_view, std::string>>& parameters) {
  std::string query;
  for (const auto& [key, value] : parameters) {
    if (value.empty()) continue;
    query += fmt::format("{}{}={}", query.empty() ? '?' : '&', key, net::UrlEscape(value));
  }
  return query;
}

}  // namespace internal

namespace {

using internal::Query;

std::string DryRun(bool dry_run) { return dry_run ? "All" : ""; }

std::string WriteQuery(const WriteOptions& options) {
  return Query({{"dryRun", DryRun(options.dry_run)}, {"fieldManager", options.field_manager}});
}

absl::Status CheckNamed(const ObjectRef& ref) {
  if (!ref.name.empty() && (ref.resource.namespaced == !ref.ns.empty())) return absl::OkStatus();
  return absl::InvalidArgumentError(fmt::format("{} '{}' needs a name and {} namespace",
                                                ref.resource.resource, ref.ToString(),
                                                ref.resource.namespaced ? "a" : "no"));
}

Json DeleteBody(const DeleteOptions& options) {
  Json body = {{"apiVersion", "v1"}, {"kind", "DeleteOptions"}};
  if (!options.uid.empty()) body["preconditions"]["uid"] = options.uid;
  if (!options.resource_version.empty()) {
    body["preconditions"]["resourceVersion"] = options.resource_version;
  }
  if (options.grace) body["gracePeriodSeconds"] = options.grace->count();
  if (options.dry_run) body["dryRun"] = Json::array({"All"});
  switch (options.propagation) {
    case Propagation::kDefault:
      break;
    case Propagation::kForeground:
      body["propagationPolicy"] = "Foreground";
      break;
    case Propagation::kBackground:
      body["propagationPolicy"] = "Background";
      break;
    case Propagation::kOrphan:
      body["propagationPolicy"] = "Orphan";
      break;
  }
  return body;
}

absl::StatusOr<Object> ToObject(absl::StatusOr<Json> json) {
  if (!json.ok()) return json.status();
  return Object(*std::move(json));
}

// Not UTF-8 would make dump() throw; the API server then says what is wrong.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace

absl::StatusOr<Object> Client::Get(const ObjectRef& ref, const Deadline& deadline) {
  RETURN_IF_ERROR(CheckNamed(ref));
  return ToObject(impl_->Ask({.path = ref.Path()}, deadline));
}

absl::StatusOr<ObjectList> Client::List(const Collection& collection, const Deadline& deadline,
                                        int page_size) {
  ObjectList list;
  std::string next;
  do {
    const std::string path =
        collection.Path() + Query({{"labelSelector", collection.label_selector},
                                   {"fieldSelector", collection.field_selector},
                                   {"limit", std::to_string(page_size)},
                                   {"continue", next}});
    ASSIGN_OR_RETURN(Json page, impl_->Ask({.path = path}, deadline));
    const auto version = FindString(page, {"metadata", "resourceVersion"});
    const Json* items = FindField(page, {"items"});
    if (!version || (items != nullptr && !items->is_array())) {
      return absl::DataLossError(
          fmt::format("GET {}: the answer is no list of {}", path, collection.resource.resource));
    }
    // Items of a list come without kind and apiVersion.
    if (items != nullptr) {
      for (Json& item : page["items"]) {
        if (!item.is_object()) {
          return absl::DataLossError(fmt::format("GET {}: an item is no JSON object", path));
        }
        item["kind"] = collection.resource.kind;
        item["apiVersion"] = collection.resource.ApiVersion();
        list.items.emplace_back(std::move(item));
      }
    }
    list.resource_version = *version;
    next = FindString(page, {"metadata", "continue"}).value_or("");
  } while (!next.empty());
  return list;
}

absl::StatusOr<Object> Client::Create(const Collection& in, const Json& object,
                                      const Deadline& deadline, const WriteOptions& options) {
  return ToObject(impl_->Ask(
      {.method = "POST", .path = in.Path() + WriteQuery(options), .body = Dump(object)}, deadline));
}

absl::StatusOr<Object> Client::CreateSub(const ObjectRef& ref, const Json& body,
                                         const Deadline& deadline, const WriteOptions& options) {
  RETURN_IF_ERROR(CheckNamed(ref));
  return ToObject(impl_->Ask(
      {.method = "POST", .path = ref.Path() + WriteQuery(options), .body = Dump(body)}, deadline));
}

absl::StatusOr<Object> Client::Update(const ObjectRef& ref, const Json& object,
                                      const Deadline& deadline, const WriteOptions& options) {
  RETURN_IF_ERROR(CheckNamed(ref));
  return ToObject(impl_->Ask(
      {.method = "PUT", .path = ref.Path() + WriteQuery(options), .body = Dump(object)}, deadline));
}

absl::StatusOr<Object> Client::Patch(const ObjectRef& ref, PatchType type, const Json& patch,
                                     const Deadline& deadline, const WriteOptions& options) {
  RETURN_IF_ERROR(CheckNamed(ref));
  const char* content_type = type == PatchType::kJson    ? "application/json-patch+json"
                             : type == PatchType::kMerge ? "application/merge-patch+json"
                                                         : "application/strategic-merge-patch+json";
  return ToObject(impl_->Ask({.method = "PATCH",
                              .path = ref.Path() + WriteQuery(options),
                              .body = Dump(patch),
                              .content_type = content_type},
                             deadline));
}

absl::StatusOr<Object> Client::Apply(const ObjectRef& ref, const Json& object,
                                     const Deadline& deadline, const ApplyOptions& options) {
  RETURN_IF_ERROR(CheckNamed(ref));
  const std::string path = ref.Path() + Query({{"dryRun", DryRun(options.dry_run)},
                                               {"fieldManager", options.field_manager},
                                               {"force", options.force ? "true" : ""}});
  // JSON is YAML.
  return ToObject(impl_->Ask({.method = "PATCH",
                              .path = path,
                              .body = Dump(object),
                              .content_type = "application/apply-patch+yaml"},
                             deadline));
}

absl::Status Client::Delete(const ObjectRef& ref, const Deadline& deadline,
                            const DeleteOptions& options) {
  RETURN_IF_ERROR(CheckNamed(ref));
  return impl_
      ->Ask({.method = "DELETE", .path = ref.Path(), .body = Dump(DeleteBody(options))}, deadline)
      .status();
}

absl::Status Client::Evict(const ObjectRef& pod, const Deadline& deadline,
                           const DeleteOptions& options) {
  RETURN_IF_ERROR(CheckNamed(pod));
  Json body = {{"apiVersion", "policy/v1"},
               {"kind", "Eviction"},
               {"metadata", {{"name", pod.name}, {"namespace", pod.ns}}},
               {"deleteOptions", DeleteBody(options)}};
  return impl_
      ->Ask({.method = "POST", .path = pod.Sub("eviction").Path(), .body = Dump(body)}, deadline)
      .status();
}

absl::StatusOr<std::string> Client::GetRaw(const std::string& path, const Deadline& deadline) {
  return impl_->Text({.path = path}, deadline);
}

absl::StatusOr<Json> Client::GetJson(const std::string& path, const Deadline& deadline) {
  return impl_->Ask({.path = path}, deadline);
}

absl::StatusOr<GroupVersionResource> Client::Discover(const std::string& api_version,
                                                      const std::string& kind,
                                                      const Deadline& deadline) {
  const bool core = api_version.find('/') == std::string::npos;
  ASSIGN_OR_RETURN(const Json list,
                   impl_->Ask({.path = (core ? "/api/" : "/apis/") + api_version}, deadline));
  for (const Json& one : FindList(list, {"resources"})) {
    const std::string plural = FindString(one, {"name"}).value_or("");
    if (FindString(one, {"kind"}) != kind || plural.find('/') != std::string::npos) continue;
    const std::size_t slash = api_version.find('/');
    return GroupVersionResource{core ? "" : api_version.substr(0, slash),
                                core ? api_version : api_version.substr(slash + 1), plural, kind,
                                FindBool(one, {"namespaced"}).value_or(true)};
  }
  return absl::NotFoundError(fmt::format(
      "the API server knows no kind {} in {}; is its CRD installed?", kind, api_version));
}

absl::StatusOr<std::string> Client::Logs(const ObjectRef& pod, const LogOptions& options,
                                         const Deadline& deadline) {
  RETURN_IF_ERROR(CheckNamed(pod));
  const std::string path =
      pod.Sub("log").Path() +
      Query({{"container", options.container},
             {"previous", options.previous ? "true" : ""},
             {"tailLines", options.tail_lines ? std::to_string(*options.tail_lines) : ""},
             {"sinceSeconds", options.since ? std::to_string(options.since->count()) : ""}});
  return impl_->Text({.path = path}, deadline);
}

absl::StatusOr<AccessReview> Client::Allowed(const Access& access, const Deadline& deadline) {
  const Json body = {{"apiVersion", "authorization.k8s.io/v1"},
                     {"kind", "SelfSubjectAccessReview"},
                     {"spec",
                      {{"resourceAttributes",
                        {{"verb", access.verb},
                         {"group", access.on.resource.group},
                         {"version", access.on.resource.version},
                         {"resource", access.on.resource.resource},
                         {"subresource", access.on.subresource},
                         {"namespace", access.on.ns},
                         {"name", access.on.name}}}}}};
  const std::string path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
  ASSIGN_OR_RETURN(const Json answer,
                   impl_->Ask({.method = "POST", .path = path, .body = Dump(body)}, deadline));
  const auto allowed = FindBool(answer, {"status", "allowed"});
  if (!allowed) return absl::DataLossError("POST " + path + ": the answer has no status.allowed");
  return AccessReview{*allowed, FindString(answer, {"status", "reason"}).value_or("")};
}

absl::StatusOr<UserInfo> Client::WhoAmI(const Deadline& deadline) {
  const Json body = {{"apiVersion", "authentication.k8s.io/v1"}, {"kind", "SelfSubjectReview"}};
  const std::string path = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
  ASSIGN_OR_RETURN(const Json answer,
                   impl_->Ask({.method = "POST", .path = path, .body = Dump(body)}, deadline));
  const auto name = FindString(answer, {"status", "userInfo", "username"});
  if (!name) return absl::DataLossError("POST " + path + ": the answer has no username");
  UserInfo user{*name, FindString(answer, {"status", "userInfo", "uid"}).value_or(""), {}};
  for (const Json& group : FindList(answer, {"status", "userInfo", "groups"})) {
    if (group.is_string()) user.groups.push_back(group.get<std::string>());
  }
  return user;
}

absl::StatusOr<std::string> Client::RequestToken(const ObjectRef& ref,
                                                 std::chrono::seconds lifetime,
                                                 const Deadline& deadline,
                                                 const std::vector<std::string>& audiences) {
  Json body = {{"apiVersion", "authentication.k8s.io/v1"},
               {"kind", "TokenRequest"},
               {"spec", {{"expirationSeconds", lifetime.count()}}}};
  body["spec"]["audiences"] = audiences;
  ASSIGN_OR_RETURN(const Object answer, CreateSub(ref.Sub("token"), body, deadline));
  const auto token = FindString(answer.json(), {"status", "token"});
  if (!token) return absl::DataLossError(ref.ToString() + ": the answer has no token");
  return *token;
}

}  // namespace pawk8s::kube
