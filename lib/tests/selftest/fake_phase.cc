// A phase executable whose cases do what $PAWK8S_SELFTEST_BEHAVIOUR says ("C03=abort C07=skip"):
// for seeing what a gate makes of it. The phase is chaos, the suite is Fake, the cases C01 to C65.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <utility>

#include "pawk8s/testing/case.h"
#include "pawk8s/testing/run_phase.h"
#include "pawk8s/verdict/record.h"
#include "pawk8s/verdict/run.h"

namespace pawk8s::testing {
namespace {

constexpr int kCases = 65;

std::string BehaviourOf(const std::string& name) {
  const char* all = std::getenv("PAWK8S_SELFTEST_BEHAVIOUR");
  const std::string text = all == nullptr ? "" : std::string(all) + " ";
  const auto at = text.find(name + "=");
  if (at == std::string::npos) return "pass";
  const auto begin = at + name.size() + 1;
  return text.substr(begin, text.find(' ', begin) - begin);
}

class FakeCase : public Case {
 public:
  explicit FakeCase(std::string behaviour) : behaviour_(std::move(behaviour)) {}

  void TestBody() override {
    if (behaviour_ == "empty") return;  // passes without looking
    (void)Must(absl::StatusOr<int>(1));
    if (behaviour_ == "fail") FAIL() << "as told";
    if (behaviour_ == "skip") GTEST_SKIP() << "as told";
    if (behaviour_ == "abort") std::abort();
    if (behaviour_ == "segv") raise(SIGSEGV);
    if (behaviour_ == "kill") raise(SIGKILL);
    if (behaviour_ == "exit") _exit(0);
    if (behaviour_ == "hang") pause();
  }

 private:
  const std::string behaviour_;
};

// The record of this case, as a run before this one would have left it.
void MakeStale(const std::string& id) {
  const auto run = Run::Current(Run::ResultsRoot(), "chaos");
  auto record = ReadRecord(run->folder(), id);
  record->run = "20200101T000000-0000";
  if (!WriteRecord(run->folder(), *record).ok()) std::abort();
}

}  // namespace
}  // namespace pawk8s::testing

int main(int argc, char** argv) {
  std::string selected;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument.starts_with("--gtest_filter=Fake.")) selected = argument.substr(20);
  }
  for (int i = 1; i <= pawk8s::testing::kCases; ++i) {
    const std::string name = fmt::format("C{:02}", i);
    const std::string behaviour = pawk8s::testing::BehaviourOf(name);
    ::testing::RegisterTest("Fake", name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                            [behaviour]() -> pawk8s::testing::Case* {
                              return new pawk8s::testing::FakeCase(behaviour);
                            });
  }
  const std::string behaviour = selected.empty() ? "" : pawk8s::testing::BehaviourOf(selected);
  if (behaviour == "unrecorded") return 0;
  const int code = pawk8s::testing::RunPhase("chaos", argc, argv);
  if (behaviour == "stale") pawk8s::testing::MakeStale("CHA-FAK-" + selected.substr(1));
  return code;
}
