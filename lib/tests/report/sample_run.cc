#include "report/sample_run.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <stdexcept>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

void Check(const absl::Status& status) {
  if (!status.ok()) throw std::runtime_error(std::string(MessageOf(status)));
}

Measure Seconds(const std::string& name, double value, double limit) {
  return {.name = name, .value = value, .unit = "s", .relation = "<=", .threshold = limit};
}

// Latencies in ms that wander, with a few high ones; the same for the same `seed`.
Measure Latency(int seed, double base, double limit) {
  std::vector<double> samples;
  for (int i = 0; i < 1200; ++i) {
    const double t = i + seed * 37;
    const double wave = 1 + 0.25 * std::sin(t / 60) + 0.1 * std::sin(t / 3.1);
    const double spike = (i * 7 + seed) % 211 == 0 ? 2.4 : 1;
    samples.push_back(base * wave * spike);
  }
  const Series series = Series::Of(samples);
  return {.name = "commit p99",
          .value = series.p99,
          .unit = "ms",
          .relation = "<=",
          .threshold = limit,
          .series = series};
}

void AddPodKill(Record& r, double removed, double ready) {
  r.stimulus.push_back({.what = "kill",
                        .kind = "pod",
                        .name = "paw-validator-2",
                        .uid = "8e4f2a9c-6f0e-4e6d-9f6b-1f8b5a6f0c11",
                        .new_uid = "c1aa07d2-3f57-4b58-8d3c-7a1de3bb2f90",
                        .planned = 0.1,
                        .applied = 0.4,
                        .seen = removed,
                        .reverted = ready,
                        .checked = ready + 2.2});
  r.changes = {{"signers of the latest block", 0.0, "4 signers: 51AA, 77B0, 9C1F, E2D4"},
               {"signers of the latest block", removed + 0.3, "3 signers: 51AA, 77B0, E2D4"},
               {"signers of the latest block", ready + 1.1, "4 signers: 51AA, 77B0, 9C1F, E2D4"},
               {"pod paw-validator-2", 0.4, "deletion accepted"},
               {"pod paw-validator-2", removed, "removed"},
               {"pod paw-validator-2", ready, "successor Ready"}};
  r.before = "height 1842, 4 validators answer; 3 of 3 workloads settled";
}

void Fail(Record& r, Outcome outcome, const std::string& expected, const std::string& actual) {
  r.outcome = outcome;
  const std::string summary =
      expected.empty() ? actual : fmt::format("Expected: {}; is: {}", expected, actual);
  r.failures.push_back({.summary = summary,
                        .expected = expected,
                        .actual = actual,
                        .message = expected.empty() ? actual : summary,
                        .file = "tests/chaos/pod_kill_test.cc",
                        .line = 41});
  r.now =
      "height 1907, paw-validator-2 at 1871 (lag 36), 4 validators answer; paw-validator 4/4 "
      "ready; paw-node 2/2 ready; paw-api 2/2 ready";
  r.evidence = {"pods.json", "workloads.json", "events.txt", "chain.json",
                "paw-validator-2.pawd.log"};
}

void Finish(Record& r, double seconds) {
  r.seconds = seconds;
  r.cpu_seconds = seconds / 64;
  r.finished = "2026-03-04T10:30:00.000Z";
  r.observations = 12;
}

}  // namespace

Record SampleRecord(const CatalogueCase& entry, Sample sample, const std::string& run) {
  Record r{.id = entry.id,
           .test = entry.TestName(),
           .run = run,
           .item = entry.item,
           .claim = entry.proves,
           .outcome = Outcome::kPassed,
           .started = "2026-03-04T10:29:00.000Z"};
  r.seeds["load"] = 1842;
  const int seed = static_cast<int>(entry.id.back()) + entry.seconds;
  Finish(r, 0.2 + entry.seconds * 0.9);
  switch (sample) {
    case Sample::kPass:
      r.measures = {Seconds("ready", 8 + seed % 23, 60)};
      break;
    case Sample::kTightPass:
      AddPodKill(r, 5.6, 21.7);
      r.measures = {Seconds("running", 12.4, 30),
                    Seconds("ready", 21.7, 60),
                    Seconds("block gap", 9.31, 10),
                    {.name = "blocks", .value = 17, .relation = ">=", .threshold = 5}};
      Finish(r, 26.4);
      break;
    case Sample::kSeriesPass:
      r.measures = {Latency(seed, 410, 1500)};
      break;
    case Sample::kReadPass:
      break;
    case Sample::kWaitFails:
      AddPodKill(r, 1.6, 21.7);
      r.last_error = "+31.2s GET paw-validator-2:26657/status: Unavailable (connection refused)";
      r.changes.resize(2);
      Fail(r, Outcome::kViolated,
           "within 60.0s: the signers of the latest block contain 9C1F (paw-validator-2)",
           "after 60.0s, 58 polls: { 51AA, 77B0, E2D4 } (3 of 4; 75.0% of power, quorum kept)");
      r.measures = {Seconds("signs again", 60, 60)};
      r.measures[0].never = true;
      Finish(r, 61.8);
      break;
    case Sample::kMatchFails:
      Fail(r, Outcome::kViolated,
           "exactly spec.replicas pods, all of the present revision, Running and Ready",
           "Deployment paw/paw-node: 1 of 2 pods of revision 6d5f8c Running and Ready; "
           "paw-node-6d5f8c-x2x9p (Pending: 0/4 nodes are available: insufficient cpu)");
      break;
    case Sample::kSeriesFails:
      r.measures = {Latency(seed, 760, 1500)};
      Fail(r, Outcome::kViolated, "p99 of commit at most 1500 ms",
           fmt::format("{:.0f} ms over 1200 samples", r.measures[0].value));
      break;
    case Sample::kNever:
      AddPodKill(r, 2.2, 40);
      r.stimulus[0].reverted.reset();
      r.stimulus[0].checked.reset();
      r.changes.resize(2);
      r.measures = {
          Seconds("running", 3.1, 30),
          {.name = "ready", .unit = "s", .relation = "<=", .threshold = 60, .never = true}};
      Fail(r, Outcome::kViolated, "a successor that is Ready within 60.0s of the old pod's removal",
           "paw-validator-2 (Running after 3.1s, Ready after never)");
      Finish(r, 64.9);
      break;
    case Sample::kStimulusFailed:
      r.stimulus = {{.what = "partition",
                     .kind = "StatefulSet",
                     .name = "paw/paw-validator",
                     .planned = 0.2,
                     .applied = 0.9,
                     .error = "not seen in 10 s: packets still pass"}};
      Fail(r, Outcome::kStimulusFailed, "",
           "partition of paw-validator: not seen in 10.0s: 12 of 12 probes still pass "
           "(DeadlineExceeded)");
      break;
    case Sample::kUnobservable:
      Fail(r, Outcome::kUnobservable, "",
           "GET /api/v1/namespaces/paw/pods: 503 Service Unavailable: etcdserver: request timed "
           "out (Unavailable)");
      r.observations = 0;
      break;
    case Sample::kBlocked:
      Fail(r, Outcome::kBlocked, "",
           "the deployment was unhealthy before: paw-validator-3 is catching up");
      r.evidence.clear();
      break;
    case Sample::kTimedOut:
      Fail(r, Outcome::kTimedOut, "", "reading block 2210: no time left (DeadlineExceeded)");
      Finish(r, 600);
      break;
    case Sample::kCrashed:
      AddPodKill(r, 1.6, 0);
      r.stimulus[0].reverted.reset();
      r.stimulus[0].checked.reset();
      r.changes.clear();
      r.outcome = Outcome::kStarted;
      r.finished.clear();
      r.seconds = 0;
      break;
    case Sample::kNotRestored:
      AddPodKill(r, 1.6, 21.7);
      Fail(r, Outcome::kViolated, "",
           "not restored after 240.0s: validator 9C1F is no longer in the set");
      r.restored = false;
      break;
    case Sample::kHostile: {
      AddPodKill(r, 1.6, 21.7);
      const std::string pod = "<script>alert(1)</script>\" onload='x' & ]]> \x01\xff\xfe";
      r.stimulus[0].name = pod;
      r.changes.push_back({pod, 3, pod});
      for (int i = 0; i < 40; ++i) {
        r.changes.push_back({"height", 0.5 * i, fmt::format("height {}", 1842 + i)});
      }
      r.measures = {Seconds(pod, 3, 2)};
      Fail(r, Outcome::kViolated, "no " + pod, pod + std::string(3000, 'x') + " the end");
      r.evidence.emplace_back("../../../etc/passwd");
      r.evidence.emplace_back("javascript:alert(1)");
      break;
    }
    case Sample::kNotImplemented:
      r = {.id = entry.id,
           .test = entry.TestName(),
           .run = run,
           .outcome = Outcome::kNotImplemented,
           .started = "2026-03-04T10:29:00.000Z",
           .finished = "2026-03-04T10:29:00.000Z",
           .failures = {{.summary = entry.id + " is not implemented",
                         .message = entry.id + " is not implemented"}}};
      break;
  }
  return r;
}

Run WriteSampleRun(const std::filesystem::path& root, std::string_view phase) {
  constexpr std::array kPasses = {Sample::kPass, Sample::kTightPass, Sample::kSeriesPass,
                                  Sample::kReadPass};
  constexpr std::array kOthers = {
      Sample::kWaitFails,   Sample::kMatchFails,     Sample::kSeriesFails,
      Sample::kNever,       Sample::kStimulusFailed, Sample::kUnobservable,
      Sample::kBlocked,     Sample::kTimedOut,       Sample::kCrashed,
      Sample::kNotRestored, Sample::kHostile,        Sample::kNotImplemented};
  const auto catalogue = Catalogue::OfPhase(phase);
  Check(catalogue.status());
  const SessionFacts facts{.profile = "/etc/pawk8s/staging.yaml",
                           .profile_sha256 = "9f",
                           .commit = "1e8775ab1a2d",
                           .needs = {{"validators", "present"},
                                     {"byzantine-signer", "not provided: the profile says so"}}};
  absl::StatusOr<Run> run;
  constexpr std::size_t kOlder = 12;
  for (std::size_t age = kOlder + 1; age-- > 0;) {
    run = Run::Open(root, phase, *IdentifyProcess(::getpid()), facts);
    Check(run.status());
    const auto& cases = catalogue->cases();
    for (std::size_t i = 0; i < cases.size(); ++i) {
      Sample sample = kPasses.at(i % kPasses.size());
      // Every fourth case is of another kind in the last run, and now and then before it.
      if (i % 4 == 3 && i / 4 < kOthers.size() && (age == 0 || (age + i) % 5 == 0)) {
        sample = kOthers.at(i / 4);
      }
      if (age == 0 && i + 1 == cases.size()) continue;
      Check(WriteRecord(run->folder(), SampleRecord(cases[i], sample, run->id())));
    }
    if (age == 0) {
      const auto& damaged = cases[cases.size() - 2].id;
      Check(WriteFileAtomically(run->folder() / damaged / "record.json", "{\"schema\": 2,"));
    }
    Check(run->Close(true, ""));
  }
  return *run;
}

}  // namespace pawk8s
