#include "pawk8s/deployment/workload.h"

#include <gmock/gmock.h>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/deployment/quorum.h"
#include "workload_fixture.h"

namespace pawk8s {
namespace {

using testing::HasSubstr;
using testing::SizeIs;

class Workload : public testing::Test {
 protected:
  absl::StatusOr<WorkloadState> Read(WorkloadKind kind, const std::string& name) {
    kube::Client client(api_.config());
    return ReadWorkload(client, {.kind = kind, .ns = "paw", .name = name}, Soon());
  }
  fake::FakeApiServer api_;
};

TEST_F(Workload, CountsOnlyItsOwnReadyPodsOfThePresentRevision) {
  PutStatefulSet(api_.store(), "val", 3);
  ASSERT_OK_AND_ASSIGN(WorkloadState state, Read(WorkloadKind::kStatefulSet, "val"));
  EXPECT_TRUE(state.IsSettled()) << state.ToString();
  PutPod(api_.store(), "val-1", {.owner = "val", .revision = "old"});
  PutPod(api_.store(), "val-2", {.owner = "val", .ready = false});
  PutPod(api_.store(), "val-9", {.owner = "other"});
  ASSERT_OK_AND_ASSIGN(state, Read(WorkloadKind::kStatefulSet, "val"));
  EXPECT_THAT(state.pods, SizeIs(3));
  EXPECT_THAT(state.ReadyPods(), SizeIs(1));
  EXPECT_FALSE(state.IsSettled());
}

TEST_F(Workload, APodThatIsBeingDeletedIsNotReady) {
  PutStatefulSet(api_.store(), "val", 1);
  PutPod(api_.store(), "val-0", {.owner = "val", .deleting = true});
  ASSERT_OK_AND_ASSIGN(const WorkloadState state, Read(WorkloadKind::kStatefulSet, "val"));
  EXPECT_THAT(state.ToString(), HasSubstr("val-0 (being deleted)"));
}

TEST_F(Workload, ADeploymentsRevisionIsThatOfItsNewestReplicaSet) {
  PutDeployment(api_.store(), "node", 2);
  ASSERT_OK_AND_ASSIGN(const WorkloadState state, Read(WorkloadKind::kDeployment, "node"));
  EXPECT_TRUE(state.IsSettled()) << state.ToString();
  EXPECT_EQ(state.revision, "r");
}

TEST_F(Workload, AbsentAndLaggingOnesAreErrors) {
  EXPECT_THAT(Read(WorkloadKind::kStatefulSet, "none"),
              Fails(absl::StatusCode::kNotFound, HasSubstr("none")));
  PutStatefulSet(api_.store(), "val", 1, /*observed_generation=*/0);
  EXPECT_THAT(Read(WorkloadKind::kStatefulSet, "val"),
              Fails(absl::StatusCode::kUnavailable, HasSubstr("older than its spec")));
}

TEST_F(Workload, WhoToldOneCaseMayBeLostInTheNext) {
  PutStatefulSet(api_.store(), "paw-validator", 2);
  Profile profile;
  profile.ns = "paw";
  profile.validators = {.kind = WorkloadKind::kStatefulSet, .ns = "paw", .name = "paw-validator"};
  Deployment paw(profile, kube::Client(api_.config()));
  ASSERT_OK_AND_ASSIGN(const kube::Pod witness,
                       paw.OtherValidator(std::vector<kube::Pod>{}, Soon()));
  EXPECT_THAT(CheckLoss(paw, {witness}, /*quorum_declared=*/true, Soon()),
              Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("choose another")));
  paw.DismissWitness();
  EXPECT_THAT(CheckLoss(paw, {witness}, /*quorum_declared=*/true, Soon()), IsOk());
}

}  // namespace
}  // namespace pawk8s
