#include <gmock/gmock.h>

#include <algorithm>

#include "pawk8s/deployment/own_volume.h"
#include "pawk8s/testing/case.h"
#include "pawk8s/testing/matchers.h"
#include "pawk8s/testing/volume_matchers.h"

namespace pawk8s::testing {
namespace {

using ::testing::Ge;
using ::testing::SizeIs;

constexpr Millis kEvery{1000};  // where each look is an exec

class PersistentVolume : public Case {
 protected:
  // Of every ordinal, never of none.
  std::vector<ValidatorVolume> ValidatorVolumes() {
    std::vector<ValidatorVolume> volumes = Must(ReadValidatorVolumes(paw(), deadline()));
    EXPECT_THAT(volumes, SizeIs(Ge(profile().validators.min_replicas)));
    return volumes;
  }
  // What Eventually() and Consistently() ask again and again.
  auto Now(const OwnClaim& claim) {
    return [&](const Deadline& d) { return ReadClaim(paw(), claim, d); };
  }
  auto Now(const OwnClaim& claim, const OwnUser& user) {
    return [&](const Deadline& d) { return ReadUser(paw(), claim, user, d); };
  }
};

TEST_F(PersistentVolume, EachClaimBindsItsOwnVolume) {
  const std::vector<ValidatorVolume> volumes = ValidatorVolumes();
  for (const ValidatorVolume& volume : volumes) EXPECT_THAT(volume, BindsItsOwnVolume());
  EXPECT_THAT(volumes, HaveDistinctVolumes());
}

TEST_F(PersistentVolume, FreshClaimBindsOnFirstConsumer) {
  const Millis limit = profile().thresholds.persistent_volume.bound;
  const std::string mode = Must(ReadBindingMode(paw(), deadline()));
  const std::string mark = RandomMark();
  const OwnClaim claim = Stimulus(MakeClaim(paw(), faults(), "fresh", deadline()));
  EXPECT_TRUE(Consistently(For{Millis{2000}}, Now(claim), AwaitsItsUser(mode)));

  const Deadline by = deadline().AtMost(limit);
  const OwnUser user = Stimulus(UseClaim(paw(), faults(), claim, {.what = "fresh"}, deadline()));
  ASSERT_TRUE(Eventually(Within{limit}, Now(claim), IsBound()));
  EXPECT_TRUE(Eventually(
      Within{by.Remaining()},
      [&](const Deadline& d) { return ReadContent(paw(), claim, user, mark, d); }, Reads(mark)));
  MeasureAtMost("bound and written to", limit - by.Remaining(), limit);
}

TEST_F(PersistentVolume, SecondNodeCannotMountClaim) {
  const auto& limits = profile().thresholds.persistent_volume;
  const auto [first, second] = Must(TwoWorkers(paw(), deadline()));
  const auto use = [&](const OwnClaim& claim, const char* what, const std::string& node) {
    return Stimulus(UseClaim(paw(), faults(), claim, {.what = what, .node = node}, deadline()));
  };
  const OwnClaim claim = Stimulus(MakeClaim(paw(), faults(), "shared", deadline()));
  const OwnUser user = use(claim, "first", first);
  ASSERT_TRUE(Eventually(Within{limits.bound}, Now(claim, user), Runs()));
  const OwnClaim free = Stimulus(MakeClaim(paw(), faults(), "control", deadline()));
  const OwnUser control = use(free, "control", second);
  ASSERT_TRUE(Eventually(Within{limits.bound}, Now(free, control), Runs()));

  const OwnUser intruder = use(claim, "second", second);
  EXPECT_TRUE(Consistently(For{limits.kept_off, 10}, Now(claim, intruder), IsKeptOff()));
  EXPECT_THAT(Must(Now(claim, intruder)(deadline())), SaysWhyItIsKeptOff());
}

TEST_F(PersistentVolume, VolumeDeliversRequestedCapacity) {
  const auto& limits = profile().thresholds.persistent_volume;
  for (const ValidatorVolume& volume : ValidatorVolumes()) {
    const OfferedCapacity offered = Must(ReadOfferedCapacity(paw(), agents(), volume, deadline()));
    const auto declared = static_cast<double>(std::max(volume.capacity, volume.request));
    MeasureAtLeast("file system of " + volume.pod, static_cast<double>(offered.total),
                   limits.usable.Of(declared), "bytes");
    EXPECT_THAT(offered, OffersWhatItDeclares(limits.least_request, limits.usable));
  }
}

TEST_F(PersistentVolume, ScaleDownKeepsClaim) {
  const int blocks = profile().thresholds.blocks_during_outage;
  const KeptClaim kept = Stimulus(ScaleDownAndBack(paw(), faults(), agents(), blocks, deadline()));
  EXPECT_THAT(kept, StaysBoundWithoutItsPod());
  EXPECT_THAT(kept.blocks, HasAtLeastBlocks(blocks));
  EXPECT_THAT(kept, ComesBackWithItsData());
}

TEST_F(PersistentVolume, DeletedClaimLeavesDataRecoverable) {
  for (const ValidatorVolume& volume : ValidatorVolumes()) EXPECT_THAT(volume, IsRetained());
  const RecoveredData data = Stimulus(DeleteAndRecover(paw(), faults(), deadline()));
  EXPECT_THAT(data, IsReleased());
  EXPECT_THAT(data, IsRecovered());
}

TEST_F(PersistentVolume, ExpandsWhileMounted) {
  constexpr int kWrites = 30;  // after it has grown: three seconds of them
  const auto& limits = profile().thresholds.persistent_volume;
  const OwnClaim claim =
      Stimulus(MakeClaim(paw(), faults(), "growing", deadline(), limits.expand_from));
  const OwnUser writer = Stimulus(
      UseClaim(paw(), faults(), claim, {.what = "growing", .script = SyncingWriter()}, deadline()));
  ASSERT_TRUE(Eventually(Within{limits.bound}, Now(claim, writer), Runs()));
  const auto now = [&](const Deadline& d) { return ReadGrowingVolume(paw(), claim, writer, d); };
  const GrowingVolume before = Must(now(deadline()));

  const Deadline by = deadline().AtMost(limits.expanded);
  Stimulus(ExpandClaim(paw(), faults(), claim, limits.expand_to, deadline()));
  ASSERT_TRUE(Eventually(Within{limits.expanded}, now, HasGrownTo(limits.expand_to, limits.usable),
                         kEvery));
  MeasureAtMost("expanded", limits.expanded - by.Remaining(), limits.expanded);
  const std::int64_t writes = Must(now(deadline())).writes + kWrites;
  EXPECT_TRUE(Eventually(Within{limits.bound}, now, HasWrittenTo(writes), kEvery));
  const GrowingVolume after = Must(now(deadline()));
  EXPECT_THAT(after, HasNoFailedWrite());
  EXPECT_THAT(after, IsTheContainer(before.container_id));
}

}  // namespace
}  // namespace pawk8s::testing
