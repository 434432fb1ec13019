// One DNS query. The message is taken apart by the C library's parser (ns_initparse), which checks
// bounds and compression; nothing of its resolver or name service is used.
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <resolv.h>

#include <algorithm>
#include <cerrno>
#include <random>

#include "absl/strings/ascii.h"
#include "absl/strings/strip.h"
#include "connection.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

int WireType(DnsType type) {
  return type == DnsType::kA ? ns_t_a : type == DnsType::kAaaa ? ns_t_aaaa : ns_t_srv;
}

absl::StatusOr<std::string> Query(const DnsRequest& request, std::uint16_t id) {
  unsigned char message[NS_PACKETSZ] = {};
  ns_put16(id, message);
  message[2] = 1;  // recursion desired
  message[5] = 1;  // one question
  unsigned char* at = message + NS_HFIXEDSZ;
  const int size = ::dn_comp(request.name.c_str(), at, NS_MAXCDNAME, nullptr, nullptr);
  if (size < 0) {
    return absl::InvalidArgumentError(fmt::format("'{}' is no domain name", request.name));
  }
  at += size;
  ns_put16(static_cast<unsigned>(WireType(request.type)), at);
  ns_put16(ns_c_in, at + 2);
  at += 4;
  return std::string(reinterpret_cast<char*>(message), static_cast<std::size_t>(at - message));
}

std::string NameOfRcode(int rcode) {
  constexpr const char* kNames[] = {"NOERROR",  "FORMERR", "SERVFAIL",
                                    "NXDOMAIN", "NOTIMP",  "REFUSED"};
  return rcode >= 0 && rcode < 6 ? kNames[rcode] : fmt::format("RCODE{}", rcode);
}

std::string ReadAddress(int family, const ns_rr& record) {
  const int size = family == AF_INET ? NS_INADDRSZ : NS_IN6ADDRSZ;
  char text[INET6_ADDRSTRLEN];
  if (ns_rr_rdlen(record) != size) return "";
  return ::inet_ntop(family, ns_rr_rdata(record), text, sizeof text) == nullptr ? "" : text;
}

std::string ReadName(const ns_msg& message, const unsigned char* from) {
  char name[NS_MAXDNAME];
  const int used = ::dn_expand(ns_msg_base(message), ns_msg_end(message), from, name, sizeof name);
  return used < 0 ? "" : std::string(absl::StripSuffix(name, "."));
}

// Empty for a record of another type or one that is damaged.
std::optional<DnsAnswer> ReadRecord(const ns_msg& message, const ns_rr& record) {
  DnsAnswer answer{.name = std::string(absl::StripSuffix(ns_rr_name(record), ".")),
                   .ttl = ns_rr_ttl(record)};
  switch (static_cast<int>(ns_rr_type(record))) {
    case ns_t_a:
      answer.type = "A";
      answer.value = ReadAddress(AF_INET, record);
      break;
    case ns_t_aaaa:
      answer.type = "AAAA";
      answer.value = ReadAddress(AF_INET6, record);
      break;
    case ns_t_cname:
      answer.type = "CNAME";
      answer.value = ReadName(message, ns_rr_rdata(record));
      break;
    case ns_t_srv:
      if (ns_rr_rdlen(record) < 7) return std::nullopt;
      answer.type = "SRV";
      answer.port = ns_get16(ns_rr_rdata(record) + 4);  // after priority and weight
      answer.value = ReadName(message, ns_rr_rdata(record) + 6);
      break;
    default:
      return std::nullopt;
  }
  if (answer.value.empty()) return std::nullopt;
  return answer;
}

std::vector<DnsAnswer> ReadSection(ns_msg& message, ns_sect section) {
  std::vector<DnsAnswer> answers;
  for (int i = 0; i < ns_msg_count(message, section); ++i) {
    ns_rr record;
    if (::ns_parserr(&message, section, i, &record) != 0) break;
    if (auto answer = ReadRecord(message, record)) answers.push_back(*std::move(answer));
  }
  return answers;
}

// Is it the reply to this query? Then `result` is filled.
bool ReadReply(const std::string& bytes, const DnsRequest& request, std::uint16_t id,
               DnsResult& result) {
  ns_msg message;
  const auto* data = reinterpret_cast<const unsigned char*>(bytes.data());
  if (::ns_initparse(data, static_cast<int>(bytes.size()), &message) != 0) return false;
  if (ns_msg_id(message) != id || ns_msg_getflag(message, ns_f_qr) != 1) return false;
  ns_rr question;
  if (ns_msg_count(message, ns_s_qd) == 1) {
    if (::ns_parserr(&message, ns_s_qd, 0, &question) != 0) return false;
    const std::string asked = absl::AsciiStrToLower(absl::StripSuffix(request.name, "."));
    if (absl::AsciiStrToLower(absl::StripSuffix(ns_rr_name(question), ".")) != asked ||
        static_cast<int>(ns_rr_type(question)) != WireType(request.type)) {
      return false;
    }
  }
  result.rcode = NameOfRcode(ns_msg_getflag(message, ns_f_rcode));
  result.truncated = ns_msg_getflag(message, ns_f_tc) == 1;
  result.authoritative = ns_msg_getflag(message, ns_f_aa) == 1;
  result.answers = ReadSection(message, ns_s_an);
  result.additional = ReadSection(message, ns_s_ar);
  return true;
}

// 0 or an errno. Over UDP, what is not the reply is passed over until the time is up.
int Exchange(Connection& connection, const DnsRequest& request, const std::string& query,
             std::uint16_t id, std::int64_t until, DnsResult& result) {
  std::string sent = query;
  if (request.tcp) {
    unsigned char size[2];
    ns_put16(static_cast<unsigned>(query.size()), size);
    sent.insert(0, reinterpret_cast<char*>(size), 2);
  }
  if (const int error = connection.Send(sent, until); error != 0) return error;
  std::string received;
  bool ended = false;
  for (;;) {
    if (!request.tcp) received.clear();
    if (const int error = connection.Receive(received, ended, until); error != 0) return error;
    if (!request.tcp) {
      if (ReadReply(received, request, id, result)) return 0;
      continue;
    }
    if (received.size() >= 2) {
      const auto* bytes = reinterpret_cast<const unsigned char*>(received.data());
      const std::size_t size = ns_get16(bytes);
      if (received.size() >= size + 2) {
        return ReadReply(received.substr(2, size), request, id, result) ? 0 : EPROTO;
      }
    }
    if (ended) return ECONNRESET;
  }
}

}  // namespace

absl::StatusOr<DnsResult> AskDns(const Node& node, const DnsRequest& request) {
  ASSIGN_OR_RETURN(const Address address, ParseAddress(request.server, request.port));
  std::random_device random;
  const auto id = static_cast<std::uint16_t>(random());
  ASSIGN_OR_RETURN(const std::string query, Query(request, id));
  ASSIGN_OR_RETURN(Fd fd, SocketIn(node, request.place, address.storage.ss_family,
                                   (request.tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK));
  const std::int64_t began = MonotonicMicros();
  const std::int64_t until = began + request.timeout_ms * 1000;
  Connection connection(std::move(fd));
  DnsResult result;
  int error = connection.Connect(address, until);
  if (error == 0) error = Exchange(connection, request, query, id, until, result);
  result.elapsed_us = MonotonicMicros() - began;
  result.error = error;
  result.outcome = OutcomeOf(error);
  return result;
}

}  // namespace pawk8s::agent
