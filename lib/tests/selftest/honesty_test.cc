// What the suite says when there is nothing, when nothing happens, and when nothing can be seen.
// Against the deployment of $PAWK8S_PROFILE, through a liar. Which cases there are, and what each
// of them looks at, is found out, not listed.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

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

// How long a case may wait for what will never come, beyond the time that it takes with the truth.
constexpr int kPatienceSeconds = 15;

// "passed", "stimulus-failed" and so on; "no record" counts as not passed.
std::string OutcomeOf(const std::optional<Record>& record) {
  return record ? std::string(NameOf(record->outcome)) : "no record";
}

// The same of the judgement alone: what fails in the fixture after it has begun is the restoring.
std::string JudgementOf(const std::optional<Record>& record) {
  const auto of_fixture = [](const Failure& failure) {
    return failure.file.ends_with("testing/case.cc");
  };
  if (record && !record->restored && std::ranges::all_of(record->failures, of_fixture)) {
    return std::string(NameOf(Outcome::kPassed));
  }
  return OutcomeOf(record);
}

using CaseAndChannel = std::pair<std::string, std::string>;
// What a case looks at after its change for the sake of another one that shares its trace, and may
// do without itself: HP-05 judges the Service's endpoints, RBK-01 whether the pod before answered,
// STS-01 the blocks after a cycle, STS-05 what the DNS servers say.
const std::set<CaseAndChannel> kForAnother = {{"INF-HP-02", "objects"},
                                              {"INF-PDB-04", "exec"},
                                              {"INF-STS-02", "portforward"},
                                              {"INF-STS-07", "exec"}};
// What a case only quotes, should it be red: why a pod of its own does not run.
const std::set<CaseAndChannel> kForWords = {
    {"INF-PV-02", "events"}, {"INF-PV-06", "events"}, {"INF-PV-07", "events"}};

// Is nothing said at all, good or bad? An empty list, or log, is a statement; a false one is
// believed.
bool SaysNothing(const std::string& channel, const std::string& how) {
  return how == "error" || channel == "watch" || channel == "portforward" || channel == "exec";
}

// All of them, or the one of $PAWK8S_SELFTEST_CHANNEL.
std::vector<std::string> Channels() {
  if (const char* one = std::getenv("PAWK8S_SELFTEST_CHANNEL")) return {one};
  return {"pods", "events", "objects", "watch", "portforward", "exec", "logs"};
}

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
      if (learnt_.contains(one.entry.id)) continue;
      ASSERT_THAT(AwaitHealthy(*paw_), IsOk());
      ASSERT_THAT(proxy_->TakeSeen(), IsOk());
      const auto record = Run(one);
      EXPECT_EQ(OutcomeOf(record), "passed")
          << one.entry.id << " must be green before it is lied to";
      ASSERT_OK_AND_ASSIGN(const auto seen, proxy_->TakeSeen());
      Learnt& learnt = learnt_[one.entry.id];
      for (const auto& [channel, times] : seen) learnt.uses.insert(channel);
      if (record) learnt.seconds = record->seconds;
      if (OutcomeOf(record) == "passed") sound_.push_back(one);
      fmt::print("{} uses {}\n", one.entry.id, fmt::join(learnt.uses, ", "));
    }
    ASSERT_THAT(sound_, Not(IsEmpty()));
  }

  std::optional<Record> Run(const SuiteCase& one, bool restores = true) {
    auto record = suite_->Run(one, restores);
    EXPECT_THAT(record, IsOk()) << one.entry.id;
    return record.ok() ? *std::move(record) : std::nullopt;
  }

  // Between two truths; in patience, for a lie is found out in little more time than the truth
  // takes.
  std::optional<Record> RunUnderLie(const SuiteCase& one, const std::function<absl::Status()>& lie,
                                    bool restores) {
    changes_.case_budget = fmt::format(
        "{}s", kPatienceSeconds + std::lround(std::ceil(learnt_[one.entry.id].seconds)));
    EXPECT_THAT(suite_->WriteProfile(changes_), IsOk());
    EXPECT_THAT(AwaitHealthy(*paw_), IsOk());
    EXPECT_THAT(proxy_->TakeSeen(), IsOk());
    EXPECT_THAT(lie(), IsOk());
    auto record = Run(one, restores);
    EXPECT_THAT(proxy_->TellTheTruth(), IsOk());
    if (!record || !record->restored) {
      EXPECT_THAT(suite_->Restore(one.phase), IsOk());
    }
    return record;
  }

  // A case that does not look there, and still passes, is enough for a channel: best one that has
  // nothing else to fail by.
  static const SuiteCase* ControlOf(const std::string& channel) {
    const SuiteCase* control = nullptr;
    for (const SuiteCase& one : sound_) {
      if (learnt_[one.entry.id].uses.contains(channel)) continue;
      if (control == nullptr || one.entry.impact == "read") control = &one;
    }
    return control;
  }

  struct Blindness {
    std::string judgement;
    std::string why;           // the case's first failure, if it says one
    bool of_anything = false;  // was something kept from the case at all?
  };
  Blindness RunBlind(const SuiteCase& one, const std::string& channel, const std::string& how,
                     Proxy::From from) {
    // What it is kept from seeing is then for its judgement.
    const auto record = RunUnderLie(
        one, [&] { return proxy_->Blind(channel, how, from); }, /*restores=*/false);
    const auto seen = proxy_->TakeSeen();
    EXPECT_THAT(seen, IsOk());
    return {.judgement = JudgementOf(record),
            .why = record && !record->failures.empty() ? record->failures.front().summary : "",
            .of_anything = seen.ok() && seen->contains("hidden")};
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
  struct Learnt {
    std::set<std::string> uses;  // channels
    double seconds = 0;          // that it takes
  };
  static std::map<std::string, Learnt> learnt_;  // by case
};

std::vector<SuiteCase> Honesty::sound_;
std::map<std::string, Honesty::Learnt> Honesty::learnt_;

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
    const std::string outcome = OutcomeOf(RunUnderLie(
        one, [&] { return proxy_->ChangeNothing(); }, /*restores=*/true));
    fmt::print("{}: {}\n", one.entry.id, outcome);
    if (one.entry.impact == "disrupt" || one.entry.impact == "node") {
      EXPECT_EQ(outcome, "stimulus-failed") << one.entry.id;
      ++disruptive;
    } else if (learnt_[one.entry.id].uses.contains("change")) {
      EXPECT_NE(outcome, "passed") << one.entry.id << " changes something, or so it believes";
    } else {
      EXPECT_EQ(outcome, "passed") << one.entry.id << " changes nothing";
    }
  }
  EXPECT_GT(disruptive, 0) << "no disruptive case was tried";
}

// An error comes from the start, when most cases have yet to look whether all is well; silence
// comes when a case has changed something and waits for what follows.
TEST_F(Honesty, NoCasePassesOrAccusesThatCannotSee) {
  ASSERT_NO_FATAL_FAILURE(StartProxy());
  ASSERT_NO_FATAL_FAILURE(OpenRuns());
  ASSERT_NO_FATAL_FAILURE(LearnWhatCasesUse());
  int blinded = 0;
  for (const std::string& channel : Channels()) {
    const SuiteCase* control = ControlOf(channel);
    for (const char* how : {"error", "silence"}) {
      for (const SuiteCase& one : sound_) {
        const std::set<std::string>& uses = learnt_[one.entry.id].uses;
        const bool depends = uses.contains(channel);
        if (!depends && &one != control) continue;
        const bool midway = how == std::string("silence") && uses.contains("change");
        Blindness blind =
            RunBlind(one, channel, how, midway ? Proxy::From::kChange : Proxy::From::kStart);
        // What is not looked at after the change was looked at before.
        const CaseAndChannel pair(one.entry.id, channel);
        if (depends && midway && (!blind.of_anything || kForAnother.contains(pair))) {
          blind = RunBlind(one, channel, how, Proxy::From::kStart);
        }
        fmt::print("{} without {} ({}): {} {}\n", one.entry.id, channel, how, blind.judgement,
                   blind.why.substr(0, 150));
        std::fflush(stdout);
        EXPECT_EQ(blind.of_anything, depends) << one.entry.id << " and " << channel;
        if (how == std::string("silence") && kForWords.contains(pair)) {
          EXPECT_EQ(blind.judgement, "passed") << one.entry.id << " only quotes " << channel;
        } else if (depends) {
          EXPECT_NE(blind.judgement, "passed")
              << one.entry.id << " without " << channel << ", " << how;
          if (SaysNothing(channel, how)) {
            EXPECT_NE(blind.judgement, "violated")
                << one.entry.id << " accuses without " << channel << ", " << how;
          }
          ++blinded;
        } else {
          EXPECT_EQ(blind.judgement, "passed") << one.entry.id << " does not use " << channel;
        }
      }
    }
  }
  EXPECT_GT(blinded, 0) << "no case depends on a channel";
}

}  // namespace
}  // namespace pawk8s::selftest
