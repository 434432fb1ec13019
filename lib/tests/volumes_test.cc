// What is judged of volumes: binding, capacity, reach, and what is left of them.
#include <gmock/gmock.h>

#include "kube/test_util.h"
#include "pawk8s/testing/volume_matchers.h"

namespace pawk8s {
namespace {

using kube::Json;
using ::testing::Eq;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr std::int64_t kGi = 1LL << 30;

ValidatorVolume Sound(int ordinal = 3) {
  const std::string n = std::to_string(ordinal);
  return {.pod = "v-" + n,
          .claim = "data-v-" + n,
          .ns = "paw",
          .mounted = "data-v-" + n,
          .phase = "Bound",
          .uid = "u" + n,
          .access_modes = {"ReadWriteOnce"},
          .volume = "pv-" + n,
          .request = kGi,
          .claim_ref_uid = "u" + n,
          .reclaim_policy = "Retain",
          .capacity = kGi};
}

TEST(ValidatorVolume, IsItsOwnIfClaimVolumeAndPodAgree) {
  EXPECT_THAT(WhyNotItsOwn(Sound()), IsEmpty());
  ValidatorVolume volume = Sound();
  volume.access_modes = {"ReadWriteOncePod"};
  EXPECT_THAT(WhyNotItsOwn(volume), IsEmpty());
  volume.access_modes = {"ReadWriteOnce", "ReadWriteMany"};
  EXPECT_THAT(WhyNotItsOwn(volume), Eq("asks for ReadWriteOnce, ReadWriteMany"));
  volume.access_modes = {};
  EXPECT_THAT(WhyNotItsOwn(volume), HasSubstr("asks for"));
  volume = Sound();
  volume.claim_ref_uid = "another";
  EXPECT_THAT(WhyNotItsOwn(volume), HasSubstr("its volume pv-3 is of the claim another"));
  volume = Sound();
  volume.mounted = "data-v-2";
  EXPECT_THAT(WhyNotItsOwn(volume), Eq("is not what v-3 mounts, which is data-v-2"));
  volume = Sound();
  volume.phase = "Pending";
  EXPECT_THAT(WhyNotItsOwn(volume), Eq("is Pending"));
  EXPECT_THAT(WhyNotItsOwn({.pod = "v-3", .claim = "data-v-3"}), Eq("is not there"));
}

TEST(ValidatorVolume, SharingIsNamed) {
  std::vector<ValidatorVolume> volumes = {Sound(0), Sound(1), Sound(2)};
  EXPECT_THAT(volumes, testing::HaveDistinctVolumes());
  volumes[2].volume = "pv-0";
  EXPECT_THAT(WhatIsShared(volumes), Eq("data-v-0 and data-v-2 share pv-0"));
  EXPECT_THAT(std::vector{Sound(0)}, Not(testing::HaveDistinctVolumes())) << "one shares with none";
}

TEST(OfferedCapacity, AtTheEdgeOfItsLimits) {
  const auto why = [](std::int64_t request, std::int64_t capacity, std::int64_t total) {
    OfferedCapacity offered{.volume = Sound(), .total = total};
    offered.volume.request = request;
    offered.volume.capacity = capacity;
    return WhyTooSmall(offered, Bytes{kGi}, Percent{90});
  };
  const std::int64_t ten = 10 * kGi;
  EXPECT_THAT(why(ten, ten, 9 * kGi), IsEmpty());
  EXPECT_THAT(why(ten, ten, 9 * kGi - 1), HasSubstr("on which v-3 sees 9.00 GiB"));
  EXPECT_THAT(why(kGi, 500 * kGi, kGi), HasSubstr("declares 500.00 GiB"));
  EXPECT_THAT(why(kGi, kGi - 1, kGi), HasSubstr("has a volume of"));
  EXPECT_THAT(why(kGi - 1, kGi, kGi), HasSubstr("asks for"));
}

TEST(OwnClaim, IsLikeTheValidatorsButOfAnotherSize) {
  Profile profile;
  profile.storage.claim = "data";
  profile.storage.storage_class = "fast";
  const Json set = Json::parse(R"({"spec": {"volumeClaimTemplates": [
      {"metadata": {"name": "other"}, "spec": {"accessModes": ["ReadWriteMany"]}},
      {"metadata": {"name": "data", "labels": {"app": "v"}},
       "spec": {"accessModes": ["ReadWriteOnce"]}}]}})");
  ASSERT_OK_AND_ASSIGN(const Json claim,
                       OwnClaimManifest("pawk8s-x", set, profile, Bytes{2 * kGi}));
  EXPECT_EQ(claim, Json::parse(R"({"metadata": {"name": "pawk8s-x"}, "spec": {
      "accessModes": ["ReadWriteOnce"], "storageClassName": "fast",
      "resources": {"requests": {"storage": "2Gi"}}}})"));
  profile.storage.claim = "gone";
  EXPECT_THAT(OwnClaimManifest("pawk8s-x", set, profile, Bytes{kGi}),
              Fails(absl::StatusCode::kNotFound, HasSubstr("no claim template gone")));
}

TEST(OwnClaim, AwaitsItsUserOnlyWhereTheClassSaysSo) {
  using testing::AwaitsItsUser;
  const ClaimState pending{.phase = "Pending"};
  const ClaimState bound{.phase = "Bound", .volume = "pv"};
  const std::string lazy = "WaitForFirstConsumer";
  EXPECT_THAT(pending, AwaitsItsUser(lazy));
  EXPECT_THAT(bound, Not(AwaitsItsUser(lazy)));
  EXPECT_THAT(bound, AwaitsItsUser(std::string("Immediate")));
}

TEST(SecondUser, IsKeptOffByTheVolumeAndNothingElse) {
  EXPECT_TRUE(SaysVolumeIsElsewhere(
      {"FailedScheduling: 0/5 nodes are available: 1 node(s) had volume node affinity conflict"}));
  EXPECT_TRUE(SaysVolumeIsElsewhere({"Scheduled: Successfully assigned",
                                     "FailedAttachVolume: Multi-Attach error for volume \"pv\""}));
  EXPECT_FALSE(SaysVolumeIsElsewhere(
      {"FailedScheduling: 0/5 nodes are available: 1 Insufficient cpu, 4 node(s) didn't match "
       "Pod's node affinity/selector"}));
  EXPECT_FALSE(SaysVolumeIsElsewhere({"FailedAttachVolume: driver not found"}));
  EXPECT_FALSE(SaysVolumeIsElsewhere({}));
  EXPECT_THAT((UserState{.lacks = "Pending"}), testing::IsKeptOff());
  EXPECT_THAT(UserState{}, Not(testing::IsKeptOff()));
}

TEST(RecoveredData, IsWhatWasWrittenAndNotNothing) {
  using testing::IsRecovered;
  EXPECT_THAT((RecoveredData{.mark = "m", .read = "m"}), IsRecovered());
  EXPECT_THAT((RecoveredData{.mark = "m", .read = "n"}), Not(IsRecovered()));
  EXPECT_THAT(RecoveredData{}, Not(IsRecovered()));
  EXPECT_THAT(RecoveredData{.phase = "gone"}, Not(testing::IsReleased()));
}

TEST(GrowingVolume, GrowsInItsStatusAndForItsPod) {
  using testing::HasGrownTo;
  const GrowingVolume grown{.claim = {.capacity = 2 * kGi}, .total = 2 * kGi * 9 / 10 + 1};
  EXPECT_THAT(grown, HasGrownTo(Bytes{2 * kGi}, Percent{90}));
  GrowingVolume other = grown;
  other.total = 2 * kGi * 9 / 10 - 1;
  EXPECT_THAT(other, Not(HasGrownTo(Bytes{2 * kGi}, Percent{90})));
  other = grown;
  other.claim.capacity = 2 * kGi - 1;
  EXPECT_THAT(other, Not(HasGrownTo(Bytes{2 * kGi}, Percent{90})));
}

TEST(GrowingVolume, EveryWriteCounts) {
  GrowingVolume volume;
  ASSERT_THAT(ParseWriterReport("4096 245760\n120\n0\n", volume), IsOk());
  EXPECT_EQ(volume.total, 4096LL * 245760);
  EXPECT_THAT(volume, testing::HasWrittenTo(120));
  EXPECT_THAT(volume, Not(testing::HasWrittenTo(121)));
  EXPECT_THAT(volume, testing::HasNoFailedWrite());
  ASSERT_THAT(ParseWriterReport("4096 245760\n120\n1\n", volume), IsOk());
  EXPECT_THAT(volume, Not(testing::HasNoFailedWrite()));
  EXPECT_THAT(GrowingVolume{}, Not(testing::HasNoFailedWrite())) << "nothing was written";
  EXPECT_THAT(ParseWriterReport("stat: No such file", volume),
              Fails(absl::StatusCode::kDataLoss, HasSubstr("No such file")));
}

kube::Object Claim(const std::string& uid, const std::string& phase = "Bound",
                   const std::string& volume = "pv-1") {
  return kube::Object({{"metadata", {{"name", "c"}, {"uid", uid}}},
                       {"spec", {{"volumeName", volume}}},
                       {"status", {{"phase", phase}}}});
}

TEST(KeptClaim, StaysAsItWasThroughEveryChange) {
  using Type = kube::Change::Type;
  const MountedClaim before{.claim = "c", .uid = "u", .volume = "pv-1"};
  const auto why = [&](Type type, const kube::Object& object) {
    return WhyNotKept({Claim("u")}, {{.type = type, .object = object}}, before);
  };
  EXPECT_THAT(WhyNotKept({Claim("u")}, {}, before), IsEmpty());
  EXPECT_THAT(why(Type::kModified, Claim("u")), IsEmpty());
  EXPECT_THAT(why(Type::kDeleted, Claim("u")), Eq("was deleted"));
  EXPECT_THAT(why(Type::kAdded, Claim("other")), Eq("was replaced by another one"));
  EXPECT_THAT(why(Type::kModified, Claim("u", "Lost")), Eq("was Lost"));
  EXPECT_THAT(why(Type::kModified, Claim("u", "Bound", "pv-2")), Eq("was bound to volume pv-2"));
  EXPECT_THAT(WhyNotKept({}, {}, before), Eq("was not there"));
}

TEST(KeptClaim, ComesBackWithTheSameVolumeAndBytes) {
  using testing::ComesBackWithItsData;
  const MountedClaim claim{.claim = "c", .uid = "u", .volume = "pv-1"};
  const KeptClaim kept{.before = claim, .after = claim, .mark = "m", .mark_after = "m"};
  EXPECT_THAT(kept, ComesBackWithItsData());
  KeptClaim other = kept;
  other.mark_after.reset();
  EXPECT_THAT(other, Not(ComesBackWithItsData()));
  other = kept;
  other.after.volume = "pv-2";
  EXPECT_THAT(other, Not(ComesBackWithItsData()));
}

}  // namespace
}  // namespace pawk8s
