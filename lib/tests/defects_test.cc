#include "defects.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "kube/test_util.h"
#include "test_folder.h"

namespace pawk8s {
namespace {

using testing::Each;
using testing::Field;
using testing::HasSubstr;
using testing::Not;

Profile Named() {
  Profile profile;
  profile.ns = "chain";
  profile.validators = {
      .kind = WorkloadKind::kStatefulSet, .ns = "chain", .name = "val", .container = "node"};
  profile.nodes.name = "full";
  return profile;
}

absl::StatusOr<std::vector<Defect>> Load(const std::string& text) {
  const TestFolder folder;
  return LoadDefects(folder.Write("defects.yaml", text), Named());
}

TEST(Defects, TheProjectsOwnListsTakeTheProfilesNames) {
  ASSERT_OK_AND_ASSIGN(
      const auto defects,
      LoadDefects(PAWK8S_SOURCE_DIR "/fixtures/defects/infrastructure.yaml", Named()));
  ASSERT_FALSE(defects.empty());
  EXPECT_THAT(defects, Each(Field(&Defect::names, Not(HasSubstr("paw-")))));
  EXPECT_EQ(defects[1].plant[0].object, "StatefulSet chain/val");
  EXPECT_EQ(defects[1].plant[0].body["spec"]["updateStrategy"]["rollingUpdate"], nullptr);
  EXPECT_EQ(defects[0].plant[0].body["spec"]["template"]["spec"]["containers"][0]["resources"]
                                    ["requests"]["cpu"],
            "500")
      << "what is quoted stays text";
}

TEST(Defects, MistakesAreRefusedWithTheirLine) {
  const std::string head = "- id: INF-POD-01\n  defect: d\n  lift: auto\n  names: x\n  plant:\n";
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(Load(head + "    - explode: {}\n"),
              Fails(kInvalid, HasSubstr(":6: unknown key 'explode'")));
  EXPECT_THAT(Load(head + "    - patch: {object: 'Pod ${who}/x', type: merge, body: {}}\n"),
              Fails(kInvalid, HasSubstr("unknown variable ${who}")));
  EXPECT_THAT(Load(head + "    - patch: {object: Pod, type: merge, body: {}}\n"),
              Fails(kInvalid, HasSubstr("'Kind namespace/name'")));
  EXPECT_THAT(Load(head + "    - patch: {object: Pod a/b, type: magic, body: {}}\n"),
              Fails(kInvalid, HasSubstr("json, merge or strategic")));
  EXPECT_THAT(Load(head + "    []\n"), Fails(kInvalid, HasSubstr("list of steps")));
  EXPECT_THAT(Load("- {id: A}"), Fails(kInvalid, HasSubstr("'defect' is missing")));
}

}  // namespace
}  // namespace pawk8s
