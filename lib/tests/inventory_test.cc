#include "pawk8s/deployment/inventory.h"

#include <gmock/gmock.h>

namespace pawk8s {
namespace {

using kube::Json;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

Inventory Of(std::map<std::string, Json> objects) { return {.objects = std::move(objects)}; }

TEST(Inventory, NamesTheFirstFieldThatChanged) {
  const Inventory before = Of({{"Service paw/rpc", {{"spec", {{"selector", {{"app", "v"}}}}}}}});
  const Inventory now = Of({{"Service paw/rpc", {{"spec", {{"selector", {{"app", "w"}}}}}}}});
  EXPECT_THAT(before.DifferencesTo(before), IsEmpty());
  EXPECT_THAT(before.DifferencesTo(now),
              ElementsAre("Service paw/rpc changed: /spec/selector/app: was \"v\", is \"w\""));
}

TEST(Inventory, NamesWhatIsGoneAndWhatWasLeftBehind) {
  const Inventory before = Of({{"ConfigMap paw/a", 1}});
  const Inventory now = Of({{"Pod paw/stray", 1}});
  EXPECT_THAT(before.DifferencesTo(now),
              ElementsAre("ConfigMap paw/a is gone", "Pod paw/stray was left behind"));
}

TEST(Inventory, SeesAnAddedField) {
  const Inventory before = Of({{"Node n", {{"labels", Json::object()}}}});
  const Inventory now = Of({{"Node n", {{"labels", {{"x", "y"}}}}}});
  EXPECT_THAT(before.DifferencesTo(now),
              ElementsAre(HasSubstr("/labels/x: was not there, is \"y\"")));
}

TEST(Inventory, StatusVersionsAndBookkeepingAreNotEssential) {
  const auto deployment = [](const char* version, const char* revision, int ready) {
    return kube::Object({{"kind", "Deployment"},
                         {"metadata",
                          {{"name", "d"},
                           {"resourceVersion", version},
                           {"annotations", {{"deployment.kubernetes.io/revision", revision}}}}},
                         {"spec", {{"replicas", 2}}},
                         {"status", {{"readyReplicas", ready}}}});
  };
  EXPECT_EQ(Essence(deployment("1", "1", 1)), Essence(deployment("2", "3", 2)));
}

TEST(Inventory, AClaimOfTheSameNameAndAnotherUidIsAnotherOne) {
  const auto claim = [](const char* uid) {
    return kube::Object(
        {{"kind", "PersistentVolumeClaim"}, {"metadata", {{"name", "c"}, {"uid", uid}}}});
  };
  EXPECT_NE(Essence(claim("1")), Essence(claim("2")));
}

}  // namespace
}  // namespace pawk8s
