#include "pawk8s/net/http.h"

#include <thread>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"
#include "pawk8s/net/internal/url.h"

namespace pawk8s::net {
namespace {

using absl::StatusCode;
using fake::FakeApiServer;
using fake::Misbehaviour;
using testing::HasSubstr;

class Http : public testing::Test {
 protected:
  HttpOptions options() const { return {.tls = {.ca_pem = api_.config().ca_pem}}; }
  HttpRequest To(const std::string& path) const {
    return {.url = api_.url() + path,
            .headers = {{"Authorization", "Bearer " + api_.config().token}}};
  }
  FakeApiServer api_;
};

TEST_F(Http, KeepsOneConnectionForManyRequests) {
  HttpClient http(options());
  for (int i = 0; i < 10; ++i) {
    ASSERT_OK_AND_ASSIGN(const HttpResponse answer, http.Send(To("/version"), Soon()));
    EXPECT_EQ(answer.status, 200);
    ASSERT_NE(answer.Find("Content-Type"), nullptr);
    EXPECT_EQ(*answer.Find("Content-Type"), "application/json");
  }
  EXPECT_EQ(api_.connections_accepted(), 1);
}

TEST_F(Http, StatusOfAnAnswerIsData) {
  HttpClient http(options());
  ASSERT_OK_AND_ASSIGN(const HttpResponse answer, http.Send(To("/nowhere"), Soon()));
  EXPECT_EQ(answer.status, 404);
}

TEST_F(Http, ReconnectsAfterAConnectionThatClosedSilently) {
  HttpClient http(options());
  api_.Misbehave(Misbehaviour::kStaleKeepAlive);
  ASSERT_THAT(http.Send(To("/version"), Soon()), IsOk());
  EXPECT_THAT(http.Send(To("/version"), Soon()), IsOk());
  EXPECT_EQ(api_.connections_accepted(), 2);
}

TEST_F(Http, RefusedConnectionIsUnavailable) {
  HttpClient http;
  EXPECT_THAT(http.Send({.url = "http://127.0.0.1:1/x"}, Soon()),
              Fails(StatusCode::kUnavailable, HasSubstr("GET http://127.0.0.1:1/x: ")));
}

TEST_F(Http, CutOffAnswerIsUnavailable) {
  HttpClient http(options());
  api_.Misbehave(Misbehaviour::kHalfBody);
  EXPECT_THAT(http.Send(To("/version"), Soon()), Fails(StatusCode::kUnavailable, HasSubstr("GET")));
  api_.Misbehave(Misbehaviour::kReset);
  EXPECT_THAT(http.Send(To("/version"), Soon()), Fails(StatusCode::kUnavailable, HasSubstr("GET")));
}

TEST_F(Http, AnswerThatIsNoHttpIsDataLoss) {
  HttpClient http(options());
  api_.Misbehave(Misbehaviour::kNotHttp);
  EXPECT_THAT(http.Send(To("/version"), Soon()), Fails(StatusCode::kDataLoss, HasSubstr("GET")));
}

TEST_F(Http, UnknownAuthorityIsRefused) {
  const fake::CertificateAuthority other;
  HttpClient http({.tls = {.ca_pem = other.certificate_pem()}});
  EXPECT_THAT(http.Send(To("/version"), Soon()),
              Fails(StatusCode::kUnauthenticated, HasSubstr("certificate")));
  HttpClient system_store;
  EXPECT_THAT(system_store.Send(To("/version"), Soon()),
              Fails(StatusCode::kUnauthenticated, HasSubstr("certificate")));
}

TEST_F(Http, NameThatIsNotInTheCertificateIsRefusedAndOneThatIsAccepted) {
  HttpOptions wrong = options();
  wrong.tls.server_name = "other.test";
  EXPECT_THAT(HttpClient(wrong).Send(To("/version"), Soon()),
              Fails(StatusCode::kUnauthenticated, HasSubstr("other.test")));
  HttpOptions right = options();
  right.tls.server_name = "kubernetes.test";
  EXPECT_THAT(HttpClient(right).Send(To("/version"), Soon()), IsOk());
}

TEST_F(Http, ExpiredServerCertificateIsRefused) {
  const FakeApiServer expired({.certificate_life = std::chrono::seconds(-60)});
  HttpClient http({.tls = {.ca_pem = expired.config().ca_pem}});
  EXPECT_THAT(http.Send({.url = expired.url() + "/readyz"}, Soon()),
              Fails(StatusCode::kUnauthenticated, HasSubstr("expired")));
}

TEST_F(Http, ServerWithoutTlsIsNotTalkedTo) {
  const FakeApiServer plain({.tls = false});
  HttpClient http(options());
  EXPECT_THAT(http.Send({.url = plain.url() + "/readyz"}, Soon()),
              Fails(StatusCode::kUnavailable, HasSubstr("SSL")));
}

TEST_F(Http, UnusableClientCertificateIsInvalid) {
  HttpOptions bad = options();
  bad.tls.client_certificate_pem = "nonsense";
  bad.tls.client_key_pem = "nonsense";
  EXPECT_THAT(HttpClient(bad).Send(To("/version"), Soon()),
              Fails(StatusCode::kInvalidArgument, HasSubstr("certificate")));
}

TEST_F(Http, DeadlineEndsAWaitForHeaders) {
  HttpClient http(options());
  api_.Misbehave(Misbehaviour::kSlowHeaders);
  const auto before = std::chrono::steady_clock::now();
  EXPECT_THAT(http.Send(To("/version"), In(std::chrono::milliseconds(1500))),
              Fails(StatusCode::kDeadlineExceeded, HasSubstr("no answer in time")));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(4));
  EXPECT_THAT(http.Send(To("/version"), Soon()), IsOk());  // and the client is as good as new
}

TEST_F(Http, DeadlineThatIsOverSendsNothing) {
  HttpClient http(options());
  EXPECT_THAT(http.Send(To("/version"), In(std::chrono::milliseconds(0))),
              Fails(StatusCode::kDeadlineExceeded, HasSubstr("/version")));
  EXPECT_EQ(api_.connections_accepted(), 0);
}

TEST_F(Http, StopFromAnotherThreadEndsACallAtOnce) {
  HttpClient http(options());
  api_.Misbehave(Misbehaviour::kSlowHeaders);
  std::stop_source stop;
  std::chrono::steady_clock::time_point stopped;
  std::jthread stopper([&] {
    while (api_.requests_answered() == 0) std::this_thread::yield();
    stopped = std::chrono::steady_clock::now();
    stop.request_stop();
  });
  EXPECT_THAT(
      http.Send(To("/version"), Deadline::After(std::chrono::seconds(20), stop.get_token())),
      Fails(StatusCode::kCancelled, HasSubstr("cancelled")));
  stopper.join();
  EXPECT_LT(std::chrono::steady_clock::now() - stopped, std::chrono::seconds(3));
}

TEST_F(Http, LongBodyIsRefused) {
  HttpOptions small = options();
  small.max_body_bytes = 3;
  EXPECT_THAT(HttpClient(small).Send(To("/version"), Soon()),
              Fails(StatusCode::kResourceExhausted, HasSubstr("longer than 3 bytes")));
}

TEST_F(Http, HeaderWithALineBreakIsInvalid) {
  HttpClient http(options());
  EXPECT_THAT(http.Send({.url = api_.url(), .headers = {{"A", "b\r\nC: d"}}}, Soon()),
              Fails(StatusCode::kInvalidArgument, HasSubstr("line break")));
}

TEST(Url, BadOnesAreInvalidAndSayWhy) {
  for (const char* bad : {"", "nonsense", "ftp://a/", "http://", "http://a:b/", "http://a:99999/",
                          "http://u@a/", "http://a/ b", "http://[::1/", "http://a/#b"}) {
    EXPECT_THAT(internal::ParseUrl(bad), Fails(StatusCode::kInvalidArgument, HasSubstr("URL")))
        << bad;
    EXPECT_THAT(HttpClient().Send({.url = bad}, Soon()),
                Fails(StatusCode::kInvalidArgument, HasSubstr("URL")));
  }
}

TEST(Url, PartsAreFound) {
  ASSERT_OK_AND_ASSIGN(const auto url, internal::ParseUrl("wss://[::1]:6443/a?b=c"));
  EXPECT_TRUE(url.tls);
  EXPECT_EQ(url.host, "::1");
  EXPECT_EQ(url.port, "6443");
  EXPECT_EQ(url.target, "/a?b=c");
  ASSERT_OK_AND_ASSIGN(const auto bare, internal::ParseUrl("http://host"));
  EXPECT_EQ(bare.port, "80");
  EXPECT_EQ(bare.target, "/");
}

TEST(Url, EscapeKeepsOnlyWhatIsUnreserved) {
  EXPECT_EQ(UrlEscape("a b/c=d,e~f"), "a%20b%2Fc%3Dd%2Ce~f");
}

}  // namespace
}  // namespace pawk8s::net
