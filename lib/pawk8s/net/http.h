// One HTTP/1.1 client over libcurl: a kept-alive connection, one request at a time, one attempt.
//
//   net::HttpClient http;
//   ASSIGN_OR_RETURN(const auto answer, http.Send({.url = "http://127.0.0.1:1317/health"},
//   deadline)); if (answer.status == 200) ...
//
// A failed transport is an absl::Status; an HTTP status is data. This layer knows no Kubernetes,
// retries nothing and follows no redirect.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/net/conduit.h"
#include "pawk8s/net/tls.h"

namespace pawk8s::net {

struct Header {
  std::string name;
  std::string value;
};

struct HttpRequest {
  std::string method = "GET";
  std::string url;
  std::vector<Header> headers;
  std::string body;
  std::string content_type = "application/json";  // sent with a body only
};

struct HttpResponse {
  int status = 0;
  std::vector<Header> headers;  // names in lower case, in the order of arrival
  std::string body;

  // The first header of that name (any case), or nullptr.
  [[nodiscard]] const std::string* Find(std::string_view name) const;
};

struct HttpOptions {
  TlsOptions tls;
  // When set, connections come from here instead of from the URL's host and port: HTTP over a
  // port-forward. Called again whenever the connection kept so far has ended. For http URLs only.
  Dial dial;
  // A longer body is an error (ResourceExhausted), so that a hostile peer cannot fill the memory.
  std::size_t max_body_bytes = 256u << 20;
};

// Not thread-safe: one a thread. Cancelling the deadline's stop token from another thread ends a
// running call at once.
class HttpClient {
 public:
  explicit HttpClient(HttpOptions options = {});
  ~HttpClient();
  HttpClient(HttpClient&&) noexcept;
  HttpClient& operator=(HttpClient&&) noexcept;

  // One request, one attempt; blocks until the whole answer is there or `deadline` is over.
  // Errors: Unavailable (refused, reset, name not resolved, answer cut off), Unauthenticated (the
  // TLS peers do not trust each other), DeadlineExceeded, Cancelled, DataLoss (not HTTP),
  // InvalidArgument (bad URL, bad certificate), ResourceExhausted (body too long).
  [[nodiscard]] absl::StatusOr<HttpResponse> Send(const HttpRequest& request,
                                                  const Deadline& deadline);

  // Called with each piece of a 2xx body as it arrives, on the calling thread, and before that with
  // an empty piece as soon as the answer's headers are there. Returning false ends the call with
  // what came so far, as a success.
  using OnBody = std::function<bool(std::string_view piece)>;

  // Like Send(), but a 2xx body goes to `on_body` and is not kept. Ends when the server ends it.
  [[nodiscard]] absl::StatusOr<HttpResponse> Stream(const HttpRequest& request,
                                                    const OnBody& on_body,
                                                    const Deadline& deadline);

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// `text` percent-encoded for use as one path segment or query value.
[[nodiscard]] std::string UrlEscape(std::string_view text);

}  // namespace pawk8s::net
