#include "pawk8s/deployment/profile.h"

#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include "kube/test_util.h"
#include "test_folder.h"

namespace pawk8s {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// The reference profile with each ${VARIABLE} replaced, as the testbed does it.
std::string Reference() {
  std::ifstream in(PAWK8S_SOURCE_DIR "/fixtures/profiles/testbed.yaml");
  std::ostringstream text;
  text << in.rdbuf();
  return std::regex_replace(text.str(), std::regex("\\$\\{[A-Z0-9_]+\\}"), "x");
}

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

TEST(Profile, TheReferenceIsReadAndItsDefaultsAreTheOnesItNames) {
  ASSERT_OK_AND_ASSIGN(const Profile profile, Load(Reference()));
  EXPECT_EQ(profile.validators.ToString(), "StatefulSet paw/paw-validator");
  EXPECT_TRUE(profile.allow.defects);
  const Profile defaults;
  EXPECT_EQ(profile.pod_running, defaults.pod_running);
  EXPECT_EQ(profile.pod_ready, defaults.pod_ready);
  EXPECT_EQ(profile.block_gap, defaults.block_gap);
  EXPECT_EQ(profile.blocks_during_outage, defaults.blocks_during_outage);
  EXPECT_EQ(profile.peer_found, defaults.peer_found);
  EXPECT_EQ(profile.case_budget, defaults.case_budget);
  EXPECT_EQ(profile.restore_budget, defaults.restore_budget);
  EXPECT_EQ(profile.rpc_port, defaults.rpc_port);
}

TEST(Profile, EachMistakeIsOneSentenceWithItsLine) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_THAT(LoadWith("  disruption: true", "  disrupt: true"),
              Fails(kInvalid, HasSubstr("profile.yaml:19: unknown key 'allow.disrupt'")));
  EXPECT_THAT(LoadWith("disruption: true", "disruption: maybe"),
              Fails(kInvalid, HasSubstr("allow.disruption must be true or false, it is 'maybe'")));
  EXPECT_THAT(LoadWith("  namespace: paw", ""),
              Fails(kInvalid, HasSubstr("namespace' is missing")));
  EXPECT_THAT(LoadWith("kind: StatefulSet", "kind: Job"),
              Fails(kInvalid, HasSubstr("validators.kind must be StatefulSet or Deployment")));
  EXPECT_THAT(LoadWith("pod_ready: 60s", "pod_ready: 60"),
              Fails(kInvalid, AllOf(HasSubstr("thresholds.pod_ready"), HasSubstr("'60'"))));
  EXPECT_THAT(LoadWith("rpc: 26657", "rpc: 126657"), Fails(kInvalid, HasSubstr("1 to 65535")));
  EXPECT_THAT(LoadWith("chain_id: \"x\"", "chain_id: \"${CHAIN_ID}\""),
              Fails(kInvalid, HasSubstr("still holds the variable ${CHAIN_ID}")));
  EXPECT_THAT(LoadWith("namespace: paw", "namespace: [paw]"),
              Fails(kInvalid, HasSubstr("deployment.namespace must be text")));
  EXPECT_THAT(Load("deployment: ["), Fails(kInvalid, HasSubstr("profile.yaml:")));
  EXPECT_THAT(Load("- a"), Fails(kInvalid, HasSubstr("must be a map")));
  EXPECT_THAT(Profile::Load("/nonexistent.yaml"),
              Fails(absl::StatusCode::kNotFound, HasSubstr("no profile /nonexistent.yaml")));
}

TEST(Duration, HasAUnitAndABound) {
  EXPECT_EQ(*ParseDuration("250ms"), Millis{250});
  EXPECT_EQ(*ParseDuration("4m"), Millis{240'000});
  for (const char* bad : {"", "5", "s", "-1s", "0s", "1h", "1.5s", "1 s", "99999999999999999999s",
                          "9223372036854775807m"}) {
    EXPECT_FALSE(ParseDuration(bad).ok()) << bad;
  }
}

}  // namespace
}  // namespace pawk8s
