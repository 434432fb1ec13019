#include <gmock/gmock.h>

#include "absl/strings/cord.h"
#include "pawk8s/base/clock.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/base/duration.h"
#include "pawk8s/base/redact.h"
#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

using testing::Eq;
using testing::HasSubstr;
using testing::Not;
using namespace std::chrono_literals;

TEST(Deadline, KnowsTimeAndCancellation) {
  EXPECT_TRUE(Deadline::After(0s).Over());
  EXPECT_FALSE(Deadline::After(1h).Over());
  EXPECT_LE(Deadline::After(1h).AtMost(2s).Remaining(), 2s);
  EXPECT_LE(Deadline::After(1s).AtMost(2h).Remaining(), 1s);
  std::stop_source stop;
  const auto deadline = Deadline::After(1h, stop.get_token());
  stop.request_stop();
  EXPECT_TRUE(deadline.AtMost(1h).Over());
  EXPECT_THAT(deadline.Remaining(), Eq(0ms));
  EXPECT_TRUE(absl::IsCancelled(deadline.Check("x")));
  EXPECT_TRUE(absl::IsDeadlineExceeded(Deadline::After(-1s).Check("x")));
}

TEST(Clock, SleepEndsAtTheDeadlineAndWhenCancelled) {
  const auto began = Clock::Real().Now();
  Clock::Real().Sleep(1h, Deadline::After(20ms));
  std::stop_source stop;
  stop.request_stop();
  Clock::Real().Sleep(1h, Deadline::After(1h, stop.get_token()));
  EXPECT_LT(Clock::Real().Now() - began, 10s);
}

TEST(Clock, FormatsUtc) {
  EXPECT_THAT(FormatUtc(std::chrono::system_clock::time_point(1'769'903'999'123ms)),
              Eq("2026-01-31T23:59:59.123Z"));
}

TEST(Duration, IsReadInSeconds) {
  EXPECT_EQ(InSeconds(Millis{12'360}), "12.4s");
  EXPECT_EQ(InSeconds(Millis{0}), "0.0s");
  EXPECT_EQ(InSeconds(std::nullopt), "never");
}

TEST(Status, AnnotateKeepsCodeAndPayloads) {
  absl::Status status = absl::NotFoundError("gone");
  status.SetPayload("t", absl::Cord("p"));
  const absl::Status annotated = Annotate(status, "reading x");
  EXPECT_TRUE(absl::IsNotFound(annotated));
  EXPECT_THAT(MessageOf(annotated), Eq("reading x: gone"));
  EXPECT_TRUE(annotated.GetPayload("t").has_value());
  EXPECT_TRUE(Annotate(absl::OkStatus(), "x").ok());
}

TEST(Status, MapsHttp) {
  EXPECT_THAT(CodeOfHttp(204), Eq(absl::StatusCode::kOk));
  EXPECT_THAT(CodeOfHttp(403), Eq(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(CodeOfHttp(410), Eq(absl::StatusCode::kOutOfRange));
  EXPECT_THAT(CodeOfHttp(429), Eq(absl::StatusCode::kResourceExhausted));
  EXPECT_THAT(CodeOfHttp(503), Eq(absl::StatusCode::kUnavailable));
  EXPECT_THAT(CodeOfHttp(422), Eq(absl::StatusCode::kInvalidArgument));
}

TEST(Redact, HidesCredentialsAndNothingElse) {
  const std::string shown = Redact(
      "Authorization: Bearer abcdefghijk.lmn\n\"token\": \"s3cretvalue\", client-key-data: QUJD\n"
      "-----BEGIN EC "
      "PRIVATE KEY-----\nMHcC\n-----END EC PRIVATE KEY-----\npod paw-validator-0");
  EXPECT_THAT(shown, Not(HasSubstr("abcdefghijk")));
  EXPECT_THAT(shown, Not(HasSubstr("s3cretvalue")));
  EXPECT_THAT(shown, Not(HasSubstr("QUJD")));
  EXPECT_THAT(shown, Not(HasSubstr("MHcC")));
  EXPECT_THAT(shown, HasSubstr("pod paw-validator-0"));
}

}  // namespace
}  // namespace pawk8s
