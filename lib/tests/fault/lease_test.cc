#include "pawk8s/fault/lease.h"

#include "fault/fault_fixture.h"

namespace pawk8s::fault {
namespace {

using testing::HasSubstr;
using testing::Optional;

class LeaseTest : public FaultTest {
 protected:
  RunLease lease_{client_, "pawk8s", "paw"};
  const std::string path_ = "/apis/coordination.k8s.io/v1/namespaces/pawk8s/leases/run-paw";
};

TEST_F(LeaseTest, OneRunHoldsItAndRenewsIt) {
  EXPECT_THAT(lease_.Hold("a", Soon()), IsOk());
  EXPECT_THAT(lease_.Hold("a", Soon()), IsOk());
  EXPECT_THAT(lease_.Hold("b", Soon()), Fails(absl::StatusCode::kFailedPrecondition,
                                              HasSubstr("run a holds the deployment")));
}

TEST_F(LeaseTest, AfterItsReleaseAnotherMayHaveIt) {
  ASSERT_THAT(lease_.Hold("a", Soon()), IsOk());
  EXPECT_THAT(lease_.Release("b", Soon()), IsOk());
  EXPECT_THAT(lease_.Hold("b", Soon()),
              Fails(absl::StatusCode::kFailedPrecondition, HasSubstr("run a")))
      << "b released what it did not hold";
  EXPECT_THAT(lease_.Release("a", Soon()), IsOk());
  EXPECT_THAT(lease_.Release("a", Soon()), IsOk());
  EXPECT_THAT(lease_.Hold("b", Soon()), IsOk());
}

TEST_F(LeaseTest, AnAbandonedOneIsTakenOver) {
  api_.store().Put(path_,
                   {{"kind", "Lease"},
                    {"metadata", {{"name", "run-paw"}, {"namespace", "pawk8s"}, {"uid", "u"}}},
                    {"spec",
                     {{"holderIdentity", "a"},
                      {"leaseDurationSeconds", 1800},
                      {"renewTime", "2026-01-01T00:00:00.000000Z"}}}});
  ASSERT_OK_AND_ASSIGN(const auto holder, lease_.Read(Soon()));
  ASSERT_TRUE(holder.has_value());
  EXPECT_TRUE(holder->Abandoned(std::chrono::system_clock::now()));
  EXPECT_FALSE(holder->Abandoned(holder->renewed + std::chrono::minutes(29)));
  EXPECT_THAT(lease_.Hold("b", Soon()), IsOk());
  ASSERT_OK_AND_ASSIGN(const auto next, lease_.Read(Soon()));
  ASSERT_TRUE(next.has_value());
  EXPECT_EQ(next->run, "b");
  EXPECT_FALSE(next->Abandoned(std::chrono::system_clock::now()));
}

}  // namespace
}  // namespace pawk8s::fault
