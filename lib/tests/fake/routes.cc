#include <fmt/format.h>

#include <sstream>

#include "fake/connection.h"

namespace pawk8s::fake {
namespace {

constexpr char kAdminToken[] = "fake-admin-token";

std::string Unescape(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size()) {
      out.push_back(static_cast<char>(std::stoi(text.substr(i + 1, 2), nullptr, 16)));
      i += 2;
    } else {
      out.push_back(text[i] == '+' ? ' ' : text[i]);
    }
  }
  return out;
}

Answer Discovery(bool apps) {
  const auto one = [](const char* name, const char* kind) {
    return Json{{"name", name}, {"kind", kind}, {"namespaced", true}};
  };
  Json resources =
      apps ? Json::array({one("statefulsets", "StatefulSet"), one("statefulsets/scale", "Scale")})
           : Json::array({one("configmaps", "ConfigMap"), one("pods", "Pod")});
  return {200, {{"kind", "APIResourceList"}, {"resources", resources}}};
}

// Groups, and one that a CustomResourceDefinition made.
Answer Groups() {
  const auto group = [](const std::string& name) {
    return Json{{"name", name}, {"preferredVersion", {{"groupVersion", name + "/v1"}}}};
  };
  return {200, {{"kind", "APIGroupList"}, {"groups", {group("apps"), group("example.dev")}}}};
}
Answer Custom() {
  return {200,
          {{"kind", "APIResourceList"},
           {"resources",
            {{{"name", "widgets"}, {"kind", "Widget"}, {"namespaced", true}},
             {{"name", "gadgets"}, {"kind", "Gadget"}, {"namespaced", false}}}}}};
}

std::optional<Answer> RouteReview(const AccessRules& access, const std::string& path,
                                  const Json& body, const std::string& user) {
  if (path.ends_with("/selfsubjectreviews")) {
    return Answer{
        201,
        {{"kind", "SelfSubjectReview"},
         {"status", {{"userInfo", {{"username", user}, {"groups", {"system:authenticated"}}}}}}}};
  }
  if (path.ends_with("/selfsubjectaccessreviews")) {
    Json answer = body;
    answer["status"] = {{"allowed", user == "admin" && access.Allows(body)}};
    return Answer{201, answer};
  }
  return std::nullopt;
}

}  // namespace

Url ParseRequestTarget(const std::string& target) {
  Url url;
  const std::size_t question = target.find('?');
  url.path = Unescape(target.substr(0, question));
  if (question == std::string::npos) return url;
  std::istringstream pairs(target.substr(question + 1));
  for (std::string pair; std::getline(pairs, pair, '&');) {
    const std::size_t equals = pair.find('=');
    const std::string key = pair.substr(0, equals);
    const std::string value = equals == std::string::npos ? "" : Unescape(pair.substr(equals + 1));
    if (key == "command") url.commands.push_back(value);
    url.query[key] = value;
  }
  return url;
}

std::string UserOf(const Request& request) {
  const auto header = request[http::field::authorization];
  const std::string authorization(header.data(), header.size());
  const auto impersonated = request["Impersonate-User"];
  constexpr std::string_view kAccount = "Bearer fake-token-";
  if (authorization.starts_with(kAccount)) {
    return "system:serviceaccount:" + authorization.substr(kAccount.size());
  }
  if (authorization != fmt::format("Bearer {}", kAdminToken)) return "";
  return impersonated.empty() ? "admin" : std::string(impersonated.data(), impersonated.size());
}

void AccessRules::Deny(const std::string& verb, const std::string& resource,
                       const std::string& ns) {
  const std::lock_guard lock(mutex_);
  denied_.insert(verb + " " + resource + " " + ns);
}

bool AccessRules::Allows(const Json& review) const {
  const auto field = [&](std::string_view name) {
    return kube::FindString(review, {"spec", "resourceAttributes", name}).value_or("");
  };
  const std::string sub = field("subresource");
  const std::string resource = field("resource") + (sub.empty() ? "" : "/" + sub);
  const std::lock_guard lock(mutex_);
  if (field("verb") == "*") return denied_.empty();
  return !denied_.contains(field("verb") + " " + resource + " " + field("namespace"));
}

Answer Route(Store& store, const AccessRules& access, const Request& request, const Url& url,
             const std::string& user) {
  const std::string method(request.method_string().data(), request.method_string().size());
  if (url.path == "/readyz") return {200, "ok"};
  if (user.empty()) return Failure(401, "Unauthorized", "Unauthorized");
  if (url.path == "/version") return {200, {{"major", "1"}, {"gitVersion", "v1.34.4-fake"}}};
  if (url.path == "/api/v1") return Discovery(false);
  if (url.path == "/apis/apps/v1") return Discovery(true);
  if (url.path == "/apis") return Groups();
  if (url.path == "/apis/example.dev/v1") return Custom();

  const Json body = Json::parse(request.body(), nullptr, false);
  if (const auto review = RouteReview(access, url.path, body, user)) return *review;
  Target target;
  if (!ParseTarget(url.path, &target)) {
    return Failure(404, "NotFound", "the server could not find the requested resource");
  }
  if (user != "admin") {
    return Failure(
        403, "Forbidden",
        fmt::format("{} is forbidden: User \"{}\" cannot do that", target.resource, user));
  }
  if (method == "GET")
    return target.name.empty() ? store.List(target, url.query) : store.Get(target);
  if (method == "DELETE") return store.Delete(target, body);
  if (body.is_discarded()) return Failure(400, "BadRequest", "the body is no JSON");
  if (method == "PUT") return store.Update(target, body, url.query);
  if (method == "PATCH") {
    const auto type = request[http::field::content_type];
    return store.Patch(target, std::string(type.data(), type.size()), body, url.query);
  }
  if (target.subresource == "eviction") return store.Evict(target);
  if (target.subresource == "token") {
    Json answer = body;
    answer["metadata"] = Json::object();
    answer["status"] = {{"token", fmt::format("fake-token-{}:{}", target.ns, target.name)}};
    return {201, answer};
  }
  return store.Create(target, body, url.query);
}

std::optional<Answer> OddAnswer(Misbehaviour how) {
  switch (how) {
    case Misbehaviour::kExpired:
      return Failure(410, "Expired", "The resourceVersion for the provided list is too old.");
    case Misbehaviour::kTooManyRequests: {
      Answer answer = Failure(429, "TooManyRequests", "the server has received too many requests");
      answer.retry_after = 7;
      return answer;
    }
    case Misbehaviour::kInternalError:
      return Answer{500, "something broke: token=abcdefgh12345678\n"};
    case Misbehaviour::kGarbageJson:
      return Answer{200, R"({"kind": "Po)"};
    case Misbehaviour::kHostileJson:
      return Answer{200,
                    {{"kind", 7},
                     {"metadata", {1, 2}},
                     {"spec", "x"},
                     {"status", {{}, {}}},
                     {"items", {{"a", 1}}}}};
    case Misbehaviour::kNotJsonList:
      return Answer{200, Json::array({1, 2})};
    default:
      return std::nullopt;
  }
}

}  // namespace pawk8s::fake
