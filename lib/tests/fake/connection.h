// One connection of the fake API server. Blocking, one thread each; it is interrupted by shutting
// its socket down.
#pragma once

#include <boost/asio.hpp>
#include <boost/asio/ssl.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <boost/beast/ssl.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "fake/fake_api_server.h"
#include "fake/store.h"

namespace pawk8s::fake {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using Tls = asio::ssl::stream<asio::ip::tcp::socket>;
using Request = http::request<http::string_body>;
using WebSocketStream = beast::websocket::stream<Tls&>;

struct Url {
  std::string path;
  Query query;                        // of repeated keys the last
  std::vector<std::string> commands;  // of exec
};
Url ParseRequestTarget(const std::string& target);

// Who asks: "admin", "system:serviceaccount:ns:name", an impersonated user; empty: nobody.
std::string UserOf(const Request& request);

// What access reviews say: the administrator may do all that was not denied. Thread-safe.
class AccessRules {
 public:
  void Deny(const std::string& verb, const std::string& resource, const std::string& ns);
  [[nodiscard]] bool Allows(const Json& review) const;

 private:
  mutable std::mutex mutex_;
  std::set<std::string> denied_;
};

// Everything that is one request and one answer.
Answer Route(Store& store, const AccessRules& access, const Request& request, const Url& url,
             const std::string& user);

// What the misbehaviours answer that are only an odd answer.
std::optional<Answer> OddAnswer(Misbehaviour how);

// Both block until the stream is over.
void ServeExec(WebSocketStream& socket, const Url& url, bool v5);
void ServePortForward(WebSocketStream& socket, int port, const std::optional<PodDoor>& door);

}  // namespace pawk8s::fake
