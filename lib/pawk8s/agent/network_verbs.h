// The network as a pod or a node sees it: sockets that the agent opens inside a network namespace,
// so that the traffic has that pod's address and its NetworkPolicies apply.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pawk8s/agent/codec.h"
#include "pawk8s/agent/target.h"

namespace pawk8s::agent {

inline constexpr Text kAddressBounds{.min = 2, .max = 45};
inline constexpr Number kPortBounds{.min = 1, .max = 65535};
inline constexpr Number kTimeoutBounds{.min = 1, .max = 60'000};

// How an attempt ended. A bare "connected" proves little behind a mesh proxy; a reply does.
enum class Outcome { kOk, kRefused, kReset, kTimeout, kUnreachable, kFailed };
template <>
struct EnumNames<Outcome> {
  static constexpr std::pair<Outcome, std::string_view> kAll[] = {
      {Outcome::kOk, "ok"},
      {Outcome::kRefused, "refused"},
      {Outcome::kReset, "reset"},
      {Outcome::kTimeout, "timeout"},
      {Outcome::kUnreachable, "unreachable"},
      {Outcome::kFailed, "failed"}};
};

struct DialResult {
  Outcome outcome = Outcome::kFailed;
  std::int64_t at_ms = 0;
  std::int64_t connect_us = 0;  // until connected or failed
  std::int64_t error = 0;       // errno, 0 if none
  Bytes received;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("outcome", self.outcome);
    field("at_ms", self.at_ms);
    field("connect_us", self.connect_us);
    field("error", self.error);
    field("received", self.received);
  }
};
// Opens a TCP connection, sends `send` and reads until `read_bytes` have come, the peer closes or
// the time is over: `outcome` is ok when connected and, if anything was to be read, something came.
struct DialRequest {
  static constexpr const char* kVerb = "dial";
  using Result = DialResult;
  Place place;
  std::string address;  // IPv4 or IPv6
  std::int64_t port = 0;
  std::int64_t timeout_ms = 3000;
  Bytes send;
  std::int64_t read_bytes = 0;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("place", self.place);
    field("address", self.address, kAddressBounds);
    field("port", self.port, kPortBounds);
    field("timeout_ms", self.timeout_ms, kTimeoutBounds);
    field("send", self.send, Text{.max = 65536});
    field("read_bytes", self.read_bytes, Number{.min = 0, .max = 65536});
  }
};

struct HttpReply {
  std::int64_t at_ms = 0;  // when it was sent
  Outcome outcome = Outcome::kFailed;
  std::int64_t error = 0;
  std::int64_t status = 0;  // 0: no reply
  std::int64_t connect_us = 0;
  std::int64_t total_us = 0;
  Bytes body;  // of a reply, its first max_body bytes

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("at_ms", self.at_ms);
    field("outcome", self.outcome);
    field("error", self.error);
    field("status", self.status);
    field("connect_us", self.connect_us);
    field("total_us", self.total_us);
    field("body", self.body);
  }
};
struct HttpSeries {
  std::vector<HttpReply> replies;  // in the order of sending

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("replies", self.replies);
  }
};
// GETs over HTTP/1.1, each on a connection of its own, `count` of them `interval_ms` apart by
// schedule: a slow one does not hold up the next. Ends early once `stop_after_failures` in a row
// brought no reply (0: never).
struct HttpRequest {
  static constexpr const char* kVerb = "http";
  using Result = HttpSeries;
  Place place;
  std::string address;
  std::int64_t port = 0;
  std::string path = "/";
  std::string host;  // header; empty: address and port
  std::int64_t timeout_ms = 3000;
  std::int64_t max_body = 4096;
  std::int64_t count = 1;
  std::int64_t interval_ms = 100;
  std::int64_t stop_after_failures = 0;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("place", self.place);
    field("address", self.address, kAddressBounds);
    field("port", self.port, kPortBounds);
    field("path", self.path, Text{.min = 1, .max = 2048});
    field("host", self.host, Text{.max = 255});
    field("timeout_ms", self.timeout_ms, kTimeoutBounds);
    field("max_body", self.max_body, Number{.min = 0, .max = 65536});
    field("count", self.count, Number{.min = 1, .max = 3000});
    field("interval_ms", self.interval_ms, Number{.min = 1, .max = 60'000});
    field("stop_after_failures", self.stop_after_failures, Number{.min = 0, .max = 3000});
  }
};

enum class DnsType { kA, kAaaa, kSrv };
template <>
struct EnumNames<DnsType> {
  static constexpr std::pair<DnsType, std::string_view> kAll[] = {
      {DnsType::kA, "A"}, {DnsType::kAaaa, "AAAA"}, {DnsType::kSrv, "SRV"}};
};
struct DnsAnswer {
  std::string name;
  std::string type;  // "A", "AAAA", "SRV", "CNAME"; others are left out
  std::int64_t ttl = 0;
  std::string value;      // an address or a name, without the last dot
  std::int64_t port = 0;  // of SRV

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("name", self.name);
    field("type", self.type);
    field("ttl", self.ttl);
    field("value", self.value);
    field("port", self.port);
  }
};
struct DnsResult {
  Outcome outcome = Outcome::kFailed;  // ok: a reply to this query came, whatever it says
  std::int64_t error = 0;
  std::string rcode;  // "NOERROR", "NXDOMAIN", "SERVFAIL", ...
  bool truncated = false;
  bool authoritative = false;
  std::vector<DnsAnswer> answers;
  std::vector<DnsAnswer> additional;
  std::int64_t elapsed_us = 0;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("outcome", self.outcome);
    field("error", self.error);
    field("rcode", self.rcode);
    field("truncated", self.truncated);
    field("authoritative", self.authoritative);
    field("answers", self.answers);
    field("additional", self.additional);
    field("elapsed_us", self.elapsed_us);
  }
};
// One query to one server; no search list, no cache, no second try.
struct DnsRequest {
  static constexpr const char* kVerb = "dns";
  using Result = DnsResult;
  Place place;
  std::string server;  // IPv4 or IPv6
  std::int64_t port = 53;
  std::string name;  // fully qualified, the last dot may be left out
  DnsType type = DnsType::kA;
  bool tcp = false;
  std::int64_t timeout_ms = 2000;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("place", self.place);
    field("server", self.server, kAddressBounds);
    field("port", self.port, kPortBounds);
    field("name", self.name, Text{.min = 1, .max = 253});
    field("type", self.type);
    field("tcp", self.tcp);
    field("timeout_ms", self.timeout_ms, kTimeoutBounds);
  }
};

struct CaptureResult {
  std::int64_t packets = 0;           // that match
  std::int64_t bytes = 0;             // of them, on the wire
  std::int64_t payload_segments = 0;  // TCP segments with data
  std::int64_t tls_segments = 0;      // of those, that begin with a TLS record
  std::int64_t http_segments =
      0;  // that begin like an HTTP/1 request or reply, or HTTP/2's preface
  std::int64_t marker_segments = 0;  // that hold the marker
  std::int64_t lost = 0;             // that the kernel had to leave out

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("packets", self.packets);
    field("bytes", self.bytes);
    field("payload_segments", self.payload_segments);
    field("tls_segments", self.tls_segments);
    field("http_segments", self.http_segments);
    field("marker_segments", self.marker_segments);
    field("lost", self.lost);
  }
};
// Looks at the packets of an interface, both ways, for a time; keeps none of them.
struct CaptureRequest {
  static constexpr const char* kVerb = "capture";
  using Result = CaptureResult;
  Place place;
  std::string interface = "eth0";
  std::int64_t duration_ms = 1000;
  std::optional<std::int64_t> port{};    // on either side
  std::optional<std::string> address{};  // IPv4, on either side
  Bytes marker;                          // empty: none is looked for

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("place", self.place);
    field("interface", self.interface, Text{.min = 1, .max = 15});
    field("duration_ms", self.duration_ms, Number{.min = 1, .max = 120'000});
    field("port", self.port, kPortBounds);
    field("address", self.address, kAddressBounds);
    field("marker", self.marker, Text{.max = 256});
  }
};

}  // namespace pawk8s::agent
