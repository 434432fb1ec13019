// What the API server said beyond the HTTP status, kept as a payload of the absl::Status.
//
//   if (auto why = kube::ApiErrorOf(status); why && why->HasCause("DisruptionBudget")) ...
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/status.h"

namespace pawk8s::kube {

struct ApiError {
  struct Cause {
    std::string reason;  // "DisruptionBudget", "FieldValueInvalid", ...
    std::string message;
    std::string field;
  };
  int http_status = 0;
  std::string reason;   // metav1.StatusReason: "NotFound", "AlreadyExists", "Conflict", ...
  std::string message;  // redacted
  std::vector<Cause> causes;
  std::optional<std::chrono::seconds> retry_after;

  [[nodiscard]] bool HasCause(std::string_view cause_reason) const;
};

// What the API server answered, if `status` comes from an answer of it.
[[nodiscard]] std::optional<ApiError> ApiErrorOf(const absl::Status& status);

// The status for an answer that is not 2xx: canonical code by HTTP status and reason
// (AlreadyExists, Conflict -> Aborted, Expired -> OutOfRange, Invalid -> InvalidArgument, ...),
// message "<request>: 403 Forbidden: <what the server said>", redacted, ApiError as payload.
// `retry_after` is the header's value, empty when there was none.
[[nodiscard]] absl::Status StatusOfAnswer(std::string_view request, int http_status,
                                          std::string_view body, std::string_view retry_after);

}  // namespace pawk8s::kube
