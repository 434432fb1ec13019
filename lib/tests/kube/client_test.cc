// What only a server that misbehaves can show. The rest is the contract (contract_test.cc).
#include "pawk8s/kube/client.h"

#include "fake/fake_api_server.h"
#include "kube/test_util.h"

namespace pawk8s::kube {
namespace {

using absl::StatusCode;
using fake::FakeApiServer;
using fake::Misbehaviour;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class Misbehaving : public testing::Test {
 protected:
  Misbehaving() : client_(api_.config()) {
    api_.store().Put("/api/v1/namespaces/paw/pods/p", {{"metadata", {{"name", "p"}}}});
  }
  absl::Status GetPod() { return client_.Get(pod_, Soon()).status(); }

  FakeApiServer api_;
  Client client_;
  const ObjectRef pod_{kPods, "paw", "p"};
};

TEST_F(Misbehaving, TooManyRequestsSaysWhenToComeBack) {
  api_.Misbehave(Misbehaviour::kTooManyRequests);
  const absl::Status status = GetPod();
  EXPECT_THAT(status,
              Fails(StatusCode::kResourceExhausted,
                    HasSubstr("GET /api/v1/namespaces/paw/pods/p: 429 Too Many Requests: ")));
  const auto error = ApiErrorOf(status);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->retry_after, std::chrono::seconds(7));
  EXPECT_EQ(error->reason, "TooManyRequests");
}

TEST_F(Misbehaving, ServerErrorIsUnavailableAndRedacted) {
  api_.Misbehave(Misbehaviour::kInternalError);
  EXPECT_THAT(GetPod(), Fails(StatusCode::kUnavailable,
                              AllOf(HasSubstr("500 Internal Server Error: something broke"),
                                    Not(HasSubstr("abcdefgh12345678")))));
}

TEST_F(Misbehaving, OneCallIsOneRequest) {
  api_.Misbehave(Misbehaviour::kInternalError);
  EXPECT_FALSE(GetPod().ok());
  EXPECT_EQ(api_.requests_answered(), 1);
}

TEST_F(Misbehaving, AnswersThatAreNoObjectAreDataLoss) {
  for (const auto how : {Misbehaviour::kGarbageJson, Misbehaviour::kNotJsonList}) {
    api_.Misbehave(how);
    EXPECT_THAT(GetPod(), Fails(StatusCode::kDataLoss, HasSubstr("no JSON object")));
  }
}

TEST_F(Misbehaving, HostileObjectIsHarmlessAndAHostileListIsDataLoss) {
  api_.Misbehave(Misbehaviour::kHostileJson, 2);
  ASSERT_OK_AND_ASSIGN(const Object object, client_.Get(pod_, Soon()));
  EXPECT_EQ(object.name(), "");
  EXPECT_THAT(client_.List({kPods, "paw"}, Soon()),
              Fails(StatusCode::kDataLoss, HasSubstr("no list")));
}

TEST_F(Misbehaving, CutOffAnswerIsUnavailable) {
  api_.Misbehave(Misbehaviour::kHalfBody);
  EXPECT_THAT(GetPod(), Fails(StatusCode::kUnavailable, HasSubstr("/pods/p")));
}

TEST_F(Misbehaving, RequestTakesAtMostItsOwnTimeout) {
  Client hasty(api_.config(), std::chrono::milliseconds(100));
  api_.Misbehave(Misbehaviour::kSlowHeaders);
  EXPECT_THAT(hasty.Get(pod_, Soon()), Fails(StatusCode::kDeadlineExceeded, HasSubstr("in time")));
}

TEST_F(Misbehaving, WrongAuthorityIsUnauthenticated) {
  Kubeconfig config = api_.config();
  config.ca_pem = fake::CertificateAuthority().certificate_pem();
  EXPECT_THAT(Client(config).Get(pod_, Soon()),
              Fails(StatusCode::kUnauthenticated, HasSubstr("certificate")));
}

TEST_F(Misbehaving, NoServerIsUnavailable) {
  Kubeconfig config = api_.config();
  config.server = "https://127.0.0.1:1";
  EXPECT_THAT(Client(config).Get(pod_, Soon()),
              Fails(StatusCode::kUnavailable, HasSubstr("connect")));
}

TEST_F(Misbehaving, RefusedTokenIsUnauthenticated) {
  EXPECT_THAT(client_.WithToken("wrong").Get(pod_, Soon()),
              Fails(StatusCode::kUnauthenticated,
                    AllOf(HasSubstr("401 Unauthorized"), Not(HasSubstr("wrong")))));
}

TEST_F(Misbehaving, ListThatExpiresBetweenPagesIsOutOfRange) {
  api_.store().Put("/api/v1/namespaces/paw/pods/q", {{"metadata", {{"name", "q"}}}});
  api_.Misbehave(Misbehaviour::kExpired, 1, "/pods");
  EXPECT_THAT(client_.List({kPods, "paw"}, Soon(), 1),
              Fails(StatusCode::kOutOfRange, HasSubstr("410 Gone")));
}

TEST_F(Misbehaving, WatchThatIsCutOffOrNonsenseFails) {
  const std::string now = std::to_string(api_.store().version());
  const auto watch = [&] {
    return client_.Watch(
        {kPods, "paw"}, now,
        [&](const WatchEvent& event) {
          if (event.type == WatchEvent::Type::kOpened) {
            api_.store().Put("/api/v1/namespaces/paw/pods/q", {{"metadata", {{"name", "q"}}}});
          }
          return true;
        },
        Soon());
  };
  api_.Misbehave(Misbehaviour::kCloseMidWatch);
  EXPECT_THAT(watch(), Fails(StatusCode::kUnavailable, HasSubstr("watch=true")));
  api_.Misbehave(Misbehaviour::kGarbageEvent);
  EXPECT_THAT(watch(), Fails(StatusCode::kDataLoss, HasSubstr("event")));
}

TEST_F(Misbehaving, WatchFromAVersionThatIsTooOldIsOutOfRange) {
  const std::string old = std::to_string(api_.store().version());
  api_.store().Compact();
  EXPECT_THAT(client_.Watch(
                  {kPods, "paw"}, old, [](const WatchEvent&) { return true; }, Soon()),
              Fails(StatusCode::kOutOfRange, HasSubstr("410")));
}

TEST_F(Misbehaving, RequestsWithoutANameAreNotSent) {
  EXPECT_THAT(client_.Delete({kPods, "paw", ""}, Soon()),
              Fails(StatusCode::kInvalidArgument, HasSubstr("needs a name")));
  EXPECT_THAT(client_.Get({kPods, "", "p"}, Soon()),
              Fails(StatusCode::kInvalidArgument, HasSubstr("a namespace")));
  EXPECT_EQ(api_.requests_answered(), 0);
}

TEST(ApiErrors, CausesAndHeadersSurviveTheTripThroughAStatus) {
  const absl::Status status = StatusOfAnswer(
      "POST /x", 429,
      R"({"kind":"Status","reason":"TooManyRequests","message":"no","details":{"retryAfterSeconds":3,
          "causes":[{"reason":"DisruptionBudget","message":"needs 3","field":"f"}]}})",
      "9");
  EXPECT_THAT(status, Fails(StatusCode::kResourceExhausted, HasSubstr("needs 3")));
  const auto error = ApiErrorOf(Annotate(status, "evicting"));
  ASSERT_TRUE(error);
  EXPECT_TRUE(error->HasCause("DisruptionBudget"));
  EXPECT_FALSE(error->HasCause("Other"));
  EXPECT_EQ(error->retry_after, std::chrono::seconds(3));
  EXPECT_EQ(ApiErrorOf(absl::InternalError("x")), std::nullopt);
}

TEST(ApiErrors, AnyBytesAreSurvived) {
  for (const std::string& body :
       {std::string("\xff\xfe{"), std::string("{\"kind\":\"Status\"}"),
        std::string("{\"kind\":\"Status\",\"details\":{\"causes\":{\"a\":1}}}"),
        std::string(100000, '[')}) {
    EXPECT_TRUE(ApiErrorOf(StatusOfAnswer("GET /x", 500, body, "soon")));
  }
}

TEST(Paths, AreThoseOfTheApi) {
  EXPECT_EQ((ObjectRef{kPods, "paw", "a b"}.Path()), "/api/v1/namespaces/paw/pods/a%20b");
  EXPECT_EQ((ObjectRef{kStatefulSets, "paw", "v"}.Sub("scale").Path()),
            "/apis/apps/v1/namespaces/paw/statefulsets/v/scale");
  EXPECT_EQ((ObjectRef{kNodes, "", "n"}.Path()), "/api/v1/nodes/n");
  EXPECT_EQ((Collection{kPods}.Path()), "/api/v1/pods");
  EXPECT_EQ((Collection{kPods, "paw", "app=paw"}.ToString()), "pods in paw with labels app=paw");
}

}  // namespace
}  // namespace pawk8s::kube
