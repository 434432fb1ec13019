#include "pawk8s/deployment/profile.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "kube/test_util.h"
#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/deployment/profile_keys.h"
#include "pawk8s/deployment/profile_text.h"
#include "test_folder.h"

namespace pawk8s {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;

std::string ReadText(const std::string& file) {
  std::ifstream in(PAWK8S_SOURCE_DIR "/" + file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// The reference profile with each ${VARIABLE} replaced, as the testbed does it.
std::string Reference() {
  return std::regex_replace(ReadText("fixtures/profiles/testbed.yaml"),
                            std::regex("\\$\\{[A-Z0-9_]+\\}"), "x");
}

constexpr const char* kSmall =
    "deployment:\n"
    "  namespace: paw\n"
    "  validators: {kind: StatefulSet, name: v, container: c}\n"
    "  nodes: {kind: Deployment, name: n, container: c}\n"
    "  api: {kind: Deployment, name: a, container: c}\n";

absl::StatusOr<Profile> Load(const std::string& text) {
  const TestFolder folder;
  return Profile::Load(folder.Write("profile.yaml", text));
}

absl::StatusOr<Profile> LoadWith(const std::string& from, const std::string& to) {
  std::string text = Reference();
  const auto at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return Load(text.replace(at, from.size(), to));
}
absl::StatusOr<Profile> LoadSmallAnd(const std::string& more) { return Load(kSmall + more); }

TEST(Profile, TheReferenceIsRead) {
  ASSERT_OK_AND_ASSIGN(const Profile profile, Load(Reference()));
  EXPECT_EQ(profile.validators.ToString(), "StatefulSet paw/paw-validator");
  EXPECT_EQ(profile.validators.home, "/data");
  EXPECT_TRUE(profile.allow.defects);
  EXPECT_EQ(profile.services.rpc, "paw-validator-rpc");
}

TEST(Profile, TheReferenceHasEveryKeyInTheFormThatAnnotateGivesIt) {
  const std::string text = ReadText("fixtures/profiles/testbed.yaml");
  ASSERT_OK_AND_ASSIGN(const ProfileLines lines, ReadLines(text));
  Profile profile;
  for (const ProfileKey& key : KeysOf(profile)) {
    if (key.IsGroup()) continue;
    if (key.path.starts_with("thresholds.") || key.path.starts_with("budgets.")) continue;
    EXPECT_TRUE(lines.contains(key.path)) << key.path;
  }
  const std::string rewritten = WriteProfile("", lines);
  EXPECT_NE(text.find(rewritten), std::string::npos)
      << "run `pawk8s profile --annotate` on it; expected at its end:\n"
      << rewritten;
}

TEST(Profile, ItsPageIsUpToDate) {
  EXPECT_EQ(ReadText("docs/profile.md"), ProfileReference())
      << "run `pawk8s profile --reference > docs/profile.md`";
}

TEST(Profile, WithoutAThresholdEachHasItsDefault) {
  ASSERT_OK_AND_ASSIGN(const Profile profile, Load(kSmall));
  EXPECT_EQ(profile.thresholds.pod_ready, Millis{60'000});
  EXPECT_EQ(profile.thresholds.persistent_volume.least_request, Bytes{std::int64_t{1} << 30});
  EXPECT_EQ(profile.thresholds.resources.throttled, Percent{10});
  EXPECT_EQ(profile.validators.min_replicas, 4);
  EXPECT_EQ(profile.nodes.min_replicas, 1);
  EXPECT_EQ(profile.ports.rpc, 26657);
  EXPECT_EQ(profile.node.exit_codes, std::vector<int>{0});
  EXPECT_FALSE(profile.allow.disruption);
}

TEST(Profile, WhatIsWrittenIsRead) {
  Profile profile;
  ProfileLines lines;
  ASSERT_OK_AND_ASSIGN(profile, Load(Reference()));
  profile.not_provided = {"expansion", "dns"};
  profile.cluster.context = "a \"quoted\" one: #1";
  profile.storage.provisioner = "Deployment kube-system/csi";
  for (const ProfileKey& key : KeysOf(profile)) {
    if (!key.IsGroup()) lines[key.path] = {.value = key.Text()};
  }
  ASSERT_OK_AND_ASSIGN(Profile again, Load(WriteProfile("Head", lines)));
  const auto keys = KeysOf(again);
  for (const ProfileKey& key : keys) {
    if (key.IsGroup()) continue;
    EXPECT_EQ(key.Text(), lines[key.path].value) << key.path;
  }
  EXPECT_GT(keys.size(), 100u);
}

TEST(Profile, EachMistakeIsOneSentenceWithItsLine) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(LoadWith("  disruption: true", "  disrupt: true"),
              Fails(kInvalid,
                    AllOf(HasSubstr("profile.yaml:"), HasSubstr(": unknown key 'allow.disrupt'"))));
  EXPECT_THAT(LoadWith("disruption: true", "disruption: maybe"),
              Fails(kInvalid, HasSubstr("allow.disruption must be true or false, it is 'maybe'")));
  EXPECT_THAT(LoadWith("deployment:\n  namespace: paw", "deployment:\n"),
              Fails(kInvalid, HasSubstr("'deployment.namespace' is missing: where all of it is")));
  EXPECT_THAT(LoadWith("kind: StatefulSet", "kind: Job"),
              Fails(kInvalid, HasSubstr("validators.kind must be StatefulSet or Deployment")));
  EXPECT_THAT(LoadWith("rpc: 26657", "rpc: 126657"), Fails(kInvalid, HasSubstr("1 to 65535")));
  EXPECT_THAT(LoadWith("chain_id: \"x\"", "chain_id: \"${CHAIN_ID}\""),
              Fails(kInvalid, HasSubstr("still holds the variable ${CHAIN_ID}")));
  EXPECT_THAT(LoadWith("deployment:\n  namespace: paw", "deployment:\n  namespace: [paw]"),
              Fails(kInvalid, HasSubstr("deployment.namespace must be a Kubernetes name")));
  EXPECT_THAT(LoadWith("deployment:\n  namespace: paw", "deployment:\n  namespace: Paw_1"),
              Fails(kInvalid, HasSubstr("it is 'Paw_1'")));
  EXPECT_THAT(Load("deployment: ["), Fails(kInvalid, HasSubstr("profile.yaml:")));
  EXPECT_THAT(Load("- a"), Fails(kInvalid, HasSubstr("a profile must be a map")));
  EXPECT_THAT(Load(""), Fails(kInvalid, HasSubstr("a profile must be a map")));
  EXPECT_THAT(Load("deployment: {namespace: paw}\n\n"),
              Fails(kInvalid, HasSubstr("profile.yaml:1: 'deployment.api.container' is missing")));
  EXPECT_THAT(Load("allow.agent: true\n"), Fails(kInvalid, HasSubstr("unknown key 'allow.agent'")));
  EXPECT_THAT(Load("{[a]: b}"), Fails(kInvalid, HasSubstr("a key must be text")));
  EXPECT_THAT(Profile::Load("/nonexistent.yaml"),
              Fails(absl::StatusCode::kNotFound, HasSubstr("no profile /nonexistent.yaml")));
}

TEST(Profile, AValueOfTheWrongUnitSaysWhatIsWanted) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(LoadSmallAnd("thresholds: {pod_ready: 30}"),
              Fails(kInvalid, HasSubstr("profile.yaml:6: thresholds.pod_ready must be a duration "
                                        "such as 250ms, 30s or 4m, it is '30'")));
  EXPECT_THAT(
      LoadSmallAnd("thresholds: {persistent_volume: {least_request: 1GB}}"),
      Fails(kInvalid, HasSubstr("least_request must be a size such as 512Mi, 1Gi or 20G, it "
                                "is '1GB'")));
  EXPECT_THAT(LoadSmallAnd("thresholds: {persistent_volume: {usable: 0.9}}"),
              Fails(kInvalid, HasSubstr("usable must be a share from 1% to 100%, such as 90%")));
  EXPECT_THAT(LoadSmallAnd("thresholds: {persistent_volume: {usable: 101%}}"),
              Fails(kInvalid, HasSubstr("it is '101%'")));
  EXPECT_THAT(LoadSmallAnd("thresholds: {health_probes: {connections: 60s}}"),
              Fails(kInvalid, HasSubstr("a whole number from 1 to 10000, it is '60s'")));
  EXPECT_THAT(LoadSmallAnd("thresholds: {persistent_volume: {expand_to: 1Gi}}"),
              Fails(kInvalid, HasSubstr("expand_to must be more than expand_from")));
  EXPECT_THAT(LoadSmallAnd("thresholds: {rollback: {signed_blocks: 11}}"),
              Fails(kInvalid, HasSubstr("signed_blocks must be at most signed_window")));
  EXPECT_THAT(LoadSmallAnd("not_provided: expansion"),
              Fails(kInvalid, HasSubstr("not_provided must be a list of names")));
  EXPECT_THAT(LoadSmallAnd("budgets: {case: 4m}\nbudgets: {case: 5m}"),
              Fails(kInvalid, HasSubstr("profile.yaml:7: 'budgets' stands in line 6 already")));
}

TEST(Profile, WhatItDoesNotNameBlocksTheCasesThatUseIt) {
  ASSERT_OK_AND_ASSIGN(const Profile small, Load(kSmall));
  EXPECT_EQ(small.WhatIsUnnamedFor("INF-POD-02"), "");
  EXPECT_THAT(small.WhatIsUnnamedFor("INF-RES-05"),
              HasSubstr("does not say deployment.policies.quota (ResourceQuota)"));
  ASSERT_OK_AND_ASSIGN(const Profile whole, Load(Reference()));
  ASSERT_OK_AND_ASSIGN(const Catalogue catalogue, Catalogue::OfPhase("infrastructure"));
  for (const CatalogueCase& c : catalogue.cases()) {
    EXPECT_EQ(whole.WhatIsUnnamedFor(c.id), "") << c.id;
  }
}

// "default 30 s" -> "30s", "default 1Gi" -> "1Gi", "default 90%" -> "90%", "default 5 blocks" -> 5
std::multiset<std::string> DefaultsIn(const std::string& proves) {
  std::multiset<std::string> defaults;
  const std::regex pattern("default ([0-9]+)(%| ?Gi| s\\b)?");
  for (auto at = std::sregex_iterator(proves.begin(), proves.end(), pattern);
       at != std::sregex_iterator(); ++at) {
    std::string unit = (*at)[2];
    std::erase(unit, ' ');
    defaults.insert((*at)[1].str() + unit);
  }
  return defaults;
}

TEST(Profile, HasAKeyForEveryDefaultOfTheCatalogue) {
  Profile profile;
  const auto keys = KeysOf(profile);
  ASSERT_OK_AND_ASSIGN(const Catalogue catalogue, Catalogue::OfPhase("infrastructure"));
  int defaults = 0;
  std::set<std::string> ids;
  for (const CatalogueCase& c : catalogue.cases()) {
    ids.insert(c.id);
    std::multiset<std::string> wanted = DefaultsIn(c.proves);
    defaults += static_cast<int>(wanted.size());
    for (const ProfileKey& key : keys) {
      if (!key.Serves(c.id)) continue;
      if (const auto found = wanted.find(key.otherwise); found != wanted.end()) wanted.erase(found);
    }
    EXPECT_THAT(wanted, IsEmpty()) << c.id << " has defaults that are no key of the profile";
  }
  EXPECT_EQ(defaults, 44);
  for (const ProfileKey& key : keys) {
    std::istringstream cases(key.cases);
    for (std::string id; cases >> id;) EXPECT_TRUE(ids.contains(id)) << key.path << ": " << id;
  }
}

TEST(Profile, EachKeyIsThereOnceAndBelongsToAGroup) {
  Profile profile;
  std::set<std::string> seen;
  for (const ProfileKey& key : KeysOf(profile)) {
    EXPECT_TRUE(seen.insert(key.path).second) << key.path;
    const auto dot = key.path.rfind('.');
    if (dot != std::string::npos) {
      EXPECT_TRUE(seen.contains(key.path.substr(0, dot))) << key.path;
    }
    EXPECT_FALSE(key.about.empty()) << key.path;
  }
}

TEST(Duration, HasAUnitAndABound) {
  EXPECT_EQ(*ParseDuration("250ms"), Millis{250});
  EXPECT_EQ(*ParseDuration("4m"), Millis{240'000});
  for (const char* bad : {"", "5", "s", "-1s", "0s", "1h", "1.5s", "1 s", "99999999999999999999s",
                          "9223372036854775807m"}) {
    EXPECT_FALSE(ParseDuration(bad).ok()) << bad;
  }
}

TEST(Bytes, CountAsKubernetesDoes) {
  EXPECT_EQ(*ParseBytes("1Gi"), Bytes{1073741824});
  EXPECT_EQ(*ParseBytes("1G"), Bytes{1000000000});
  for (const char* bad :
       {"", "5", "Gi", "-1Gi", "0Mi", "1gi", "1GB", "1.5Gi", "9223372036854775807k"}) {
    EXPECT_FALSE(ParseBytes(bad).ok()) << bad;
  }
  EXPECT_EQ(ToText(Bytes{1073741824}), "1Gi");
  EXPECT_EQ(ToText(Bytes{1500000}), "1500k");
  EXPECT_EQ(ToText(Millis{90'000}), "90s");
  EXPECT_EQ(ToText(Millis{600'000}), "10m");
  EXPECT_EQ(ToText(Millis{1500}), "1500ms");
}

}  // namespace
}  // namespace pawk8s
