#include "fake/fake_api_server.h"

#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>

#include <atomic>
#include <list>
#include <mutex>
#include <set>
#include <thread>

#include "fake/connection.h"

namespace pawk8s::fake {
namespace {

using asio::ip::tcp;
using boost::system::error_code;

constexpr char kAdminToken[] = "fake-admin-token";

}  // namespace

class FakeApiServer::Impl {
 public:
  explicit Impl(const Options& options)
      : options_(options),
        tls_(asio::ssl::context::tls_server),
        listener_(io_, tcp::endpoint(asio::ip::make_address("127.0.0.1"), 0)) {
    const Identity identity = ca_.Issue("kubernetes.test", options.certificate_life);
    tls_.use_certificate_chain(asio::buffer(identity.certificate_pem));
    tls_.use_private_key(asio::buffer(identity.key_pem), asio::ssl::context::pem);
    port_ = listener_.local_endpoint().port();
    accepting_ = std::jthread([this] { AcceptAll(); });
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    stopping_ = true;
    shutdown(listener_.native_handle(), SHUT_RDWR);
    accepting_.join();
    DropConnections();
    threads_.clear();  // joins
  }

  void Misbehave(Misbehaviour how, int times, const std::string& path) {
    const std::lock_guard lock(mutex_);
    for (int i = 0; i < times; ++i) planned_.push_back({how, path});
  }

  void DropConnections() {
    const std::lock_guard lock(mutex_);
    for (const int fd : open_) shutdown(fd, SHUT_RDWR);
  }

  const Options options_;
  const CertificateAuthority ca_;
  Store store_;
  PodDoors doors_;
  AccessRules access_;
  std::atomic<int> accepted_ = 0;
  std::atomic<int> answered_ = 0;
  int port_ = 0;

 private:
  struct Plan {
    Misbehaviour how;
    std::string path;
  };

  void AcceptAll() {
    for (;;) {
      error_code error;
      tcp::socket socket(io_);
      listener_.accept(socket, error);
      if (error || stopping_) return;
      ++accepted_;
      socket.set_option(tcp::no_delay(true), error);
      const int fd = socket.native_handle();
      const std::lock_guard lock(mutex_);
      open_.insert(fd);
      threads_.emplace_back([this, fd, moved = std::make_shared<tcp::socket>(std::move(socket))] {
        try {
          Serve(std::move(*moved), fd);
        } catch (const std::exception&) {
          // The client went away, sent nonsense, or DropConnections() was called.
        }
      });
    }
  }

  void Forget(int fd) {
    const std::lock_guard lock(mutex_);
    open_.erase(fd);
  }

  // The socket closes after its descriptor is no longer in open_: nobody else's is shut down.
  struct Forgetting {
    Impl& server;
    int fd;
    ~Forgetting() { server.Forget(fd); }
  };

  void Serve(tcp::socket socket, int fd) {
    if (!options_.tls) {
      const Forgetting forgetting{*this, fd};
      asio::write(socket, asio::buffer(std::string("HTTP/1.1 400 Bad Request\r\n\r\n")));
      return;
    }
    Tls stream(std::move(socket), tls_);
    const Forgetting forgetting{*this, fd};
    stream.handshake(asio::ssl::stream_base::server);
    beast::flat_buffer buffer;
    for (;;) {
      Request request;
      http::read(stream, buffer, request);
      if (!Handle(stream, request)) return;
    }
  }

  // False: the connection ends.
  bool Handle(Tls& stream, const Request& request) {
    const Url url = ParseRequestTarget({request.target().data(), request.target().size()});
    const std::string user = UserOf(request);
    ++answered_;
    const std::optional<Misbehaviour> odd =
        Planned({request.target().data(), request.target().size()});
    if (odd) {
      if (const auto answer = OddAnswer(*odd)) return Write(stream, *answer);
      if (*odd != Misbehaviour::kCloseMidWatch && *odd != Misbehaviour::kGarbageEvent &&
          *odd != Misbehaviour::kStaleKeepAlive) {
        BreakConnection(stream, *odd);
        return false;
      }
    }
    Target target;
    const bool resource = ParseTarget(url.path, &target);
    if (resource && user == "admin" && url.query.contains("watch")) {
      Watch(stream, target, url.query, odd);
      return false;
    }
    if (resource && beast::websocket::is_upgrade(request) && user == "admin" &&
        store_.Get({.collection = target.collection, .name = target.name}).status == 200) {
      Upgrade(stream, request, target, url);
      return false;
    }
    return Write(stream, Route(store_, access_, request, url, user)) &&
           odd != Misbehaviour::kStaleKeepAlive;
  }

  std::optional<Misbehaviour> Planned(std::string_view target) {
    const std::lock_guard lock(mutex_);
    for (auto plan = planned_.begin(); plan != planned_.end(); ++plan) {
      if (target.find(plan->path) == std::string_view::npos) continue;
      const Misbehaviour how = plan->how;
      planned_.erase(plan);
      return how;
    }
    return std::nullopt;
  }

  static bool Write(Tls& stream, const Answer& answer) {
    http::response<http::string_body> response(static_cast<http::status>(answer.status), 11);
    response.set(http::field::content_type, "application/json");
    if (answer.retry_after > 0) {
      response.set(http::field::retry_after, std::to_string(answer.retry_after));
    }
    response.body() = answer.body.is_string() ? answer.body.get<std::string>() : answer.body.dump();
    response.prepare_payload();
    http::write(stream, response);
    return true;
  }

  static void BreakConnection(Tls& stream, Misbehaviour how) {
    switch (how) {
      case Misbehaviour::kSlowHeaders: {
        char byte = 0;  // until the client gives up
        asio::read(stream, asio::buffer(&byte, 1));
        break;
      }
      case Misbehaviour::kHalfBody:
        asio::write(stream,
                    asio::buffer(std::string(
                        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"kind\": \"Pod\"")));
        break;
      case Misbehaviour::kNotHttp:
        asio::write(stream, asio::buffer(std::string("220 mail.example ESMTP ready\r\n")));
        break;
      default:
        stream.next_layer().set_option(asio::socket_base::linger(true, 0));
        break;
    }
  }

  void Watch(Tls& stream, const Target& target, const Query& query,
             std::optional<Misbehaviour> odd) {
    asio::write(stream, asio::buffer(std::string("HTTP/1.1 200 OK\r\nContent-Type: application/json"
                                                 "\r\nTransfer-Encoding: chunked\r\n\r\n")));
    const auto send = [&](const std::string& text) {
      asio::write(stream, asio::buffer(fmt::format("{:x}\r\n{}\r\n", text.size(), text)));
    };
    const auto from = query.find("resourceVersion");
    std::uint64_t version = from == query.end() ? store_.version() : std::stoull(from->second);
    const int fd = stream.next_layer().native_handle();
    while (!stopping_) {
      pollfd gone_away{fd, POLLRDHUP, 0};
      if (poll(&gone_away, 1, 0) > 0) return;
      bool gone = false;
      const auto events = store_.Await(target, query, &version, &gone);
      if (gone) {
        const Json event = {{"type", "ERROR"},
                            {"object", Failure(410, "Expired", "too old resource version").body}};
        return send(event.dump() + "\n");
      }
      for (const Store::Event& event : events) {
        const std::string line = Json{{"type", event.type}, {"object", event.object}}.dump() + "\n";
        if (odd == Misbehaviour::kCloseMidWatch) return send(line.substr(0, line.size() / 2));
        if (odd == Misbehaviour::kGarbageEvent)
          return send("{\"type\": \"ADDED\", \"object\": 3}\n");
        send(line);
      }
    }
  }

  void Upgrade(Tls& stream, const Request& request, const Target& target, const Url& url) {
    const bool exec = target.subresource == "exec";
    const auto offered = request[http::field::sec_websocket_protocol];
    const bool v5 = exec && !options_.exec_v4_only && offered.find("v5.") != offered.npos;
    WebSocketStream socket(stream);
    socket.set_option(
        beast::websocket::stream_base::decorator([&](beast::websocket::response_type& response) {
          response.set(http::field::sec_websocket_protocol,
                       v5 ? "v5.channel.k8s.io" : "v4.channel.k8s.io");
        }));
    socket.accept(request);
    if (exec) {
      ServeExec(socket, url, v5);
    } else {
      const int port = std::stoi(url.query.at("ports"));
      ServePortForward(socket, port, doors_.Find(target.name, port));
    }
  }

  asio::io_context io_;
  asio::ssl::context tls_;
  tcp::acceptor listener_;
  std::atomic<bool> stopping_ = false;
  std::mutex mutex_;
  std::list<Plan> planned_;
  std::set<int> open_;
  std::list<std::jthread> threads_;
  std::jthread accepting_;
};

FakeApiServer::FakeApiServer() : FakeApiServer(Options()) {}
FakeApiServer::FakeApiServer(const Options& options) : impl_(std::make_unique<Impl>(options)) {
  for (const char* ns : {"default", "kube-system", "paw"}) {
    store().Put(std::string("/api/v1/namespaces/") + ns,
                {{"kind", "Namespace"}, {"apiVersion", "v1"}, {"metadata", {{"name", ns}}}});
  }
}
FakeApiServer::~FakeApiServer() = default;

kube::Kubeconfig FakeApiServer::config() const {
  kube::Kubeconfig config;
  config.source = "the fake API server";
  config.server = url();
  config.ca_pem = ca().certificate_pem();
  config.token = kAdminToken;
  return config;
}
std::string FakeApiServer::url() const { return fmt::format("https://127.0.0.1:{}", impl_->port_); }
const CertificateAuthority& FakeApiServer::ca() const { return impl_->ca_; }
Store& FakeApiServer::store() { return impl_->store_; }
PodDoors& FakeApiServer::doors() { return impl_->doors_; }
void FakeApiServer::Deny(const std::string& verb, const std::string& resource,
                         const std::string& ns) {
  impl_->access_.Deny(verb, resource, ns);
}
void FakeApiServer::Misbehave(Misbehaviour how, int times, const std::string& path) {
  impl_->Misbehave(how, times, path);
}
void FakeApiServer::DropConnections() { impl_->DropConnections(); }
int FakeApiServer::connections_accepted() const { return impl_->accepted_; }
int FakeApiServer::requests_answered() const { return impl_->answered_; }

}  // namespace pawk8s::fake
