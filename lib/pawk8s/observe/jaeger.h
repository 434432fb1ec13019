// Traces as Jaeger's query API (HTTP, port 16686) tells them.
//
//   Jaeger jaeger({.dial = kube::DialPod(client, "monitoring", pod, 16686)});
//   ASSIGN_OR_RETURN(const auto traces,
//                    jaeger.Find({.service = "paw-blockchain", .tags = {{"tx.hash", hash}}},
//                    deadline));
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/net/http.h"

namespace pawk8s::observe {

struct Span {
  std::string id;      // 16 hex digits
  std::string parent;  // empty: none
  std::string operation;
  std::string service;
  std::map<std::string, std::string> tags;  // numbers and booleans as in JSON
  std::chrono::system_clock::time_point start;
  std::chrono::microseconds duration{0};
  friend bool operator==(const Span&, const Span&) = default;
};

struct Trace {
  std::string id;  // 32 hex digits
  std::vector<Span> spans;

  // Null if the trace has no span of that id.
  [[nodiscard]] const Span* Find(std::string_view span) const;
  friend bool operator==(const Trace&, const Trace&) = default;
};

struct TraceQuery {
  std::string service;
  std::string operation;                    // empty: any
  std::map<std::string, std::string> tags;  // that one span has, all of them
  std::chrono::seconds lookback{3600};
  int limit = 100;  // traces, the latest ones
};

// Of an answer to /api/traces. DataLoss if it is not one.
[[nodiscard]] absl::StatusOr<std::vector<Trace>> ParseTraces(std::string_view answer);

// Not thread-safe: one a thread.
class Jaeger {
 public:
  // `options.dial` decides whom `base_url` means.
  explicit Jaeger(net::HttpOptions options, std::string base_url = "http://jaeger");

  // Whole traces, of which some span is what is asked for; none is no error. Errors: those of
  // HttpClient::Send, Unavailable if the answer is not 200, DataLoss.
  [[nodiscard]] absl::StatusOr<std::vector<Trace>> Find(const TraceQuery& query,
                                                        const Deadline& deadline);

 private:
  net::HttpClient http_;
  std::string base_url_;
};

}  // namespace pawk8s::observe
