#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pawk8s/kube/client.h"
#include "pawk8s/kube/internal/credentials.h"
#include "pawk8s/net/http.h"

namespace pawk8s::kube {
namespace internal {

// "?a=1&b=2" of the pairs that have a value; "" when none has.
std::string Query(const std::vector<std::pair<std::string_view, std::string>>& parameters);

}  // namespace internal

class Client::Impl {
 public:
  struct Call {
    std::string method = "GET";
    std::string path;  // with query
    std::string body = {};
    std::string content_type = "application/json";
  };

  Impl(std::shared_ptr<internal::Credentials> the_credentials,
       std::vector<net::Header> the_identity, std::chrono::nanoseconds the_timeout);

  // One request within `request_timeout`: the body of a 2xx answer, otherwise its error.
  absl::StatusOr<std::string> Text(const Call& call, const Deadline& deadline);
  absl::StatusOr<Json> Ask(const Call& call, const Deadline& deadline);
  // One request until `deadline`.
  absl::Status Stream(const Call& call, const net::HttpClient::OnBody& on_body,
                      const Deadline& deadline);
  absl::Status Refused(const Call& call, const net::HttpResponse& answer);

  const std::shared_ptr<internal::Credentials> credentials;
  const std::vector<net::Header> identity;  // impersonation
  const std::chrono::nanoseconds request_timeout;

 private:
  absl::Status Connect(const Deadline& deadline);
  net::HttpRequest Prepare(const Call& call) const;

  internal::Credential credential;
  std::optional<net::HttpClient> http;
};

}  // namespace pawk8s::kube
