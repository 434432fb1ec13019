// pawk8s: what surrounds the cases.
//
// Exit codes: 0 pass, 1 a verdict failed, 2 usage, 3 the system could not be observed or reached,
// 4 refused as unsafe, 5 something was not restored.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>

#include "case_pages.h"
#include "exit_code.h"
#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/base/stop_on_signal.h"
#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/deployment/session.h"
#include "pawk8s/verdict/gate.h"
#include "pawk8s/verdict/record.h"
#include "pawk8s/verdict/run.h"
#include "profile_commands.h"
#include "prove/prove.h"
#include "why.h"

namespace pawk8s {
namespace {

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

absl::Status WriteAll(const Verdict& verdict, const Run& run) {
  constexpr std::size_t kRunsShown = 20;
  return WriteVerdict(verdict, run.folder(),
                      RecentHistory(RunsIn(Run::StoreRoot(), run.phase()), kRunsShown));
}

int Gate(const std::string& phase) {
  const auto catalogue = Catalogue::OfPhase(phase);
  if (!catalogue.ok()) return Complain(catalogue.status());
  const auto run = Run::Current(Run::ResultsRoot(), phase);
  if (!run.ok()) return Complain(run.status());
  const Verdict verdict = Judge(*catalogue, *run);
  if (const absl::Status s = WriteAll(verdict, *run); !s.ok()) return Complain(s);
  fmt::print("{}\n{}\nreport: {}\n", VerdictTable(verdict), VerdictText(verdict),
             (run->folder() / "report.html").string());
  if (!verdict.restored) return kNotRestored;
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
    if (const absl::Status s = WriteAll(verdict, *run); !s.ok()) return Complain(s);
    fmt::print("{}{}report: {}\n", VerdictTable(verdict), VerdictText(verdict),
               (run->folder() / "report.html").string());
    ran += verdict.recorded;
    failed += verdict.recorded - verdict.passed;
  }
  fmt::print("{} cases ran, {} failed\n", ran, failed);
  return ran > 0 && failed == 0 ? kPass : kVerdictFailed;
}

int Pages(const std::string& phase, const std::string& folder) {
  const std::string defects = fmt::format("{}/{}.yaml", PAWK8S_DEFECTS_DIR, phase);
  const absl::Status written = WriteCasePages(phase, defects, folder);
  return written.ok() ? kPass : Complain(written);
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

struct ProveArguments {
  prove::ProveOptions options;
  std::string defects;
  std::string shard;
  bool check = false;
  bool lift = false;
};

int ProveCases(ProveArguments a) {
  a.options.defects = a.defects;
  if (a.check) {
    const auto checked = prove::CheckDefects(a.options.defects);
    if (!checked.ok()) return Complain(checked.status());
    fmt::print("{}", *checked);
    return kPass;
  }
  const StopOnSignal signals("interrupted: lifting what is planted");
  if (a.lift) {
    const auto lifted = prove::LiftLeftovers();
    if (lifted.ok()) fmt::print("{}\n", *lifted ? "lifted" : "nothing is planted");
    if (lifted.ok()) return kPass;
    fmt::print(stderr, "pawk8s: {}\n", MessageOf(lifted.status()));
    return kNotRestored;
  }
  if (a.options.ids.empty() && a.defects.empty()) {
    return Complain(absl::InvalidArgumentError("name cases, suites or phases, or give --defects"));
  }
  if (!a.shard.empty() &&
      (std::sscanf(a.shard.c_str(), "%d/%d", &a.options.shard.index, &a.options.shard.count) != 2 ||
       a.options.shard.index < 1 || a.options.shard.index > a.options.shard.count)) {
    return Complain(absl::InvalidArgumentError("--shard is written 1/4 to 4/4"));
  }
  a.options.executables = std::filesystem::canonical("/proc/self/exe").parent_path();
  a.options.stop = signals.token();
  const auto proofs = prove::Prove(a.options);
  if (!proofs.ok()) return Complain(proofs.status());
  fmt::print("{}", prove::ProofTable(*proofs));
  return prove::ExitCodeOf(*proofs);
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

  auto* report =
      app.add_subcommand("report", "table, JUnit and HTML of the last runs, whole or partial");
  std::vector<std::string> phases;
  report->add_option("phases", phases)->required()->check(is_phase);
  report->callback([&] { code = pawk8s::Report(phases); });

  std::string pages_of;
  std::string folder;
  auto* pages = app.add_subcommand("pages", "write a page a case: docs/catalogue");
  pages->add_option("phase", pages_of)->required()->check(is_phase);
  pages->add_option("folder", folder)->required();
  pages->callback([&] { code = pawk8s::Pages(pages_of, folder); });

  std::string id;
  auto* missing = app.add_subcommand("not-implemented", "record a case that has no test yet");
  missing->add_option("id", id)->required();
  missing->callback([&] { code = pawk8s::NotImplemented(id); });

  std::string left_by;
  auto* restore = app.add_subcommand("restore", "take back what runs that died have left");
  restore->add_option("--run", left_by, "also of this run, though its lease has not expired");
  restore->callback([&] { code = pawk8s::RestoreAll(left_by); });

  pawk8s::ProveArguments proving;
  auto* prove = app.add_subcommand("prove", "green when healthy, red under its defect, restored");
  prove->add_option("ids", proving.options.ids, "cases, suites or phases");
  prove->add_option("--defects", proving.defects, "a list of defects kept elsewhere")
      ->check(CLI::ExistingFile);
  prove->add_option("--shard", proving.shard, "only every N-th: I/N");
  prove->add_flag("--resume", proving.options.resume, "keep what prove.json says already");
  prove->add_flag("--check", proving.check, "read the lists and compare them with the catalogue");
  prove->add_flag("--lift", proving.lift, "lift what an interrupted prove left planted");
  prove->callback([&] { code = pawk8s::ProveCases(proving); });

  pawk8s::AddProfileCommands(app, code);
  pawk8s::AddWhy(app, code);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? pawk8s::kPass : pawk8s::kUsage;
  }
  return code;
}
