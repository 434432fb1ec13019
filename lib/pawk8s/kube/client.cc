#include "pawk8s/kube/client.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pawk8s/base/redact.h"
#include "pawk8s/base/status.h"
#include "pawk8s/kube/internal/client_impl.h"
#include "pawk8s/net/websocket.h"

namespace pawk8s::kube {

Client::Impl::Impl(std::shared_ptr<internal::Credentials> the_credentials,
                   std::vector<net::Header> the_identity, std::chrono::nanoseconds the_timeout)
    : credentials(std::move(the_credentials)),
      identity(std::move(the_identity)),
      request_timeout(the_timeout) {}

absl::Status Client::Impl::Connect(const Deadline& deadline) {
  ASSIGN_OR_RETURN(auto fresh, credentials->Get(deadline));
  if (!http || fresh.tls_generation != credential.tls_generation) {
    http.emplace(net::HttpOptions{.tls = fresh.tls});
  }
  credential = std::move(fresh);
  return absl::OkStatus();
}

net::HttpRequest Client::Impl::Prepare(const Call& call) const {
  net::HttpRequest request;
  request.method = call.method;
  request.url = credentials->config().server + call.path;
  request.headers = {{"Accept", "application/json"}, {"User-Agent", "pawk8s"}};
  request.headers.insert(request.headers.end(), credential.headers.begin(),
                         credential.headers.end());
  request.headers.insert(request.headers.end(), identity.begin(), identity.end());
  request.body = call.body;
  request.content_type = call.content_type;
  return request;
}

absl::Status Client::Impl::Refused(const Call& call, const net::HttpResponse& answer) {
  if (answer.status == 401) credentials->Forget();
  const std::string* retry_after = answer.Find("retry-after");
  return StatusOfAnswer(Redact(fmt::format("{} {}", call.method, call.path)), answer.status,
                        answer.body, retry_after == nullptr ? "" : *retry_after);
}

absl::StatusOr<std::string> Client::Impl::Text(const Call& call, const Deadline& whole) {
  const Deadline deadline = whole.AtMost(request_timeout);
  RETURN_IF_ERROR(Connect(deadline));
  ASSIGN_OR_RETURN(net::HttpResponse answer, http->Send(Prepare(call), deadline));
  if (answer.status / 100 != 2) return Refused(call, answer);
  return std::move(answer.body);
}

absl::StatusOr<Json> Client::Impl::Ask(const Call& call, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const std::string body, Text(call, deadline));
  Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) {
    return absl::DataLossError(fmt::format("{} {}: the answer is no JSON object: {}", call.method,
                                           call.path, Redact(body.substr(0, 100))));
  }
  return json;
}

absl::Status Client::Impl::Stream(const Call& call, const net::HttpClient::OnBody& on_body,
                                  const Deadline& deadline) {
  RETURN_IF_ERROR(Connect(deadline.AtMost(request_timeout)));
  ASSIGN_OR_RETURN(const net::HttpResponse answer, http->Stream(Prepare(call), on_body, deadline));
  if (answer.status / 100 != 2) return Refused(call, answer);
  return absl::OkStatus();
}

namespace {

std::vector<net::Header> Impersonation(const std::string& user,
                                       const std::vector<std::string>& groups) {
  std::vector<net::Header> headers;
  if (!user.empty()) headers.push_back({"Impersonate-User", user});
  for (const std::string& group : groups) headers.push_back({"Impersonate-Group", group});
  return headers;
}

}  // namespace

Client::Client(Kubeconfig config, std::chrono::nanoseconds request_timeout) {
  auto identity = Impersonation(config.impersonate_user, config.impersonate_groups);
  impl_ = std::make_unique<Impl>(std::make_shared<internal::Credentials>(std::move(config)),
                                 std::move(identity), request_timeout);
}
Client::Client(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Client::~Client() = default;
Client::Client(Client&&) noexcept = default;
Client& Client::operator=(Client&&) noexcept = default;

const Kubeconfig& Client::config() const { return impl_->credentials->config(); }

Client Client::Clone() const {
  return Client(
      std::make_unique<Impl>(impl_->credentials, impl_->identity, impl_->request_timeout));
}

Client Client::As(std::string user, std::vector<std::string> groups) const {
  return Client(std::make_unique<Impl>(impl_->credentials, Impersonation(user, groups),
                                       impl_->request_timeout));
}

Client Client::WithToken(std::string token) const {
  Kubeconfig config;
  config.source = this->config().source;
  config.context = this->config().context;
  config.server = this->config().server;
  config.tls_server_name = this->config().tls_server_name;
  config.ca_pem = this->config().ca_pem;
  config.ns = this->config().ns;
  config.token = std::move(token);
  return Client(std::move(config), impl_->request_timeout);
}

absl::Status Client::Watch(const Collection& collection, const std::string& resource_version,
                           const std::function<bool(WatchEvent)>& on_event,
                           const Deadline& deadline) {
  Impl::Call call;
  call.path = collection.Path() + internal::Query({{"watch", "true"},
                                                   {"allowWatchBookmarks", "true"},
                                                   {"resourceVersion", resource_version},
                                                   {"labelSelector", collection.label_selector},
                                                   {"fieldSelector", collection.field_selector}});
  absl::Status result;
  std::string buffer;
  std::size_t searched = 0;
  // True to go on.
  const auto on_line = [&](std::string_view line) {
    Json json = Json::parse(line, nullptr, /*allow_exceptions=*/false);
    const auto type = FindString(json, {"type"});
    const Json* object = FindField(json, {"object"});
    if (!type || object == nullptr || !object->is_object()) {
      result = absl::DataLossError(fmt::format("GET {}: the event is no JSON object: {}", call.path,
                                               Redact(line.substr(0, 100))));
      return false;
    }
    if (*type == "ERROR") {
      const auto code = static_cast<int>(FindInt(*object, {"code"}).value_or(500));
      result = StatusOfAnswer("GET " + call.path, code, object->dump(), "");
      return false;
    }
    WatchEvent event;
    if (*type == "ADDED") {
      event.type = WatchEvent::Type::kAdded;
    } else if (*type == "MODIFIED") {
      event.type = WatchEvent::Type::kModified;
    } else if (*type == "DELETED") {
      event.type = WatchEvent::Type::kDeleted;
    } else if (*type == "BOOKMARK") {
      event.type = WatchEvent::Type::kBookmark;
    } else {
      return true;
    }
    event.object = Object(std::move(json["object"]));
    return on_event(std::move(event));
  };
  const absl::Status streamed = impl_->Stream(
      call,
      [&](std::string_view piece) {
        if (piece.empty()) return on_event({WatchEvent::Type::kOpened, Object()});
        buffer.append(piece);
        std::size_t start = 0;
        for (;;) {
          const std::size_t end = buffer.find('\n', std::max(start, searched));
          if (end == std::string::npos) break;
          if (end > start && !on_line(std::string_view(buffer).substr(start, end - start))) {
            return false;
          }
          start = end + 1;
        }
        buffer.erase(0, start);
        searched = buffer.size();
        if (buffer.size() > net::HttpOptions{}.max_body_bytes) {
          result =
              absl::ResourceExhaustedError(fmt::format("GET {}: an event is too long", call.path));
          return false;
        }
        return true;
      },
      deadline);
  return result.ok() ? streamed : result;
}

absl::StatusOr<std::unique_ptr<net::WebSocket>> Client::OpenStream(
    const std::string& path_and_query, const std::vector<std::string>& subprotocols,
    const Deadline& deadline) const {
  ASSIGN_OR_RETURN(internal::Credential credential, impl_->credentials->Get(deadline));
  net::WebSocketOptions options;
  options.url = config().server + path_and_query;
  options.headers = std::move(credential.headers);
  options.headers.insert(options.headers.end(), impl_->identity.begin(), impl_->identity.end());
  options.subprotocols = subprotocols;
  options.tls = std::move(credential.tls);
  net::HttpResponse refusal;
  auto socket = net::WebSocket::Connect(options, deadline.AtMost(impl_->request_timeout), &refusal);
  if (!socket.ok() && refusal.status != 0) {
    return impl_->Refused({.path = path_and_query}, refusal);
  }
  return socket;
}

}  // namespace pawk8s::kube
