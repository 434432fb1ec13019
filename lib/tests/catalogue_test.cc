#include "pawk8s/catalogue/catalogue.h"

#include <gmock/gmock.h>

#include <fstream>

#include "kube/test_util.h"
#include "test_folder.h"

namespace pawk8s {
namespace {

using testing::HasSubstr;

TEST(Catalogue, HoldsTheSixPhasesOfTheRoadmap) {
  std::size_t cases = 0;
  for (const Phase& phase : Phases()) {
    const auto catalogue = Catalogue::OfPhase(phase.name);
    ASSERT_THAT(catalogue, IsOk());
    cases += catalogue->cases().size();
  }
  EXPECT_EQ(cases, 330u);
}

TEST(Catalogue, FindsCasesByTestNameAndId) {
  ASSERT_OK_AND_ASSIGN(const Catalogue catalogue, Catalogue::OfPhase("infrastructure"));
  const CatalogueCase* found = catalogue.Find("PodLifecycle", "AllReplicasRunningAndReady");
  ASSERT_NE(found, nullptr);
  EXPECT_EQ(found, catalogue.FindId("INF-POD-01"));
  EXPECT_TRUE(found->Quick());
  EXPECT_FALSE(catalogue.FindId("INF-POD-02")->Quick());
  EXPECT_EQ(catalogue.Find("PodLifecycle", "Nonsense"), nullptr);
}

class BadCatalogue : public testing::Test {
 protected:
  static absl::StatusOr<Catalogue> Load(const std::string& text,
                                        const std::string& name = "integration.yaml") {
    const TestFolder folder;
    return Catalogue::Load(folder.Write(name, text));
  }
  static constexpr const char* kCase =
      "- {id: ITG-X-01, suite: S, case: C, item: i, proves: p, mutant: m, needs: [a], "
      "impact: read, seconds: 1}\n";
};

TEST_F(BadCatalogue, IsRefusedWithItsLine) {
  EXPECT_THAT(Load(kCase), Fails(absl::StatusCode::kInvalidArgument, HasSubstr("has 1 cases")));
  EXPECT_THAT(Load(std::string(kCase) + kCase),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr(":2: second ITG-X-01")));
  EXPECT_THAT(Load("- {id: ITG-X-01, colour: red}"),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("unknown key 'colour'")));
  EXPECT_THAT(Load("- {id: ITG-X-01}"),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("lacks 'case'")));
  EXPECT_THAT(Load(kCase, "holiday.yaml"),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("not the name of a phase")));
  EXPECT_THAT(Load("]["), Fails(absl::StatusCode::kInvalidArgument, HasSubstr("integration")));
}

}  // namespace
}  // namespace pawk8s
