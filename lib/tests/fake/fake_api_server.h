// A Kubernetes API server in this process, on a loopback port, over TLS with certificates made at
// run time. It has the semantics that the library relies on (store.h), runs `exec` as a process of
// this machine, forwards ports to small servers of its own, and can be told to misbehave.
//
//   fake::FakeApiServer api;
//   kube::Client client(api.config());
//   api.Misbehave(fake::Misbehaviour::kHalfBody);
#pragma once

#include <memory>
#include <string>

#include "fake/certificates.h"
#include "fake/pod_doors.h"
#include "fake/store.h"
#include "pawk8s/kube/kubeconfig.h"

namespace pawk8s::fake {

enum class Misbehaviour {
  kExpired,          // 410 with reason Expired
  kTooManyRequests,  // 429 with Retry-After: 7
  kInternalError,    // 500 with a text body
  kSlowHeaders,      // accepts the request and never answers
  kHalfBody,         // closes in the middle of the body
  kGarbageJson,      // 200 with half a JSON object
  kHostileJson,      // 200 with an object whose every field has the wrong type
  kNotJsonList,      // 200 with a JSON array
  kNotHttp,          // bytes that are no HTTP
  kReset,            // resets the connection instead of answering
  kCloseMidWatch,    // a watch: closes in the middle of the next event
  kGarbageEvent,     // a watch: sends an event that is no JSON
  kStaleKeepAlive,   // answers, then closes the connection without saying so
};

// Ports of every fake pod.
inline constexpr int kEchoPort = 7;       // sends back what it gets
inline constexpr int kRefusedPort = 9;    // nothing listens
inline constexpr int kHttpPort = 8080;    // HTTP/1.1: answers each request with its path
inline constexpr int kDyingPort = 11;     // ends at the first byte
inline constexpr int kChainPort = 26657;  // the RPC of a chain with one validator

class FakeApiServer {
 public:
  struct Options {
    bool tls = true;            // false: answers TLS with plain HTTP
    bool exec_v4_only = false;  // an API server from before Kubernetes 1.29
    std::chrono::seconds certificate_life{3600};
  };
  FakeApiServer();
  explicit FakeApiServer(const Options& options);
  ~FakeApiServer();

  // As the cluster's administrator.
  [[nodiscard]] kube::Kubeconfig config() const;
  [[nodiscard]] std::string url() const;
  [[nodiscard]] const CertificateAuthority& ca() const;
  [[nodiscard]] Store& store();
  // What pods answer on other ports than those above.
  [[nodiscard]] PodDoors& doors();
  // The administrator may no longer do that: "get", "pods/exec", "paw". Only in access reviews.
  void Deny(const std::string& verb, const std::string& resource, const std::string& ns);

  // The next `times` requests whose path and query contain `path` are answered so.
  void Misbehave(Misbehaviour how, int times = 1, const std::string& path = "");
  // Ends every connection now.
  void DropConnections();

  [[nodiscard]] int connections_accepted() const;
  [[nodiscard]] int requests_answered() const;

  class Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawk8s::fake
