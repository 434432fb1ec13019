#include "pawk8s/testing/run_phase.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdio>
#include <memory>

#include "pawk8s/base/status.h"
#include "pawk8s/base/stop_on_signal.h"
#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/deployment/session.h"
#include "pawk8s/fault/guardian.h"
#include "pawk8s/testing/case.h"
#include "pawk8s/testing/recorder.h"

namespace pawk8s::testing {
namespace {

constexpr std::chrono::seconds kPreflight{60};
constexpr std::chrono::seconds kSweep{60};

}  // namespace

int RunPhase(std::string_view phase, int argc, char** argv) {
  if (const auto guarded = fault::RunGuardianIfAsked(argc, argv)) return *guarded;
  ::testing::InitGoogleMock(&argc, argv);
  if (::testing::GTEST_FLAG(list_tests)) return RUN_ALL_TESTS();

  const StopOnSignal signals("cancelled: the case under way restores what it changed");
  absl::StatusOr<Catalogue> catalogue = Catalogue::OfPhase(phase);
  if (!catalogue.ok()) {
    fmt::print(stderr, "{}\n", MessageOf(catalogue.status()));
    return 2;
  }
  auto session = Session::JoinOrOpen(phase, Deadline::After(kPreflight, signals.token()));
  if (!session.ok()) {
    fmt::print(stderr, "{}\n", MessageOf(session.status()));
    return 3;
  }
  auto& listeners = ::testing::UnitTest::GetInstance()->listeners();
  auto* recorder = new Recorder(**session, *std::move(catalogue));  // gtest owns it
  listeners.Append(recorder);
  listeners.Append(new ThrowOnFatal);
  Case::Use(*recorder, signals.token());

  int code = RUN_ALL_TESTS();
  if (::testing::UnitTest::GetInstance()->test_to_run_count() == 0) {
    fmt::print(stderr, "no case was selected: check the filter\n");
    code = 1;
  }
  if ((*session)->OpenedHere()) {
    if (const absl::Status s = (*session)->Sweep(Deadline::After(kSweep)); !s.ok()) {
      fmt::print(stderr, "{}\n", MessageOf(s));
      code = 5;
    }
  }
  return code;
}

}  // namespace pawk8s::testing
