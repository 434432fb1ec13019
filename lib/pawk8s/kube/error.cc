#include "pawk8s/kube/error.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "absl/strings/cord.h"
#include "nlohmann/json.hpp"
#include "pawk8s/base/redact.h"
#include "pawk8s/base/status.h"
#include "pawk8s/kube/object.h"

namespace pawk8s::kube {
namespace {

constexpr char kPayload[] = "pawk8s.dev/api-error";

std::string_view HttpPhrase(int status) {
  switch (status) {
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 415:
      return "Unsupported Media Type";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 500:
      return "Internal Server Error";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "";
  }
}

absl::StatusCode CodeOf(const ApiError& error) {
  if (error.reason == "AlreadyExists") return absl::StatusCode::kAlreadyExists;
  if (error.reason == "Expired" || error.reason == "Gone") return absl::StatusCode::kOutOfRange;
  const absl::StatusCode code = CodeOfHttp(error.http_status);
  return code == absl::StatusCode::kOk ? absl::StatusCode::kInternal : code;
}

}  // namespace

bool ApiError::HasCause(std::string_view cause_reason) const {
  return std::any_of(causes.begin(), causes.end(),
                     [&](const Cause& cause) { return cause.reason == cause_reason; });
}

absl::Status StatusOfAnswer(std::string_view request, int http_status, std::string_view body,
                            std::string_view retry_after) {
  ApiError error;
  error.http_status = http_status;
  const Json json = Json::parse(body, nullptr, /*allow_exceptions=*/false);
  if (FindString(json, {"kind"}) == "Status") {
    error.reason = FindString(json, {"reason"}).value_or("");
    error.message = FindString(json, {"message"}).value_or("");
    for (const Json& cause : FindList(json, {"details", "causes"})) {
      error.causes.push_back({FindString(cause, {"reason"}).value_or(""),
                              Redact(FindString(cause, {"message"}).value_or("")),
                              FindString(cause, {"field"}).value_or("")});
    }
    if (const auto seconds = FindInt(json, {"details", "retryAfterSeconds"})) {
      error.retry_after = std::chrono::seconds(*seconds);
    }
  } else {
    error.message = body.substr(0, 300);
    while (!error.message.empty() && error.message.back() == '\n') error.message.pop_back();
  }
  if (!error.retry_after && !retry_after.empty()) {
    char* end = nullptr;
    const std::string text(retry_after);
    const long seconds = std::strtol(text.c_str(), &end, 10);
    if (end != text.c_str() && *end == '\0' && seconds >= 0) {
      error.retry_after = std::chrono::seconds(seconds);
    }
  }
  error.message = Redact(error.message);

  std::string text = fmt::format("{}: {} {}", request, http_status, HttpPhrase(http_status));
  while (text.back() == ' ') text.pop_back();
  if (!error.message.empty()) text += ": " + error.message;
  for (const ApiError::Cause& cause : error.causes) {
    if (!cause.message.empty() && error.message.find(cause.message) == std::string::npos) {
      text += fmt::format(" ({})", cause.message);
    }
  }
  absl::Status status(CodeOf(error), text);

  Json payload = {{"status", http_status}, {"reason", error.reason}, {"message", error.message}};
  payload["causes"] = Json::array();
  for (const ApiError::Cause& cause : error.causes) {
    payload["causes"].push_back(
        {{"reason", cause.reason}, {"message", cause.message}, {"field", cause.field}});
  }
  if (error.retry_after) payload["retryAfter"] = error.retry_after->count();
  // Replaces what is not UTF-8: the peer may have sent anything.
  status.SetPayload(kPayload,
                    absl::Cord(payload.dump(-1, ' ', false, Json::error_handler_t::replace)));
  return status;
}

std::optional<ApiError> ApiErrorOf(const absl::Status& status) {
  const auto payload = status.GetPayload(kPayload);
  if (!payload) return std::nullopt;
  const Json json = Json::parse(std::string(*payload), nullptr, /*allow_exceptions=*/false);
  ApiError error;
  error.http_status = static_cast<int>(FindInt(json, {"status"}).value_or(0));
  error.reason = FindString(json, {"reason"}).value_or("");
  error.message = FindString(json, {"message"}).value_or("");
  for (const Json& cause : FindList(json, {"causes"})) {
    error.causes.push_back({FindString(cause, {"reason"}).value_or(""),
                            FindString(cause, {"message"}).value_or(""),
                            FindString(cause, {"field"}).value_or("")});
  }
  if (const auto seconds = FindInt(json, {"retryAfter"})) {
    error.retry_after = std::chrono::seconds(*seconds);
  }
  return error;
}

}  // namespace pawk8s::kube
