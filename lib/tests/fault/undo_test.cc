#include "pawk8s/fault/undo.h"

#include <gmock/gmock.h>

#include "kube/test_util.h"

namespace pawk8s::fault {
namespace {

using kube::Json;
using testing::HasSubstr;

TEST(Undo, InverseTakesAnyMergePatchBack) {
  const Json before = Json::parse(R"({"spec":{"replicas":4,"list":[1,2],"map":{"a":"1"}}})");
  for (const char* forward : {
           R"({"spec":{"replicas":3}})",
           R"({"spec":{"new":{"deep":true}}})",
           R"({"spec":{"map":{"a":null,"b":"2"}}})",
           R"({"spec":{"list":[3]}})",
           R"({"spec":{"map":null}})",
           R"({"spec":{"map":"no longer one"}})",
           R"({"spec":null,"other":1})",
       }) {
    const Json patch = Json::parse(forward);
    Json object = before;
    object.merge_patch(patch);
    ASSERT_NE(object, before) << forward;
    const Json inverse = InverseOf(before, patch);
    object.merge_patch(inverse);
    EXPECT_EQ(object, before) << forward;
    EXPECT_TRUE(Holds(object, inverse)) << forward;
  }
}

TEST(Undo, HoldsSeesEveryFieldOfAPatch) {
  const Json object = Json::parse(R"({"a":{"b":1,"c":[1]},"n":null})");
  EXPECT_TRUE(Holds(object, Json::parse(R"({"a":{"b":1}})")));
  EXPECT_TRUE(Holds(object, Json::parse(R"({"n":null,"absent":null})")));
  EXPECT_FALSE(Holds(object, Json::parse(R"({"a":{"b":2}})")));
  EXPECT_FALSE(Holds(object, Json::parse(R"({"a":{"c":[1,2]}})")));
  EXPECT_FALSE(Holds(object, Json::parse(R"({"a":null})")));
  EXPECT_FALSE(Holds(object, Json::parse(R"({"x":{"y":1}})")));
}

TEST(Undo, SurvivesTheLedger) {
  for (const Undo& undo :
       {Undo{},
        Undo{.kind = Undo::Kind::kPatch,
        .object = {kube::kNodes, "", "n1"},
        .uid = "u",
        .patch = {{"spec", {{"unschedulable", nullptr}}}}},
        Undo{.kind = Undo::Kind::kDelete, .object = {kube::kPods, "paw", "p"}},
        Undo{.kind = Undo::Kind::kClaim, .object = {kube::kPersistentVolumeClaims, "paw", "c"}},
        Undo{.kind = Undo::Kind::kAgent, .node = "n1", .agent_fault = "f1"}}) {
    ASSERT_OK_AND_ASSIGN(const Undo read, Undo::FromJson(Json::parse(undo.ToJson().dump())));
    EXPECT_EQ(read.ToJson(), undo.ToJson());
    EXPECT_EQ(read.object.Path(), undo.object.Path());
  }
}

TEST(Undo, NonsenseIsDataLoss) {
  for (const char* text : {"{}", "[]", "1", R"({"do":"dance"})", R"({"do":"patch"})",
                           R"({"do":"patch","object":{"group":1},"uid":"","patch":{}})"}) {
    EXPECT_THAT(Undo::FromJson(Json::parse(text)),
                Fails(absl::StatusCode::kDataLoss, HasSubstr("undo")))
        << text;
  }
}

}  // namespace
}  // namespace pawk8s::fault
