// Requests and answers between the client and the agent, in turns, one JSON text a line:
//
//   {"protocol": 1, "verb": "statvfs", "args": {...}}
//   {"ok": {...}}   or   {"error": {"code": "NotFound", "message": "...", "target_gone": true}}
//
// The agent's program and the client are built from the same sources; a client that meets an agent
// of another protocol says so instead of guessing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "pawk8s/agent/codec.h"

namespace pawk8s::agent {

inline constexpr std::int64_t kProtocol = 1;
// Larger ones are refused before they are parsed.
inline constexpr std::size_t kMaxRequestBytes = 1 << 20;

struct Request {
  std::string verb;
  Json args;
};
[[nodiscard]] std::string RequestText(std::string_view verb, const Json& args);
// InvalidArgument that says what is wrong.
[[nodiscard]] absl::StatusOr<Request> ParseRequest(std::string_view text);

[[nodiscard]] std::string AnswerText(const absl::StatusOr<Json>& answer);
// The answer's content or its error; DataLoss when the text is no answer.
[[nodiscard]] absl::StatusOr<Json> ParseAnswer(std::string_view text);

// NotFound: what the verb was to act on is no longer there.
[[nodiscard]] absl::Status TargetGone(std::string_view message);
[[nodiscard]] bool IsTargetGone(const absl::Status& status);

}  // namespace pawk8s::agent
