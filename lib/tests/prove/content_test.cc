#include "prove/content.h"

#include <gmock/gmock.h>

#include "kube/test_util.h"
#include "prove/chain_file.h"

namespace pawk8s::prove {
namespace {

using nlohmann::json;
using testing::HasSubstr;

const json kDeployment = json::parse(R"({
  "kind": "Deployment",
  "metadata": {"name": "x", "uid": "u1", "resourceVersion": "5", "generation": 3,
               "annotations": {"deployment.kubernetes.io/revision": "2", "mine": "a"},
               "managedFields": [1]},
  "spec": {"replicas": 2, "template": {"containers": [{"name": "a"}, {"name": "b"}]}},
  "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "B", "status": "False"}]}
})");

TEST(Content, LeavesOutWhatControllersWrite) {
  const json content = ContentOf(kDeployment);
  EXPECT_FALSE(content.contains("status"));
  EXPECT_EQ(content["metadata"], json::parse(R"({"name": "x", "annotations": {"mine": "a"}})"));
}

TEST(Content, DifferencesTakeListsAsAWhole) {
  json after = kDeployment;
  after["spec"]["template"]["containers"][1]["name"] = "c";
  after["spec"].erase("replicas");
  const auto differences = DifferencesOf(kDeployment, after);
  ASSERT_EQ(differences.size(), 2U);
  EXPECT_EQ(FirstNotIn(after, differences), std::nullopt);
  EXPECT_EQ(FirstNotIn(kDeployment, differences), "/spec/replicas");
  after["spec"]["more"] = 1;
  EXPECT_EQ(FirstNotIn(after, differences), std::nullopt) << "what was not planted does not count";
}

TEST(Content, AnUpdateKeepsTheControllersAnnotations) {
  json live = kDeployment;
  live["metadata"]["annotations"] = {{"deployment.kubernetes.io/revision", "7"}};
  live["metadata"]["resourceVersion"] = "9";
  const json update = UpdateTo(kDeployment, live);
  EXPECT_EQ(update["metadata"]["resourceVersion"], "9");
  EXPECT_EQ(update["metadata"]["annotations"]["deployment.kubernetes.io/revision"], "7");
  EXPECT_EQ(update["metadata"]["annotations"]["mine"], "a");
}

TEST(Content, ANewOneIsNotTiedToTheOldOne) {
  const json claim = {{"kind", "PersistentVolumeClaim"},
                      {"metadata",
                       {{"name", "c"},
                        {"uid", "u"},
                        {"annotations", {{"pv.kubernetes.io/bind-completed", "yes"}}}}},
                      {"spec", {{"volumeName", "pv-1"}}}};
  const json again = NewFrom(claim);
  EXPECT_EQ(again["metadata"], json({{"name", "c"}}));
  EXPECT_EQ(again["spec"]["volumeName"], "pv-1");
}

TEST(Content, PathsSelectFields) {
  EXPECT_EQ(ValueAt(kDeployment, "status.conditions[type=B].status"), "False");
  EXPECT_EQ(ValueAt(kDeployment, "spec.template.containers[1].name"), "b");
  EXPECT_EQ(ValueAt(kDeployment, "/metadata/annotations/mine"), "a");
  for (const char* path : {"status.conditions[type=C].status", "spec.template.containers[2]",
                           "spec.none", "metadata.name.x", "spec[", "/spec/none", "/~"}) {
    EXPECT_EQ(ValueAt(kDeployment, path), std::nullopt) << path;
  }
}

TEST(ChainFile, SetsOneKeyOfOneTable) {
  const std::string toml =
      "moniker = \"a\"\n# timeout_commit = x\n[p2p]\nsize = 1\n[consensus]\n"
      "timeout_commit = \"1s\"\nsize = 2\n";
  ASSERT_OK_AND_ASSIGN(
      const std::string edited,
      EditChainFile("config.toml", toml,
                    {{"consensus.timeout_commit", "9s"}, {"consensus.size", 5}, {"moniker", "b"}}));
  EXPECT_EQ(edited,
            "moniker = \"b\"\n# timeout_commit = x\n[p2p]\nsize = 1\n[consensus]\n"
            "timeout_commit = \"9s\"\nsize = 5\n");
  EXPECT_THAT(EditChainFile("config.toml", toml, {{"p2p.timeout_commit", 1}}),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("no setting p2p.timeout")));
  EXPECT_THAT(EditChainFile("genesis.json", R"({"a": {"b": 1}})", {{"/a/b", "2"}}),
              testing::Property(&absl::StatusOr<std::string>::value, HasSubstr(R"("b": "2")")));
  EXPECT_THAT(EditChainFile("genesis.json", "{}", {{"/a", 1}}),
              Fails(absl::StatusCode::kInvalidArgument, HasSubstr("nothing at /a")));
}

}  // namespace
}  // namespace pawk8s::prove
