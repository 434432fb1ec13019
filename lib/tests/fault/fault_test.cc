#include "fault/fault_fixture.h"

namespace pawk8s::fault {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

// Marks that a controller has seen the present spec: the fake has no controllers.
void Observe(fake::FakeApiServer& api, kube::Client& client) {
  const auto set = client.Get(kSet, Soon());
  ASSERT_THAT(set, IsOk());
  kube::Json json = set->json();
  json["status"]["observedGeneration"] = json["metadata"].value("generation", 1);
  api.store().Put(kSet.Path(), json);
}

class Faulted : public FaultTest {
 protected:
  Faulted() { Observe(api_, client_); }
  static kube::Json Annotation(const char* value) {
    return {{"metadata", {{"annotations", {{"note", value}}}}}};
  }
};

TEST_F(Faulted, StandsInTheLedgerUntilItsRevertWasSeen) {
  {
    auto fault = MakeFaults().Edit(kSet, Annotation("x"), "annotate v", Soon());
    ASSERT_THAT(fault, IsOk());
    EXPECT_EQ(Entries(), 1U);
    EXPECT_TRUE(fault->trace().seen.has_value());
    EXPECT_THAT(client_.Get(kSet, Soon())->annotation("note"), testing::Optional(std::string("x")));
    EXPECT_THAT(fault->Revert(), IsOk());
    EXPECT_THAT(fault->Revert(), IsOk()) << "a second one does nothing";
  }
  EXPECT_EQ(Entries(), 0U);
  EXPECT_EQ(client_.Get(kSet, Soon())->annotation("note"), std::nullopt);
  ASSERT_THAT(steps_, SizeIs(5)) << "planned, applied, seen, reverted, checked";
  EXPECT_TRUE(steps_.back().checked.has_value());
  EXPECT_THAT(failed_, IsEmpty());
}

TEST_F(Faulted, RevertsWhenItsScopeEnds) {
  {
    const auto fault = MakeFaults().Edit(kSet, Annotation("x"), "annotate v", Soon());
    ASSERT_THAT(fault, IsOk());
  }
  EXPECT_EQ(client_.Get(kSet, Soon())->annotation("note"), std::nullopt);
  EXPECT_EQ(Entries(), 0U);
}

TEST_F(Faulted, ATemplateTakenBackFreesThePodThatIsStuckOnTheOther) {
  const Undo undo{.kind = Undo::Kind::kPatch,
                  .object = kSet,
                  .uid = "uid-v",
                  .patch = {{"spec", {{"template", {{"metadata", {{"name", "old"}}}}}}}}};
  const auto is_there = [&](const std::string& pod) {
    return client_.Get({kube::kPods, "paw", pod}, Soon()).ok();
  };
  EXPECT_THAT(TakeBack(client_, nullptr, undo, Soon()),
              Fails(absl::StatusCode::kUnavailable, HasSubstr("has not seen the template")));
  kube::Json seen = FakeWorkload("StatefulSet", "v", 4);
  seen["spec"].update(undo.patch["spec"]);
  seen["status"]["updateRevision"] = "r";
  api_.store().Put("/apis/apps/v1/namespaces/paw/statefulsets/v", seen);

  PutPod(api_.store(), "v-3", {.owner = "v", .revision = "other", .ready = false});
  PutPod(api_.store(), "v-2", {.owner = "v", .revision = "other"});
  PutPod(api_.store(), "v-1", {.owner = "v", .ready = false});
  PutPod(api_.store(), "w-0", {.owner = "w", .revision = "other", .ready = false, .app = "v"});
  EXPECT_THAT(TakeBack(client_, nullptr, undo, Soon()), IsOk());
  EXPECT_FALSE(is_there("v-3"));
  EXPECT_TRUE(is_there("v-2")) << "the controller replaces what is Ready";
  EXPECT_TRUE(is_there("v-1")) << "it is of the template that came back";
  EXPECT_TRUE(is_there("w-0")) << "it is somebody else's";

  api_.Misbehave(fake::Misbehaviour::kInternalError, 1, "/pods?");
  EXPECT_THAT(TakeBack(client_, nullptr, undo, Soon()),
              Fails(absl::StatusCode::kUnavailable, HasSubstr("500")));
}

TEST_F(Faulted, IsWrittenDownBeforeAnythingIsDone) {
  api_.Misbehave(fake::Misbehaviour::kInternalError, 1000, "/configmaps");
  EXPECT_THAT(MakeFaults().Edit(kSet, Annotation("x"), "annotate v", In(std::chrono::seconds(2))),
              Fails(absl::StatusCode::kUnavailable, HasSubstr("writing the ledger")));
  EXPECT_EQ(client_.Get(kSet, Soon())->annotation("note"), std::nullopt);
}

TEST_F(Faulted, ThatIsNotSeenIsNoStimulusAndIsTakenBack) {
  // Nobody observes the new generation of the scaled set.
  EXPECT_THAT(MakeFaults().Scale(kSet, 3, In(std::chrono::seconds(1))),
              Fails(absl::StatusCode::kDeadlineExceeded,
                    HasSubstr("the effect of 'scale StatefulSet paw/v to 3' was not seen")));
  EXPECT_EQ(Replicas(), 4);
  EXPECT_EQ(Entries(), 0U);
}

TEST_F(Faulted, ThatWouldChangeNothingIsRefused) {
  EXPECT_THAT(MakeFaults().Scale(kSet, 4, Soon()),
              Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("already is as")));
}

TEST_F(Faulted, TheGuardIsAskedFirst) {
  auto faults = MakeFaults([](const Loss& loss, const Deadline&) {
    return loss.quorum_declared ? absl::OkStatus() : absl::FailedPreconditionError("too much");
  });
  EXPECT_THAT(
      faults.Edit(kSet, Annotation("x"), "annotate v", Soon()),
      Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("refused to annotate v: too")));
  EXPECT_THAT(steps_, IsEmpty());
  EXPECT_THAT(faults.Edit(kSet, Annotation("x"), "annotate v", Soon(), {.quorum_declared = true}),
              IsOk());
}

TEST_F(Faulted, ARevertThatFailsIsToldAndStaysInTheLedger) {
  {
    auto fault = MakeFaults().Edit(kSet, Annotation("x"), "annotate v", Soon());
    ASSERT_THAT(fault, IsOk());
    kube::Json other = client_.Get(kSet, Soon())->json();
    other["metadata"]["uid"] = "another";
    api_.store().Put(kSet.Path(), other);
  }
  EXPECT_THAT(failed_, IsEmpty()) << "another object of that name is left alone";
  EXPECT_THAT(client_.Get(kSet, Soon())->annotation("note"), testing::Optional(std::string("x")));
}

TEST_F(Faulted, AnApiServerThatIsAwayIsAskedAgain) {
  auto fault = MakeFaults().Edit(kSet, Annotation("x"), "annotate v", Soon());
  ASSERT_THAT(fault, IsOk());
  api_.Misbehave(fake::Misbehaviour::kReset, 5, "/statefulsets");
  EXPECT_THAT(fault->Revert(), IsOk());
  EXPECT_EQ(client_.Get(kSet, Soon())->annotation("note"), std::nullopt);
}

TEST_F(Faulted, MakesAndDeletesObjectsOfItsOwn) {
  {
    const auto fault =
        MakeFaults().Create({kube::kConfigMaps, "paw"},
                            {{"metadata", {{"name", "own"}}}, {"data", {{"a", "b"}}}}, Soon());
    ASSERT_THAT(fault, IsOk());
    EXPECT_THAT(client_.Get({kube::kConfigMaps, "paw", "own"}, Soon())->label(kRunLabel),
                testing::Optional(std::string("run1")));
  }
  EXPECT_THAT(client_.Get({kube::kConfigMaps, "paw", "own"}, Soon()),
              Fails(absl::StatusCode::kNotFound, HasSubstr("own")));
  EXPECT_EQ(Entries(), 0U);
}

TEST_F(Faulted, LiftTakesBackTheNewestFirst) {
  // Two changes of one field: only in that order does the first value come back.
  auto first = MakeFaults().Edit(kSet, Annotation("1"), "first", Soon());
  ASSERT_THAT(first, IsOk());
  auto second = MakeFaults().Edit(kSet, Annotation("2"), "second", Soon());
  ASSERT_THAT(second, IsOk());
  ASSERT_OK_AND_ASSIGN(const auto entries, ledger_.Read(Soon()));
  ASSERT_THAT(entries, SizeIs(2));
  EXPECT_EQ(entries.front().what, "first");
  EXPECT_EQ(entries.front().case_id, "INF-STS-01");
  EXPECT_THAT(Lift(
                  client_, ledger_, nullptr, [](const LedgerEntry&) { return true; }, Soon()),
              IsOk());
  EXPECT_EQ(Entries(), 0U);
  EXPECT_EQ(client_.Get(kSet, Soon())->annotation("note"), std::nullopt);
}

TEST_F(Faulted, ALedgerOfAnotherVersionIsNamed) {
  api_.store().Put("/api/v1/namespaces/pawk8s/configmaps/ledger-paw",
                   {{"kind", "ConfigMap"},
                    {"metadata", {{"name", "ledger-paw"}, {"namespace", "pawk8s"}, {"uid", "u"}}},
                    {"data", {{"e1", R"({"version":7})"}}}});
  EXPECT_THAT(ledger_.Read(Soon()),
              Fails(absl::StatusCode::kFailedPrecondition,
                    HasSubstr("entry e1 is of version 7, this suite knows version 1")));
  api_.store().Put("/api/v1/namespaces/pawk8s/configmaps/ledger-paw",
                   {{"kind", "ConfigMap"},
                    {"metadata", {{"name", "ledger-paw"}, {"namespace", "pawk8s"}, {"uid", "u"}}},
                    {"data", {{"e1", "half a"}}}});
  EXPECT_THAT(ledger_.Read(Soon()),
              Fails(absl::StatusCode::kDataLoss, HasSubstr("entry e1 cannot be read")));
}

}  // namespace
}  // namespace pawk8s::fault
