// What the suite says when there is nothing, when nothing happens, and when nothing can be seen.
// Against the deployment of $PAWK8S_PROFILE, through a liar. Which cases there are, and what each
// of them looks at, is found out, not listed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>
#include <utility>

#include "kube/test_util.h"
#include "kubeconfig_text.h"
#include "pawk8s/net/digest.h"
#include "selftest/proxy.h"
#include "selftest/suite.h"
#include "test_folder.h"

namespace pawk8s::selftest {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// How long a case may wait for what will never come.
constexpr const char* kShortCase = "90s";

class Honesty : public testing::Test {
 protected:
  void SetUp() override {
    const char* file = std::getenv("PAWK8S_PROFILE");
    ASSERT_NE(file, nullptr) << "set PAWK8S_PROFILE to the profile of a testbed";
    ASSERT_OK_AND_ASSIGN(const Profile profile, Profile::Load(file));
    ASSERT_OK_AND_ASSIGN(paw_, Deployment::Connect(profile));
    ASSERT_OK_AND_ASSIGN(cases_, ImplementedCases());
    ASSERT_THAT(cases_, Not(IsEmpty()));
    suite_ = std::make_unique<Suite>(folder_.path(), file);
    for (const SuiteCase& one : cases_) phases_.insert(one.phase);
  }

  // In the test's folder, as the suite's way to the cluster.
  void StartProxy() {
    ASSERT_OK_AND_ASSIGN(proxy_, Proxy::Start(paw_->kube().config()));
    changes_.kubeconfig = folder_.Write("kubeconfig", KubeconfigText(proxy_->config())).string();
    ASSERT_OK_AND_ASSIGN(changes_.ca_sha256, net::CertificateSha256(proxy_->config().ca_pem));
    ASSERT_THAT(suite_->WriteProfile(changes_), IsOk());
  }

  // Runs every case of every phase once, with the truth, and remembers what it looked at: for both
  // tests, when they are run in one process.
  void LearnWhatCasesUse() {
    for (const SuiteCase& one : cases_) {
      if (uses_.contains(one.entry.id)) continue;
      ASSERT_THAT(AwaitHealthy(*paw_), IsOk());
      ASSERT_THAT(proxy_->TakeSeen(), IsOk());
      const auto outcome = OutcomeOf(one);
      EXPECT_EQ(outcome, "passed") << one.entry.id << " must be green before it is lied to";
      ASSERT_OK_AND_ASSIGN(const auto seen, proxy_->TakeSeen());
      for (const auto& [channel, times] : seen) uses_[one.entry.id].insert(channel);
      if (outcome == "passed") sound_.push_back(one);
      fmt::print("{} uses {}\n", one.entry.id, fmt::join(uses_[one.entry.id], ", "));
    }
    ASSERT_THAT(sound_, Not(IsEmpty()));
    // A lie is found out in a minute or not at all.
    changes_.case_budget = kShortCase;
    ASSERT_THAT(suite_->WriteProfile(changes_), IsOk());
  }

  // "passed", "stimulus-failed" and so on; "no record" counts as not passed.
  std::string OutcomeOf(const SuiteCase& one) {
    const auto record = suite_->Run(one);
    EXPECT_THAT(record, IsOk()) << one.entry.id;
    if (!record.ok() || !*record) return "no record";
    return std::string(NameOf((*record)->outcome));
  }

  // The phases' runs, opened and closed with the truth.
  void OpenRuns() {
    for (const std::string& phase : phases_) ASSERT_THAT(suite_->Preflight(phase), IsOk());
  }
  void TearDown() override {
    if (proxy_ == nullptr) return;
    EXPECT_THAT(proxy_->TellTheTruth(), IsOk());
    EXPECT_THAT(AwaitHealthy(*paw_), IsOk()) << "the self-test left the deployment disturbed";
    for (const std::string& phase : phases_) EXPECT_THAT(suite_->Sweep(phase), IsOk());
  }

  void ExpectNothingPasses(const std::string& ns) {
    ASSERT_THAT(suite_->WriteProfile({.ns = ns}), IsOk());
    for (const std::string& phase : phases_) {
      std::string filter;
      for (const SuiteCase& one : cases_) {
        if (one.phase == phase) filter += one.entry.TestName() + ":";
      }
      ASSERT_OK_AND_ASSIGN(const std::string said, suite_->RunAlone(phase, filter));
      EXPECT_THAT(said, Not(HasSubstr("[       OK ]"))) << phase;
      EXPECT_THAT(said, testing::AnyOf(HasSubstr("no namespace " + ns), HasSubstr("blocked:")));
    }
  }

  const TestFolder folder_;
  std::unique_ptr<Deployment> paw_;
  std::unique_ptr<Suite> suite_;
  std::unique_ptr<Proxy> proxy_;
  ProfileChanges changes_;
  std::vector<SuiteCase> cases_;
  std::set<std::string> phases_;
  static std::vector<SuiteCase> sound_;  // green through the proxy that tells the truth
  static std::map<std::string, std::set<std::string>> uses_;  // channels by case
};

std::vector<SuiteCase> Honesty::sound_;
std::map<std::string, std::set<std::string>> Honesty::uses_;

TEST_F(Honesty, NothingPassesInAnAbsentNamespace) {
  ExpectNothingPasses(fmt::format("absent-{}", getpid()));
}

TEST_F(Honesty, NothingPassesInAnEmptyNamespace) {
  const std::string ns = fmt::format("empty-{}", getpid());
  ASSERT_THAT(
      paw_->kube().Create(
          {kube::kNamespaces},
          {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns}}}}, Soon()),
      IsOk());
  ExpectNothingPasses(ns);
  EXPECT_THAT(paw_->kube().Delete({kube::kNamespaces, "", ns}, In(std::chrono::seconds(30))),
              IsOk());
}

TEST_F(Honesty, AStimulusThatDoesNothingIsSaidToHaveFailed) {
  ASSERT_NO_FATAL_FAILURE(StartProxy());
  ASSERT_NO_FATAL_FAILURE(OpenRuns());
  ASSERT_NO_FATAL_FAILURE(LearnWhatCasesUse());
  int disruptive = 0;
  for (const SuiteCase& one : sound_) {
    ASSERT_THAT(AwaitHealthy(*paw_), IsOk());
    ASSERT_THAT(proxy_->ChangeNothing(), IsOk());
    const std::string outcome = OutcomeOf(one);
    ASSERT_THAT(proxy_->TellTheTruth(), IsOk());
    fmt::print("{}: {}\n", one.entry.id, outcome);
    if (one.entry.impact == "disrupt" || one.entry.impact == "node") {
      EXPECT_EQ(outcome, "stimulus-failed") << one.entry.id;
      ++disruptive;
    } else if (uses_[one.entry.id].contains("change")) {
      EXPECT_NE(outcome, "passed") << one.entry.id << " changes something, or so it believes";
    } else {
      EXPECT_EQ(outcome, "passed") << one.entry.id << " changes nothing";
    }
  }
  EXPECT_GT(disruptive, 0) << "no disruptive case was tried";
}

TEST_F(Honesty, NoCasePassesThatCannotSee) {
  ASSERT_NO_FATAL_FAILURE(StartProxy());
  ASSERT_NO_FATAL_FAILURE(OpenRuns());
  ASSERT_NO_FATAL_FAILURE(LearnWhatCasesUse());
  std::map<std::string, int> blinded;
  for (const char* channel : {"pods", "events", "watch", "portforward", "exec", "logs"}) {
    bool controlled = false;
    for (const char* how : {"error", "silence"}) {
      for (const SuiteCase& one : sound_) {
        const bool depends = uses_[one.entry.id].contains(channel);
        // One case that does not look there, and still passes, is enough for a channel.
        if (!depends && std::exchange(controlled, true)) continue;
        ASSERT_THAT(AwaitHealthy(*paw_), IsOk());
        ASSERT_THAT(proxy_->Blind(channel, how), IsOk());
        const std::string outcome = OutcomeOf(one);
        ASSERT_THAT(proxy_->TellTheTruth(), IsOk());
        fmt::print("{} without {} ({}): {}\n", one.entry.id, channel, how, outcome);
        if (depends) {
          EXPECT_NE(outcome, "passed") << one.entry.id << " without " << channel << ", " << how;
          ++blinded[channel];
        } else {
          EXPECT_EQ(outcome, "passed") << one.entry.id << " does not use " << channel;
        }
      }
    }
  }
  EXPECT_GT(blinded["pods"], 0) << "no case looks at pods";
}

}  // namespace
}  // namespace pawk8s::selftest
