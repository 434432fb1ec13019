// pawk8s: what surrounds the cases.
//
// Exit codes: 0 pass, 1 a verdict failed, 2 usage, 3 the system could not be observed or reached,
// 4 refused as unsafe, 5 something was not restored.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/deployment/session.h"
#include "pawk8s/verdict/gate.h"
#include "pawk8s/verdict/record.h"
#include "pawk8s/verdict/run.h"
#include "prove.h"

namespace pawk8s {
namespace {

enum ExitCode : int {
  kPass = 0,
  kVerdictFailed = 1,
  kUsage = 2,
  kUnreachable = 3,
  kRefused = 4,
  kNotRestored = 5,
};

int Complain(const absl::Status& status) {
  fmt::print(stderr, "pawk8s: {}\n", MessageOf(status));
  if (absl::IsInvalidArgument(status)) return kUsage;
  if (absl::IsFailedPrecondition(status)) return kRefused;
  return kUnreachable;
}

int Preflight(const std::string& phase) {
  const auto owner = IdentifyProcess(::getppid());
  if (!owner) return Complain(absl::UnavailableError("/proc is not readable"));
  const auto session = Session::Preflight(phase, *owner, Deadline::After(std::chrono::seconds(90)));
  if (!session.ok()) return Complain(session.status());
  fmt::print("run {} against {}\n", (*session)->run().id(), (*session)->paw().profile().file);
  for (const auto& [need, state] : (*session)->run().facts().needs) {
    fmt::print("  {}: {}\n", need, state);
  }
  return kPass;
}

int Sweep(const std::string& phase) {
  const auto run = Run::Current(Run::ResultsRoot(), phase);
  if (!run.ok() || !run->IsOursAndOpen()) {
    fmt::print("no open run of {}: nothing to sweep\n", phase);
    return kPass;
  }
  const auto session = Session::JoinOrOpen(phase, Deadline::After(std::chrono::seconds(60)));
  if (!session.ok()) return Complain(session.status());
  const absl::Status swept = (*session)->Sweep(Deadline::After(std::chrono::seconds(120)));
  if (swept.ok()) return kPass;
  fmt::print(stderr, "pawk8s: {}\n", MessageOf(swept));
  return kNotRestored;
}

int Gate(const std::string& phase) {
  const auto catalogue = Catalogue::OfPhase(phase);
  if (!catalogue.ok()) return Complain(catalogue.status());
  const auto run = Run::Current(Run::ResultsRoot(), phase);
  if (!run.ok()) return Complain(run.status());
  const Verdict verdict = Judge(*catalogue, *run);
  if (const absl::Status s = WriteVerdict(verdict, run->folder()); !s.ok()) return Complain(s);
  fmt::print("{}\n{}\nrecords: {}\n", VerdictTable(verdict), VerdictText(verdict),
             run->folder().string());
  if (!verdict.red_at_any_rate.empty()) return kNotRestored;
  return verdict.Passed() ? kPass : kVerdictFailed;
}

int RestoreAll(const std::string& run) {
  const auto profile = Profile::FromEnvironment();
  if (!profile.ok()) return Complain(profile.status());
  const auto paw = Deployment::Connect(*profile);
  if (!paw.ok()) return Complain(paw.status());
  const absl::Status restored = Restore(**paw, run, Deadline::After(std::chrono::minutes(5)));
  if (restored.ok()) {
    fmt::print("nothing is left of any run\n");
    return kPass;
  }
  if (absl::IsFailedPrecondition(restored)) return Complain(restored);
  fmt::print(stderr, "pawk8s: {}\n", MessageOf(restored));
  return kNotRestored;
}

// The table and JUnit of whatever ran, judged by itself: red if anything in it is.
int Report(const std::vector<std::string>& phases) {
  int ran = 0;
  int failed = 0;
  for (const std::string& phase : phases) {
    const auto run = Run::Current(Run::ResultsRoot(), phase);
    if (!run.ok()) continue;
    const auto catalogue = Catalogue::OfPhase(phase);
    if (!catalogue.ok()) return Complain(catalogue.status());
    const Verdict verdict = Judge(*catalogue, *run);
    if (verdict.recorded == 0) continue;
    if (const absl::Status s = WriteVerdict(verdict, run->folder()); !s.ok()) return Complain(s);
    fmt::print("{}{}JUnit: {}\n", VerdictTable(verdict), VerdictText(verdict),
               (run->folder() / "junit.xml").string());
    ran += verdict.recorded;
    failed += verdict.recorded - verdict.passed;
  }
  fmt::print("{} cases ran, {} failed\n", ran, failed);
  return ran > 0 && failed == 0 ? kPass : kVerdictFailed;
}

int NotImplemented(const std::string& id) {
  const auto catalogue = Catalogue::OfPhase(PhaseOfId(id));
  if (!catalogue.ok()) return Complain(catalogue.status());
  const CatalogueCase* entry = catalogue->FindId(id);
  if (entry == nullptr) return Complain(absl::InvalidArgumentError("there is no case " + id));
  const std::string message = fmt::format("{} is not implemented: {}", id, entry->TestName());
  fmt::print("{}\n{}\n", message, entry->proves);
  const auto run = Run::Current(Run::ResultsRoot(), catalogue->phase().name);
  if (!run.ok() || !run->IsOursAndOpen()) return kVerdictFailed;
  const std::string now = FormatUtc(std::chrono::system_clock::now());
  const Record record{.id = id,
                      .test = entry->TestName(),
                      .run = run->id(),
                      .outcome = Outcome::kNotImplemented,
                      .started = now,
                      .finished = now,
                      .failures = {{.summary = message, .message = message}}};
  if (const absl::Status s = WriteRecord(run->folder(), record); !s.ok()) return Complain(s);
  return kVerdictFailed;
}

int ProveCases(const std::vector<std::string>& ids, const std::string& defects) {
  const auto proofs =
      Prove({.ids = ids,
             .defects = defects,
             .executables = std::filesystem::canonical("/proc/self/exe").parent_path()});
  if (!proofs.ok()) return Complain(proofs.status());
  fmt::print("{}", ProofTable(*proofs));
  if (std::ranges::any_of(*proofs, [](const Proof& p) { return p.result == "not restored"; })) {
    return kNotRestored;
  }
  return std::ranges::all_of(*proofs, &Proof::Killed) ? kPass : kVerdictFailed;
}

}  // namespace
}  // namespace pawk8s

int main(int argc, char** argv) {
  CLI::App app("Verifies a PAW chain deployment on Kubernetes");
  app.require_subcommand(1);
  int code = 0;
  std::string phase;
  const auto is_phase = CLI::Validator(
      [](const std::string& name) {
        return pawk8s::FindPhase(name) != nullptr ? std::string() : name + " is no phase";
      },
      "PHASE");
  const auto add = [&](const char* name, const char* what, std::function<int(std::string)> run) {
    auto* command = app.add_subcommand(name, what);
    command->add_option("phase", phase)->required()->check(is_phase);
    command->callback([&code, &phase, run = std::move(run)] { code = run(phase); });
  };
  add("preflight", "open a run of a phase for the parent process", pawk8s::Preflight);
  add("sweep", "remove what the run left and close it", pawk8s::Sweep);
  add("gate", "judge the last run of a phase against its threshold", pawk8s::Gate);

  auto* report = app.add_subcommand("report", "table and JUnit of the last runs, whole or partial");
  std::vector<std::string> phases;
  report->add_option("phases", phases)->required()->check(is_phase);
  report->callback([&] { code = pawk8s::Report(phases); });

  std::string id;
  auto* missing = app.add_subcommand("not-implemented", "record a case that has no test yet");
  missing->add_option("id", id)->required();
  missing->callback([&] { code = pawk8s::NotImplemented(id); });

  std::string left_by;
  auto* restore = app.add_subcommand("restore", "take back what runs that died have left");
  restore->add_option("--run", left_by, "also of this run, though its lease has not expired");
  restore->callback([&] { code = pawk8s::RestoreAll(left_by); });

  std::vector<std::string> ids;
  std::string defects;
  auto* prove = app.add_subcommand("prove", "green when healthy, red under its defect, restored");
  prove->add_option("ids", ids, "cases, suites or phases")->required();
  prove->add_option("--defects", defects, "a list of defects kept elsewhere")
      ->check(CLI::ExistingFile);
  prove->callback([&] { code = pawk8s::ProveCases(ids, defects); });

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? pawk8s::kPass : pawk8s::kUsage;
  }
  return code;
}
