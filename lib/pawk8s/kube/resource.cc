#include "pawk8s/kube/resource.h"

#include <fmt/format.h>

#include "nlohmann/json.hpp"
#include "pawk8s/net/http.h"

namespace pawk8s::kube {
namespace {

std::string BasePath(const GroupVersionResource& resource, std::string_view ns) {
  std::string path = resource.group.empty()
                         ? fmt::format("/api/{}", resource.version)
                         : fmt::format("/apis/{}/{}", resource.group, resource.version);
  if (resource.namespaced && !ns.empty()) path += "/namespaces/" + net::UrlEscape(ns);
  return path + "/" + resource.resource;
}

}  // namespace

std::string GroupVersionResource::ApiVersion() const {
  return group.empty() ? version : fmt::format("{}/{}", group, version);
}

ObjectRef ObjectRef::Sub(std::string_view sub) const {
  ObjectRef ref = *this;
  ref.subresource = sub;
  return ref;
}

std::string ObjectRef::Path() const {
  std::string path = BasePath(resource, ns) + "/" + net::UrlEscape(name);
  if (!subresource.empty()) path += "/" + subresource;
  return path;
}

std::string ObjectRef::ToString() const {
  const std::string sub = subresource.empty() ? "" : "/" + subresource;
  if (ns.empty()) return fmt::format("{}{} {}", resource.resource, sub, name);
  return fmt::format("{}{} {}/{}", resource.resource, sub, ns, name);
}

nlohmann::json ObjectRef::ToJson() const {
  return {{"group", resource.group},
          {"version", resource.version},
          {"resource", resource.resource},
          {"kind", resource.kind},
          {"namespaced", resource.namespaced},
          {"namespace", ns},
          {"name", name}};
}

ObjectRef ObjectRef::FromJson(const nlohmann::json& json) {
  return {{json.at("group"), json.at("version"), json.at("resource"), json.at("kind"),
           json.at("namespaced")},
          json.at("namespace"),
          json.at("name")};
}

ObjectRef Collection::Named(std::string_view name) const {
  return {resource, ns, std::string(name)};
}

std::string Collection::Path() const { return BasePath(resource, ns); }

std::string Collection::ToString() const {
  std::string text = resource.resource;
  if (!ns.empty()) text += " in " + ns;
  if (!label_selector.empty()) text += " with labels " + label_selector;
  if (!field_selector.empty()) text += " with fields " + field_selector;
  return text;
}

}  // namespace pawk8s::kube
