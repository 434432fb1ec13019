// Claims of the suite's own and the volumes that they leave.
#include "fault/fault_fixture.h"

namespace pawk8s::fault {
namespace {

using kube::Json;
using testing::HasSubstr;
using testing::IsEmpty;

const kube::ObjectRef kClaim{kube::kPersistentVolumeClaims, "paw", "pawk8s-a"};
const kube::ObjectRef kVolume{kube::kPersistentVolumes, "", "pv-1"};

class Volumes : public FaultTest {
 protected:
  static Json Manifest(const std::string& name = "pawk8s-a") {
    return {{"metadata", {{"name", name}}}, {"spec", {{"storageClassName", "fast"}}}};
  }
  void PutVolume(const std::string& phase, const std::string& claim = "pawk8s-a") {
    api_.store().Put(
        kVolume.Path(),
        {{"kind", "PersistentVolume"},
         {"metadata", {{"name", "pv-1"}, {"uid", "uid-pv-1"}}},
         {"spec",
          {{"persistentVolumeReclaimPolicy", "Retain"},
           {"claimRef",
            {{"namespace", "paw"}, {"name", claim}, {"uid", "old"}, {"resourceVersion", "7"}}}}},
         {"status", {{"phase", phase}}}});
  }
  Json Volume() {
    const auto found = client_.Get(kVolume, Soon());
    return found.ok() ? found->json() : Json(nullptr);
  }
  absl::Status TakeBackClaim() {
    return TakeBack(client_, nullptr, {.kind = Undo::Kind::kClaim, .object = kClaim}, Soon());
  }
};

TEST_F(Volumes, AClaimTakesItsVolumeAlong) {
  auto claim = MakeFaults().Claim("paw", Manifest(), Soon());
  ASSERT_THAT(claim, IsOk());
  PutVolume("Bound");
  // The first attempt has to wait for who deletes volumes, and says so.
  EXPECT_THAT(TakeBackClaim(), Fails(absl::StatusCode::kUnavailable, HasSubstr("volume pv-1")));
  EXPECT_EQ(Volume()["spec"]["persistentVolumeReclaimPolicy"], "Delete");
  EXPECT_THAT(client_.Get(kClaim, Soon()),
              Fails(absl::StatusCode::kNotFound, HasSubstr("pawk8s-a")));
  ASSERT_THAT(client_.Delete(kVolume, Soon()), IsOk());
  EXPECT_THAT(TakeBackClaim(), IsOk());
  EXPECT_THAT(claim->Revert(), IsOk());
  EXPECT_EQ(Entries(), 0U);
}

TEST_F(Volumes, OfAnotherClaimIsLeftAlone) {
  PutVolume("Bound", "other");
  EXPECT_THAT(TakeBackClaim(), IsOk());
  EXPECT_EQ(Volume()["spec"]["persistentVolumeReclaimPolicy"], "Retain");
  // Not made by the suite, though it has the name.
  PutVolume("Bound");
  Json claim = Manifest();
  claim["kind"] = "PersistentVolumeClaim";
  claim["metadata"]["uid"] = "u";
  api_.store().Put(kClaim.Path(), claim);
  EXPECT_THAT(TakeBackClaim(), IsOk());
  EXPECT_EQ(Volume()["spec"]["persistentVolumeReclaimPolicy"], "Retain");
}

TEST_F(Volumes, ThatNoClaimEverGotCountsAsLeft) {
  PutVolume("Available");
  EXPECT_THAT(TakeBackClaim(), Fails(absl::StatusCode::kUnavailable, HasSubstr("pv-1")));
  EXPECT_EQ(Volume()["spec"]["claimRef"]["uid"], "pawk8s-nobody");
}

TEST_F(Volumes, ALeftVolumeIsMeantForTheNewClaim) {
  PutVolume("Released");
  auto again = MakeFaults().ClaimAgain("paw", Manifest("pawk8s-b"), "pv-1", Soon());
  ASSERT_THAT(again, IsOk());
  const Json ref = Volume()["spec"]["claimRef"];
  EXPECT_EQ(ref["name"], "pawk8s-b");
  EXPECT_FALSE(ref.contains("uid"));
  const kube::ObjectRef claim{kube::kPersistentVolumeClaims, "paw", "pawk8s-b"};
  EXPECT_EQ(client_.Get(claim, Soon())->json()["spec"]["volumeName"], "pv-1");
  ASSERT_THAT(client_.Delete(kVolume, Soon()), IsOk());
  EXPECT_THAT(again->Revert(), IsOk());
}

TEST_F(Volumes, OnlyWhatAnOwnClaimHasLeftIsClaimedAgain) {
  const auto again = [&] {
    return MakeFaults().ClaimAgain("paw", Manifest("pawk8s-b"), "pv-1", Soon()).status();
  };
  EXPECT_THAT(again(), Fails(absl::StatusCode::kNotFound, HasSubstr("pv-1")));
  PutVolume("Bound");
  EXPECT_THAT(again(), Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("is Bound")));
  PutVolume("Released", "paw-data-paw-validator-0");
  EXPECT_THAT(again(), Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("an own claim")));
  EXPECT_THAT(steps_, IsEmpty());
}

TEST_F(Volumes, OwnObjectsAreChangedAndDeletedOthersNot) {
  auto faults = MakeFaults();
  const auto made =
      faults.Create({kube::kConfigMaps, "paw"}, {{"metadata", {{"name", "o"}}}}, Soon());
  ASSERT_THAT(made, IsOk());
  const kube::ObjectRef own{kube::kConfigMaps, "paw", "o"};
  EXPECT_THAT(faults.EditOwn(own, {{"data", {{"a", "b"}}}}, "edit o", Soon()), IsOk());
  EXPECT_EQ(client_.Get(own, Soon())->json()["data"]["a"], "b");
  EXPECT_EQ(Entries(), 1U) << "nothing to revert but the object itself";
  EXPECT_THAT(faults.EditOwn(kSet, {{"spec", {{"replicas", 1}}}}, "scale v", Soon()),
              Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("is not of this run")));
  EXPECT_THAT(faults.DeleteOwn(kSet, Soon()),
              Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("is not of this run")));
  EXPECT_EQ(Replicas(), 4);
  EXPECT_THAT(faults.DeleteOwn(own, Soon()), IsOk());
  EXPECT_THAT(client_.Get(own, Soon()), Fails(absl::StatusCode::kNotFound, HasSubstr("o")));
}

}  // namespace
}  // namespace pawk8s::fault
