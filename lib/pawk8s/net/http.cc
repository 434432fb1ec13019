#include "pawk8s/net/http.h"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <map>
#include <stop_token>
#include <utility>

#include "pawk8s/base/redact.h"
#include "pawk8s/base/status.h"
#include "pawk8s/net/internal/ignore_sigpipe.h"
#include "pawk8s/net/internal/url.h"

namespace pawk8s::net {
namespace {

void InitCurlOnce() {
  internal::IgnoreSigpipe();
  static const CURLcode done = curl_global_init(CURL_GLOBAL_DEFAULT);
  static_cast<void>(done);  // its one failure mode is memory, and every handle fails after it
}

std::string Lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

absl::StatusCode CodeOfCurl(CURLcode code) {
  switch (code) {
    case CURLE_OPERATION_TIMEDOUT:
      return absl::StatusCode::kDeadlineExceeded;
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return absl::StatusCode::kUnauthenticated;
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_URL_MALFORMAT:
      return absl::StatusCode::kInvalidArgument;
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_UNSUPPORTED_PROTOCOL:  // the scheme was checked before: it is HTTP/0.9
    case CURLE_BAD_CONTENT_ENCODING:
      return absl::StatusCode::kDataLoss;
    case CURLE_OUT_OF_MEMORY:
      return absl::StatusCode::kResourceExhausted;
    default:
      return absl::StatusCode::kUnavailable;
  }
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

void Append(HeaderList& list, const std::string& line) {
  list.reset(curl_slist_append(list.release(), line.c_str()));
}

}  // namespace

const std::string* HttpResponse::Find(std::string_view name) const {
  const std::string wanted = Lower(name);
  for (const Header& header : headers) {
    if (header.name == wanted) return &header.value;
  }
  return nullptr;
}

class HttpClient::Impl {
 public:
  explicit Impl(HttpOptions options) : options_(std::move(options)) {
    InitCurlOnce();
    easy_ = curl_easy_init();
    multi_ = curl_multi_init();
    // One kept connection. A stream that was cut off is closed, never reused.
    curl_multi_setopt(multi_, CURLMOPT_MAXCONNECTS, 1L);
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    curl_easy_cleanup(easy_);
    curl_multi_cleanup(multi_);
  }

  absl::StatusOr<HttpResponse> Perform(const HttpRequest& request, const OnBody& on_body,
                                       const Deadline& deadline) {
    absl::StatusOr<HttpResponse> answer = Attempt(request, on_body, deadline);
    if (answer.ok()) return answer;
    return Annotate(answer.status(), Redact(fmt::format("{} {}", request.method, request.url)));
  }

 private:
  absl::StatusOr<HttpResponse> Attempt(const HttpRequest& request, const OnBody& on_body,
                                       const Deadline& deadline) {
    if (deadline.Cancelled()) return absl::CancelledError("cancelled");
    if (deadline.Over()) return absl::DeadlineExceededError("no time left to send it");
    if (easy_ == nullptr || multi_ == nullptr) return absl::ResourceExhaustedError("out of memory");
    response_ = {};
    on_body_ = on_body ? &on_body : nullptr;
    deadline_ = &deadline;
    stopped_by_caller_ = too_long_ = false;
    dial_status_ = conduit_status_ = absl::OkStatus();
    error_.fill('\0');

    HeaderList headers;
    HeaderList connect_to;
    RETURN_IF_ERROR(Prepare(request, headers, connect_to));
    ASSIGN_OR_RETURN(CURLcode code, Drive(deadline));
    if (code == CURLE_WRITE_ERROR && stopped_by_caller_) code = CURLE_OK;
    if (code == CURLE_OK) return std::move(response_);
    return Explain(code);
  }

  template <class T>
  void Set(CURLoption option, T value) {
    if (const CURLcode code = curl_easy_setopt(easy_, option, value); code != CURLE_OK) {
      refused_option_ = code;
    }
  }

  void SetBlob(CURLoption option, const std::string& pem) {
    if (pem.empty()) return;
    curl_blob blob{};
    blob.data = const_cast<char*>(pem.data());  // not copied, not written
    blob.len = pem.size();
    blob.flags = CURL_BLOB_NOCOPY;
    Set(option, &blob);
  }

  absl::Status Prepare(const HttpRequest& request, HeaderList& headers, HeaderList& connect_to) {
    ASSIGN_OR_RETURN(const internal::Url url, internal::ParseUrl(request.url));
    if (url.tls && options_.dial) {
      return absl::InvalidArgumentError("a dialled connection carries http, not https");
    }
    curl_easy_reset(easy_);
    refused_option_ = CURLE_OK;
    Set(CURLOPT_ERRORBUFFER, error_.data());
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_PROXY, "");
    Set(CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
    Set(CURLOPT_TCP_KEEPALIVE, 1L);
    Set(CURLOPT_TCP_KEEPIDLE, 10L);
    Set(CURLOPT_TCP_KEEPINTVL, 5L);

    // The name that TLS checks goes into the URL; where to connect is said apart.
    const TlsOptions& tls = options_.tls;
    const bool renamed = url.tls && !tls.server_name.empty();
    Set(CURLOPT_URL, fmt::format("{}://{}:{}{}", url.tls ? "https" : "http",
                                 renamed ? tls.server_name : url.HostInUrl(), url.port, url.target)
                         .c_str());
    if (options_.dial) {
      Append(connect_to, "::127.0.0.1:1");  // nothing is resolved, the socket comes from dial
    } else if (renamed) {
      Append(connect_to, fmt::format("::{}:{}", url.HostInUrl(), url.port));
    }
    Set(CURLOPT_CONNECT_TO, connect_to.get());
    if (!tls.ca_pem.empty()) {
      Set(CURLOPT_CAPATH, nullptr);  // the system's store would be trusted beside it
      SetBlob(CURLOPT_CAINFO_BLOB, tls.ca_pem);
    }
    SetBlob(CURLOPT_SSLCERT_BLOB, tls.client_certificate_pem);
    SetBlob(CURLOPT_SSLKEY_BLOB, tls.client_key_pem);

    if (options_.dial) {
      Set(CURLOPT_OPENSOCKETFUNCTION, &Impl::OpenSocket);
      Set(CURLOPT_OPENSOCKETDATA, this);
      Set(CURLOPT_PREREQFUNCTION, &Impl::SwapIn);
      Set(CURLOPT_PREREQDATA, this);
      Set(CURLOPT_CLOSESOCKETFUNCTION, &Impl::CloseSocket);
      Set(CURLOPT_CLOSESOCKETDATA, this);
    }

    if (!request.body.empty()) {
      Set(CURLOPT_POSTFIELDS, request.body.data());
      Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      Append(headers, "Content-Type: " + request.content_type);
      Append(headers, "Expect:");
    } else if (request.method == "POST" || request.method == "PUT" || request.method == "PATCH") {
      Set(CURLOPT_POSTFIELDS, "");
      Set(CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t{0});
    }
    if (request.method == "HEAD") {
      Set(CURLOPT_NOBODY, 1L);
    } else if (request.method != "GET" || !request.body.empty()) {
      Set(CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
    for (const Header& header : request.headers) {
      if ((header.name + header.value).find_first_of("\r\n") != std::string::npos) {
        return absl::InvalidArgumentError("the header " + Lower(header.name) + " has a line break");
      }
      Append(headers, header.value.empty() ? header.name + ";"
                                           : fmt::format("{}: {}", header.name, header.value));
    }
    Set(CURLOPT_HTTPHEADER, headers.get());
    Set(CURLOPT_HEADERFUNCTION, &Impl::OnHeader);
    Set(CURLOPT_HEADERDATA, this);
    Set(CURLOPT_WRITEFUNCTION, &Impl::OnPiece);
    Set(CURLOPT_WRITEDATA, this);
    if (refused_option_ != CURLE_OK) {
      return absl::InvalidArgumentError(curl_easy_strerror(refused_option_));
    }
    return absl::OkStatus();
  }

  // The multi interface with its wakeup, because curl_easy_perform() looks at a stop token only
  // once a second while nothing arrives.
  absl::StatusOr<CURLcode> Drive(const Deadline& deadline) {
    if (const CURLMcode code = curl_multi_add_handle(multi_, easy_); code != CURLM_OK) {
      return absl::ResourceExhaustedError(curl_multi_strerror(code));
    }
    absl::StatusOr<CURLcode> result = CURLE_OK;
    {
      const std::stop_callback wake(deadline.stop(), [this] { curl_multi_wakeup(multi_); });
      for (int running = 1;;) {
        CURLMcode code = curl_multi_perform(multi_, &running);
        if (running == 0) break;
        if (code == CURLM_OK && !deadline.Over()) {
          const auto wait = std::min(deadline.Remaining(), Millis{1000});
          code = curl_multi_poll(multi_, nullptr, 0, static_cast<int>(wait.count()), nullptr);
        }
        if (code != CURLM_OK) {
          result = absl::InternalError(curl_multi_strerror(code));
          break;
        }
        if (deadline.Over()) {
          result = deadline.Cancelled() ? absl::CancelledError("cancelled")
                                        : absl::DeadlineExceededError(WhatIsMissing());
          break;
        }
      }
    }
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg == CURLMSG_DONE) result = message->data.result;
    }
    curl_multi_remove_handle(multi_, easy_);
    return result;
  }

  std::string WhatIsMissing() const {
    double connected = 0;
    curl_easy_getinfo(easy_, CURLINFO_PRETRANSFER_TIME, &connected);
    if (connected <= 0) return "no connection in time";
    if (response_.status == 0) return "no answer in time";
    return fmt::format("the answer ({}) was not complete in time, {} bytes of its body came",
                       response_.status, response_.body.size());
  }

  absl::Status Explain(CURLcode code) const {
    if (!dial_status_.ok()) return dial_status_;
    if (too_long_) {
      return absl::ResourceExhaustedError(
          fmt::format("the answer is longer than {} bytes", options_.max_body_bytes));
    }
    std::string why = error_[0] != '\0' ? error_.data() : curl_easy_strerror(code);
    while (!why.empty() && (why.back() == '\n' || why.back() == '.')) why.pop_back();
    // A conduit that died before the first byte was sent is not closed by libcurl yet.
    absl::Status ended = conduit_status_;
    for (const auto& [fd, dialled] : conduits_) ended.Update(dialled.conduit->status());
    if (!ended.ok()) why += fmt::format(" ({})", MessageOf(ended));
    return absl::Status(CodeOfCurl(code), why);
  }

  static std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* self_void) {
    auto& self = *static_cast<Impl*>(self_void);
    HttpResponse& response = self.response_;
    const std::string_view line(data, size * count);
    const bool last = line == "\r\n" || line == "\n";
    if (last && self.on_body_ != nullptr && response.status / 100 == 2 && !(*self.on_body_)({})) {
      self.stopped_by_caller_ = true;
      return CURL_WRITEFUNC_ERROR;
    }
    if (line.starts_with("HTTP/")) {
      response = {};  // drops what an interim 1xx answer said
      const std::size_t blank = line.find(' ');
      if (blank != std::string_view::npos) {
        response.status = std::atoi(std::string(line.substr(blank + 1, 3)).c_str());
      }
      return line.size();
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return line.size();
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.front()))) {
      value.remove_prefix(1);
    }
    while (!value.empty() && std::isspace(static_cast<unsigned char>(value.back()))) {
      value.remove_suffix(1);
    }
    response.headers.push_back({Lower(line.substr(0, colon)), std::string(value)});
    return line.size();
  }

  static std::size_t OnPiece(char* data, std::size_t size, std::size_t count, void* self_void) {
    auto& self = *static_cast<Impl*>(self_void);
    const std::string_view piece(data, size * count);
    if (self.on_body_ != nullptr && self.response_.status / 100 == 2) {
      if ((*self.on_body_)(piece)) return piece.size();
      self.stopped_by_caller_ = true;
      return CURL_WRITEFUNC_ERROR;
    }
    if (self.response_.body.size() + piece.size() > self.options_.max_body_bytes) {
      self.too_long_ = true;
      return CURL_WRITEFUNC_ERROR;
    }
    self.response_.body.append(piece);
    return piece.size();
  }

  // libcurl 7.88 connects even a socket that its caller says is connected. So it gets a datagram
  // socket, which "connects" without a packet, and the conduit takes its place before the first
  // byte is sent.
  static curl_socket_t OpenSocket(void* self_void, curlsocktype, curl_sockaddr*) {
    auto& self = *static_cast<Impl*>(self_void);
    auto conduit = self.options_.dial(*self.deadline_);
    if (!conduit.ok()) {
      self.dial_status_ = conduit.status();
      return CURL_SOCKET_BAD;
    }
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return CURL_SOCKET_BAD;
    self.conduits_[fd] = {.conduit = *std::move(conduit)};
    return fd;
  }

  static int SwapIn(void* self_void, char*, char*, int, int) {
    auto& self = *static_cast<Impl*>(self_void);
    for (auto& [fd, dialled] : self.conduits_) {
      if (dialled.swapped_in) continue;
      if (::dup3(dialled.conduit->fd(), fd, O_CLOEXEC) < 0) return CURL_PREREQFUNC_ABORT;
      ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
      dialled.swapped_in = true;
    }
    return CURL_PREREQFUNC_OK;
  }

  static int CloseSocket(void* self_void, curl_socket_t fd) {
    auto& self = *static_cast<Impl*>(self_void);
    ::close(fd);
    if (const auto found = self.conduits_.find(fd); found != self.conduits_.end()) {
      self.conduit_status_ = found->second.conduit->status();
      self.conduits_.erase(found);
    }
    return 0;
  }

  struct Dialled {
    std::unique_ptr<Conduit> conduit;
    bool swapped_in = false;
  };

  const HttpOptions options_;
  std::map<int, Dialled> conduits_;  // by libcurl's descriptor
  CURL* easy_ = nullptr;
  CURLM* multi_ = nullptr;

  // Of the request that runs.
  std::array<char, CURL_ERROR_SIZE> error_{};
  CURLcode refused_option_ = CURLE_OK;
  HttpResponse response_;
  const OnBody* on_body_ = nullptr;
  const Deadline* deadline_ = nullptr;
  bool stopped_by_caller_ = false;
  bool too_long_ = false;
  absl::Status dial_status_;
  absl::Status conduit_status_;
};

HttpClient::HttpClient(HttpOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
HttpClient::~HttpClient() = default;
HttpClient::HttpClient(HttpClient&&) noexcept = default;
HttpClient& HttpClient::operator=(HttpClient&&) noexcept = default;

absl::StatusOr<HttpResponse> HttpClient::Send(const HttpRequest& request,
                                              const Deadline& deadline) {
  return impl_->Perform(request, nullptr, deadline);
}

absl::StatusOr<HttpResponse> HttpClient::Stream(const HttpRequest& request, const OnBody& on_body,
                                                const Deadline& deadline) {
  return impl_->Perform(request, on_body, deadline);
}

}  // namespace pawk8s::net
