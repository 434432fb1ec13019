// What only a server that misbehaves can show. The rest is the contract (contract_test.cc).
#include "pawk8s/kube/informer.h"

#include <thread>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"

namespace pawk8s::kube {
namespace {

using absl::StatusCode;
using fake::FakeApiServer;
using fake::Misbehaviour;
using testing::HasSubstr;

constexpr char kPath[] = "/api/v1/namespaces/paw/configmaps/";

class Informers : public testing::Test {
 protected:
  Informers() : client_(api_.config()) { Put("first", "1"); }

  void Put(const std::string& name, const std::string& value) {
    api_.store().Put(kPath + name,
                     {{"metadata", {{"name", name}, {"namespace", "paw"}, {"uid", name}}},
                      {"data", {{"v", value}}}});
  }
  absl::StatusOr<std::unique_ptr<Informer>> Start(const InformerOptions& options = {}) {
    return Informer::Start(client_, {kConfigMaps, "paw"}, Soon(), options);
  }
  // Waits until `name` holds `value`.
  static absl::Status AwaitValue(const Informer& informer, const std::string& name,
                                 const std::string& value) {
    const Deadline deadline = Soon();
    for (;;) {
      const Informer::Snapshot now = informer.Get();
      const Object* object = now.Find(name);
      if (object != nullptr && FindString(object->json(), {"data", "v"}) == value) return {};
      RETURN_IF_ERROR(informer.AwaitChange(now.version, deadline));
    }
  }

  FakeApiServer api_;
  Client client_;
};

TEST_F(Informers, GoesOnAfterACutOffWatchWithoutLosingAChange) {
  ASSERT_OK_AND_ASSIGN(auto informer, Start());
  for (int i = 0; i < 5; ++i) {
    api_.DropConnections();
    Put("first", std::to_string(i));
    ASSERT_THAT(AwaitValue(*informer, "first", std::to_string(i)), IsOk());
  }
  EXPECT_EQ(informer->relists(), 0);
  EXPECT_EQ(informer->Changes().changes.size(), 5u);
}

TEST_F(Informers, ListsAnewWhenItsVersionIsTooOldAndRecordsTheDifference) {
  ASSERT_OK_AND_ASSIGN(auto informer, Start());
  Put("second", "x");
  ASSERT_THAT(AwaitValue(*informer, "second", "x"), IsOk());
  // The watch cannot be resumed, and the first list expires too: the next one must make up for all.
  api_.store().Compact();
  api_.Misbehave(Misbehaviour::kExpired, 2, "/configmaps");
  api_.DropConnections();
  Put("first", "changed");
  Put("third", "new");
  ASSERT_THAT(AwaitValue(*informer, "third", "new"), IsOk());
  ASSERT_THAT(AwaitValue(*informer, "first", "changed"), IsOk());
  EXPECT_GE(informer->relists(), 1);
  EXPECT_THAT(informer->status(), IsOk());
}

TEST_F(Informers, SurvivesEachKindOfBadWatch) {
  ASSERT_OK_AND_ASSIGN(auto informer, Start());
  int value = 0;
  for (const auto how :
       {Misbehaviour::kCloseMidWatch, Misbehaviour::kGarbageEvent, Misbehaviour::kInternalError,
        Misbehaviour::kTooManyRequests, Misbehaviour::kExpired, Misbehaviour::kHalfBody,
        Misbehaviour::kReset, Misbehaviour::kNotHttp, Misbehaviour::kGarbageJson}) {
    api_.Misbehave(how, 2, "/configmaps");
    api_.DropConnections();
    const std::string wanted = std::to_string(++value);
    Put("first", wanted);
    ASSERT_THAT(AwaitValue(*informer, "first", wanted), IsOk()) << static_cast<int>(how);
  }
}

TEST_F(Informers, TroubleIsVisibleWhileItLasts) {
  ASSERT_OK_AND_ASSIGN(auto informer, Start());
  api_.Misbehave(Misbehaviour::kInternalError, 1000, "/configmaps");
  api_.DropConnections();
  const absl::Status waited = informer->AwaitChange(0, In(std::chrono::milliseconds(300)));
  EXPECT_THAT(waited, Fails(StatusCode::kDeadlineExceeded, HasSubstr("500 Internal Server Error")));
  EXPECT_THAT(informer->status(), Fails(StatusCode::kUnavailable, HasSubstr("500")));
}

TEST_F(Informers, ConfirmsThatItHasSeenEverything) {
  ASSERT_OK_AND_ASSIGN(auto informer, Start());
  EXPECT_THAT(informer->Confirm(Soon()), IsOk());
  Put("first", "2");
  EXPECT_THAT(informer->Confirm(Soon()), IsOk()) << "the event may come after the list";
  ASSERT_THAT(AwaitValue(*informer, "first", "2"), IsOk());
  EXPECT_THAT(informer->Confirm(In(Millis{0})), IsOk()) << "the wait before it is always over";
}

TEST_F(Informers, DoNotConfirmASilentWatch) {
  api_.Misbehave(Misbehaviour::kSlowHeaders, 1000, "watch=true");
  ASSERT_OK_AND_ASSIGN(auto informer, Start());
  EXPECT_THAT(informer->Confirm(Soon()), IsOk()) << "nothing has changed";
  Put("second", "x");
  EXPECT_THAT(informer->Confirm(Soon()),
              Fails(StatusCode::kUnavailable, HasSubstr("does not bring what a list shows")));
}

TEST_F(Informers, StartFailsWithTheReason) {
  EXPECT_THAT(Informer::Start(client_.As("nobody"), {kConfigMaps, "paw"}, Soon()),
              Fails(StatusCode::kPermissionDenied, HasSubstr("listing configmaps in paw: GET ")));
}

TEST_F(Informers, StopsPromptlyWhateverItDoes) {
  for (const bool broken : {false, true}) {
    ASSERT_OK_AND_ASSIGN(auto informer, Start());
    if (broken) {
      api_.Misbehave(Misbehaviour::kSlowHeaders, 1, "/configmaps");
      api_.DropConnections();
    }
    const auto before = std::chrono::steady_clock::now();
    informer.reset();
    EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(3));
  }
}

TEST_F(Informers, WaitIsCancelledByItsStopToken) {
  ASSERT_OK_AND_ASSIGN(auto informer, Start());
  std::stop_source stop;
  std::jthread stopper([&] { stop.request_stop(); });
  EXPECT_THAT(informer->AwaitChange(0, Deadline::After(std::chrono::seconds(30), stop.get_token())),
              Fails(StatusCode::kCancelled, HasSubstr("configmaps in paw")));
}

TEST_F(Informers, TimelineSaysHowMuchItDropped) {
  ASSERT_OK_AND_ASSIGN(auto informer, Start({.timeline_capacity = 3}));
  for (int i = 0; i < 10; ++i) Put("first", std::to_string(i + 100));
  ASSERT_THAT(AwaitValue(*informer, "first", "109"), IsOk());
  const Informer::Timeline timeline = informer->Changes();
  EXPECT_EQ(timeline.changes.size(), 3u);
  EXPECT_EQ(timeline.dropped, 7u);
  EXPECT_LE(timeline.changes[0].at, timeline.changes[2].at);
}

}  // namespace
}  // namespace pawk8s::kube
