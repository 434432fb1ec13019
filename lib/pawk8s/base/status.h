// What this project adds to absl::Status: context on the way up, and a greppable way to drop one.
//
//   ASSIGN_OR_RETURN(const auto pods, client.List(...));     // error passes up
//   if (absl::Status s = DoIt(); !s.ok()) return Annotate(s, "reading the profile");
//
// Codes are the canonical ones; who may retry on which is decided in pawk8s/wait alone.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"

namespace pawk8s {

// Debian's absl::string_view is a type of its own; this is the message as the standard's.
[[nodiscard]] inline std::string_view MessageOf(const absl::Status& status) {
  return {status.message().data(), status.message().size()};
}

// "Unavailable", "PermissionDenied", ...
[[nodiscard]] inline std::string CodeNameOf(const absl::Status& status) {
  return absl::StatusCodeToString(status.code());
}

// The same code and payloads, the message "<context>: <message>". OK stays OK.
[[nodiscard]] absl::Status Annotate(const absl::Status& status, std::string_view context);

// Says in the code why an error does not matter here.
inline void IgnoreError(const absl::Status& /*status*/, std::string_view /*why*/) {}

// For an HTTP status code, the canonical code that clients of this library see (401
// Unauthenticated, 403 PermissionDenied, 404 NotFound, 409 Aborted, 410 OutOfRange, 429
// ResourceExhausted, 422 and other 4xx InvalidArgument, 5xx Unavailable). 2xx is kOk.
[[nodiscard]] absl::StatusCode CodeOfHttp(int http_status);

}  // namespace pawk8s

#define PAWK8S_CONCAT_INNER(a, b) a##b
#define PAWK8S_CONCAT(a, b) PAWK8S_CONCAT_INNER(a, b)

#define RETURN_IF_ERROR(expression)                                       \
  do {                                                                    \
    if (absl::Status pawk8s_status = (expression); !pawk8s_status.ok()) { \
      return pawk8s_status;                                               \
    }                                                                     \
  } while (false)

#define ASSIGN_OR_RETURN(declaration, expression) \
  PAWK8S_ASSIGN_OR_RETURN_(PAWK8S_CONCAT(pawk8s_result_, __LINE__), declaration, expression)
#define PAWK8S_ASSIGN_OR_RETURN_(result, declaration, expression) \
  auto result = (expression);                                     \
  if (!result.ok()) return std::move(result).status();            \
  declaration = *std::move(result)
