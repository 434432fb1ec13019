// What the tests of these layers share.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/base/status.h"

namespace pawk8s {

inline Deadline In(std::chrono::milliseconds budget) { return Deadline::After(budget); }
inline Deadline Soon() { return In(std::chrono::seconds(10)); }

inline const absl::Status& StatusOf(const absl::Status& status) { return status; }
template <class T>
const absl::Status& StatusOf(const absl::StatusOr<T>& result) {
  return result.status();
}

MATCHER(IsOk, "is OK") {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.ok();
}

MATCHER_P2(Fails, code, message,
           "fails with " + absl::StatusCodeToString(code) + " and a message that " +
               testing::DescribeMatcher<std::string>(message, negation)) {
  const absl::Status& status = StatusOf(arg);
  *result_listener << status.ToString();
  return status.code() == code &&
         testing::ExplainMatchResult(message, std::string(MessageOf(status)), result_listener);
}

}  // namespace pawk8s

// The value, or a fatal failure that shows the error.
#define ASSERT_OK_AND_ASSIGN(declaration, expression)          \
  auto PAWK8S_CONCAT(result_, __LINE__) = (expression);        \
  ASSERT_TRUE(PAWK8S_CONCAT(result_, __LINE__).ok())           \
      << PAWK8S_CONCAT(result_, __LINE__).status().ToString(); \
  declaration = *std::move(PAWK8S_CONCAT(result_, __LINE__))
