#include "prove/defects.h"

#include <gmock/gmock.h>

#include "kube/test_util.h"
#include "test_folder.h"

namespace pawk8s::prove {
namespace {

using testing::HasSubstr;

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
  return LoadDefects(folder.Write("defects.yaml", text), *VariablesOf(Named()));
}

TEST(Defects, TheProjectsOwnListsTakeTheProfilesNames) {
  ASSERT_OK_AND_ASSIGN(
      const auto defects,
      LoadDefects(PAWK8S_SOURCE_DIR "/fixtures/defects/infrastructure.yaml",
                  *VariablesIn(PAWK8S_SOURCE_DIR "/fixtures/profiles/testbed.yaml")));
  EXPECT_FALSE(defects.empty());
  ASSERT_OK_AND_ASSIGN(const auto renamed, Load(R"(
- id: INF-POD-02
  defect: d
  lift: auto
  names: ${validators}-
  plant:
    - patch:
        object: StatefulSet ${namespace}/${validators}
        type: strategic
        body: {spec: {strategy: null, cpu: "500", replicas: 3}}
)"));
  EXPECT_EQ(renamed[0].names, "val-");
  EXPECT_EQ(renamed[0].plant[0].Text("object"), "StatefulSet chain/val");
  const auto& spec = renamed[0].plant[0].args["body"]["spec"];
  EXPECT_EQ(spec["strategy"], nullptr);
  EXPECT_EQ(spec["replicas"], 3);
  EXPECT_EQ(spec["cpu"], "500") << "what is quoted stays text";
}

TEST(Defects, EveryScalarOfTheProfileIsAVariable) {
  const TestFolder folder;
  const auto file = folder.Write("profile.yaml",
                                 "deployment: {namespace: chain, pdb: {name: budget}}\n"
                                 "registries: [a, b]\n");
  ASSERT_OK_AND_ASSIGN(const auto variables, VariablesIn(file));
  EXPECT_EQ(variables.at("deployment.pdb.name"), "budget");
  EXPECT_EQ(variables.at("registries.1"), "b");
  EXPECT_EQ(variables.at("namespace"), "chain");
}

TEST(Defects, MistakesAreRefusedWithTheirLine) {
  const std::string head = "- id: INF-POD-01\n  defect: d\n  lift: auto\n  names: x\n  plant:\n";
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  const auto refused = [&](const std::string& step, const std::string& why) {
    EXPECT_THAT(Load(head + "    " + step + "\n"), Fails(kInvalid, HasSubstr(why))) << step;
  };
  refused("- explode: {}", ":6: unknown step 'explode'");
  refused("- explode:", ":6: unknown step 'explode'");
  refused("- patch: {object: 'Pod ${who}/x', type: merge, body: {}}", "unknown variable ${who}");
  refused("- patch: {object: Pod, type: merge, body: {}}", "'Kind namespace/name'");
  refused("- patch: {object: Pod a/b, type: magic, body: {}}", "json, merge, strategic");
  refused("- patch: {object: Pod a/b, type: merge}", "'body' of patch is missing");
  refused("- patch: {object: Pod a/b, type: merge, body: {}, x: 1}", "unknown key 'x' of patch");
  refused("- scale: {object: Pod a/b, replicas: many}",
          "replicas of scale: must be a whole number");
  refused("- create: {manifest: {kind: Pod}}", "must have apiVersion, kind and metadata.name");
  refused("- wait: {for: condition, object: Pod a/b}", "a wait for condition needs 'path'");
  refused("- wait: {for: rollout, object: Pod a/b}", "of a StatefulSet or a Deployment");
  refused("- wait: {for: gone, object: Pod a/b, within: soon}", "must be a duration");
  refused("- wait: {for: blocks, object: Pod a/b}", "a wait for blocks takes no 'object'");
  refused("- exec: {pod: a/b, container: c, argv: [rm]}", "write lift steps");
  refused("- exec: {pod: b, container: c, argv: [rm]}", "must be a pod");
  refused("- component: {file: f, component: c, edits: [{from: ''}]}", "a list of {from, to}");
  refused("[]", "list of steps");
  EXPECT_THAT(Load("- {id: A}"), Fails(kInvalid, HasSubstr("'defect' is missing")));
  EXPECT_THAT(Load("{}"), Fails(kInvalid, HasSubstr("a list of defects")));
  EXPECT_THAT(Load("- a: ["), Fails(kInvalid, HasSubstr("defects.yaml:")));
  const std::string scale = "    - scale: {object: Pod a/b, replicas: 1}\n";
  EXPECT_THAT(Load(head + scale + head + scale),
              Fails(kInvalid, HasSubstr("INF-POD-01 has this defect already")));
}

TEST(Defects, TheDigestChangesWithTheText) {
  const std::string head = "- id: INF-POD-01\n  defect: d\n  lift: auto\n  names: x\n  plant:\n";
  const auto of = [&](const std::string& step) { return Load(head + step)->front().Digest(); };
  EXPECT_NE(of("    - scale: {object: Pod a/b, replicas: 1}\n"),
            of("    - scale: {object: Pod a/b, replicas: 2}\n"));
}

TEST(Defects, SettleIsATimeOrACondition) {
  const std::string head =
      "- id: INF-POD-01\n  defect: d\n  lift: auto\n  names: x\n"
      "  plant: [{scale: {object: Pod a/b, replicas: 1}}]\n  settle: ";
  EXPECT_EQ(Load(head + "10s")->front().settle->kind, "pause");
  EXPECT_EQ(Load(head + "{for: blocks, count: 3}")->front().settle->kind, "wait");
  EXPECT_THAT(Load(head + "soon"), Fails(absl::StatusCode::kInvalidArgument,
                                         HasSubstr("settle is a duration such as 10s")));
}

}  // namespace
}  // namespace pawk8s::prove
