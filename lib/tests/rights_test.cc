#include "pawk8s/deployment/rights.h"

#include <gmock/gmock.h>
#include <yaml-cpp/yaml.h>

#include <map>
#include <set>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"

namespace pawk8s {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Profile Allowing(bool disruption, bool agent, bool defects) {
  Profile profile;
  profile.ns = "paw";
  profile.allow.disruption = disruption;
  profile.allow.agent = agent;
  profile.allow.defects = defects;
  return profile;
}

// "namespace resource" -> verbs, of all roles of a manifest; also checks that each is bound.
std::map<std::string, std::set<std::string>> Granted(const std::string& manifest) {
  std::map<std::string, std::set<std::string>> granted;
  std::multiset<std::string> roles;
  for (const YAML::Node& object : YAML::LoadAll(manifest)) {
    const auto kind = object["kind"].as<std::string>();
    const YAML::Node ns = object["metadata"]["namespace"];
    const std::string where = ns ? ns.as<std::string>() : "";
    if (kind == "Role" || kind == "ClusterRole") roles.insert(kind + where);
    if (kind == "RoleBinding" || kind == "ClusterRoleBinding") {
      EXPECT_EQ(object["roleRef"]["name"].as<std::string>(), "runner");
      const auto role = roles.find(object["roleRef"]["kind"].as<std::string>() + where);
      EXPECT_NE(role, roles.end());
      if (role != roles.end()) roles.erase(role);
    }
    for (const auto& rule : object["rules"]) {
      for (const auto& verb : rule["verbs"]) {
        granted[where + " " + rule["resources"][0].as<std::string>()].insert(
            verb.as<std::string>());
      }
    }
  }
  EXPECT_THAT(roles, IsEmpty());
  return granted;
}

TEST(Rights, TheManifestGrantsExactlyWhatIsAskedForWhatIsAllowed) {
  for (const auto& profile : {Allowing(false, false, false), Allowing(true, false, false),
                              Allowing(true, true, false), Allowing(true, true, true)}) {
    std::map<std::string, std::set<std::string>> asked;
    for (const Right& right : Rights()) {
      if (!IsAllowed(profile, right.purpose)) continue;
      auto& verbs = asked[NamespaceOf(profile, right.place) + " " + right.resource];
      verbs.insert(right.verbs.begin(), right.verbs.end());
    }
    EXPECT_EQ(Granted(RbacManifest(profile, "runner")), asked);
  }
}

TEST(Rights, ReadingAloneGivesNoRightOverTheDeployment) {
  const std::string manifest = RbacManifest(Allowing(false, false, false), "runner");
  const auto granted = Granted(manifest);
  EXPECT_EQ(granted.at("paw statefulsets"), (std::set<std::string>{"get", "list", "watch"}));
  EXPECT_FALSE(granted.contains("paw pods/eviction"));
  EXPECT_THAT(manifest, Not(HasSubstr("pawk8s-agent")));
  EXPECT_THAT(manifest, Not(HasSubstr("secrets")));
  EXPECT_THAT(manifest, Not(HasSubstr("*")));
}

class AccountRights : public testing::Test {
 protected:
  fake::FakeApiServer api_;
  kube::Client client_{api_.config()};
};

TEST_F(AccountRights, AnAdministratorLacksNothing) {
  EXPECT_THAT(CheckRights(client_, Allowing(true, true, true), Soon()), IsOk());
}

TEST_F(AccountRights, WhatIsMissingIsNamedWithItsPurpose) {
  api_.Deny("create", "pods/eviction", "paw");
  api_.Deny("list", "nodes", "");
  ASSERT_OK_AND_ASSIGN(const auto missing, MissingRights(client_, Allowing(true, false, false),
                                                         Purpose::kDisrupt, Soon()));
  EXPECT_THAT(missing, ElementsAre("create pods/eviction in paw"));
  EXPECT_THAT(CheckRights(client_, Allowing(true, false, false), Soon()),
              Fails(absl::StatusCode::kPermissionDenied,
                    AllOf(HasSubstr("admin may not list nodes in the cluster (for observe); create "
                                    "pods/eviction in paw (for allow.disruption)"),
                          HasSubstr("pawk8s rbac"))));
  EXPECT_THAT(CheckRights(client_, Allowing(false, false, false), Soon()),
              Fails(absl::StatusCode::kPermissionDenied, Not(HasSubstr("eviction"))));
}

}  // namespace
}  // namespace pawk8s
