#include "pawk8s/agent/protocol.h"

#include <fmt/format.h>

#include "absl/strings/cord.h"
#include "pawk8s/agent/fault.h"
#include "pawk8s/base/status.h"

namespace pawk8s::agent {
namespace {

constexpr char kTargetGone[] = "pawk8s.dev/target-gone";

struct Envelope {
  std::int64_t protocol = 0;
  std::string verb;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("protocol", self.protocol, Number{.min = kProtocol, .max = kProtocol});
    field("verb", self.verb, Text{.min = 1, .max = 64});
  }
};

struct Failure {
  std::string code;
  std::string message;
  bool target_gone = false;

  template <class Self, class Visitor>
  static void Fields(Self& self, Visitor& field) {
    field("code", self.code);
    field("message", self.message);
    field("target_gone", self.target_gone);
  }
};

// What comes from a node, such as a command line, need not be UTF-8.
std::string Dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

absl::StatusCode CodeNamed(std::string_view name) {
  for (int code = 1; code <= static_cast<int>(absl::StatusCode::kUnauthenticated); ++code) {
    const auto candidate = static_cast<absl::StatusCode>(code);
    if (absl::StatusCodeToString(candidate) == name) return candidate;
  }
  return absl::StatusCode::kUnknown;
}

// Nested arrays and objects cost the parser stack: no request needs more than a few levels.
Json ParseShallow(std::string_view text) {
  bool too_deep = false;
  const auto watch = [&](int depth, Json::parse_event_t, Json&) {
    too_deep = too_deep || depth > 16;
    return !too_deep;
  };
  Json json = Json::parse(text, watch, /*allow_exceptions=*/false);
  return too_deep ? Json(Json::value_t::discarded) : json;
}

}  // namespace

std::string_view KindOf(const Injection& injection) {
  return std::visit([](const auto& kind) { return std::string_view(kind.kKind); }, injection);
}

std::string RequestText(std::string_view verb, const Json& args) {
  return Dump({{"protocol", kProtocol}, {"verb", verb}, {"args", args}});
}

absl::StatusOr<Request> ParseRequest(std::string_view text) {
  if (text.size() > kMaxRequestBytes) {
    return absl::InvalidArgumentError(
        fmt::format("the request has more than {} bytes", kMaxRequestBytes));
  }
  Json json = ParseShallow(text);
  if (!json.is_object()) return absl::InvalidArgumentError("the request is no JSON object");
  const auto found = json.find("args");
  if (found == json.end() || !found->is_object()) {
    return absl::InvalidArgumentError("args must be an object");
  }
  Json args = std::move(*found);
  json.erase(found);
  ASSIGN_OR_RETURN(Envelope envelope, Decode<Envelope>(json));
  return Request{std::move(envelope.verb), std::move(args)};
}

std::string AnswerText(const absl::StatusOr<Json>& answer) {
  if (answer.ok()) return Dump({{"ok", *answer}});
  const Failure failure{.code = CodeNameOf(answer.status()),
                        .message = std::string(MessageOf(answer.status())),
                        .target_gone = IsTargetGone(answer.status())};
  return Dump({{"error", Encode(failure)}});
}

absl::StatusOr<Json> ParseAnswer(std::string_view text) {
  Json json = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  const absl::Status garbled = absl::DataLossError(
      fmt::format("the agent's answer is not understood: '{}'", text.substr(0, 200)));
  if (!json.is_object() || json.size() != 1) return garbled;
  if (const auto ok = json.find("ok"); ok != json.end()) return std::move(*ok);
  const auto error = json.find("error");
  if (error == json.end()) return garbled;
  const absl::StatusOr<Failure> failure = Decode<Failure>(*error);
  if (!failure.ok()) return garbled;
  if (failure->target_gone) return TargetGone(failure->message);
  return absl::Status(CodeNamed(failure->code), failure->message);
}

absl::Status TargetGone(std::string_view message) {
  absl::Status status = absl::NotFoundError(std::string(message));
  status.SetPayload(kTargetGone, absl::Cord("true"));
  return status;
}

bool IsTargetGone(const absl::Status& status) { return status.GetPayload(kTargetGone).has_value(); }

}  // namespace pawk8s::agent
