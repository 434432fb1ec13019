#include "selftest/suite.h"

#include <fmt/format.h>
#include <fnmatch.h>
#include <yaml-cpp/yaml.h>

#include <cstdlib>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/baseline.h"
#include "pawk8s/net/process.h"
#include "pawk8s/verdict/run.h"
#include "pawk8s/wait/until.h"

namespace pawk8s::selftest {
namespace {

namespace fs = std::filesystem;

std::string Program(const std::string& name) { return std::string(PAWK8S_BIN_DIR) + "/" + name; }

// A machine that is too busy to answer at all says nothing of the suite.
bool IsUnreachable(const std::string& said) {
  return said.find("cannot be observed") != std::string::npos;
}

}  // namespace

absl::StatusOr<std::vector<SuiteCase>> ImplementedCases() {
  const char* wanted = std::getenv("PAWK8S_SELFTEST_CASES");
  std::vector<SuiteCase> cases;
  for (const Phase& phase : Phases()) {
    const std::string program = Program(fmt::format("pawk8s_{}", phase.name));
    std::error_code error;
    if (!fs::exists(program, error)) continue;
    ASSIGN_OR_RETURN(const net::ProcessResult listed,
                     net::RunProcess({.argv = {program, "--gtest_list_tests"}},
                                     Deadline::After(std::chrono::seconds(30))));
    ASSIGN_OR_RETURN(const Catalogue catalogue, Catalogue::OfPhase(phase.name));
    for (const CatalogueCase& entry : catalogue.cases()) {
      // A suite stands on a line of its own, its cases below it.
      const auto suite = ("\n" + listed.out).find("\n" + entry.suite + ".\n");
      if (suite == std::string::npos) continue;
      const auto end = listed.out.find("\n", suite + entry.suite.size() + 1);
      std::string own = listed.out.substr(std::min(end, listed.out.size()));
      std::size_t next = 0;
      while ((next = own.find('\n', next)) != std::string::npos && next + 1 < own.size() &&
             own[next + 1] == ' ') {
        ++next;
      }
      own = own.substr(0, next) + "\n";
      if (own.find("\n  " + entry.name + "\n") == std::string::npos) continue;
      if (wanted != nullptr && fnmatch(wanted, entry.TestName().c_str(), 0) != 0) continue;
      cases.push_back({std::string(phase.name), entry});
    }
  }
  return cases;
}

Suite::Suite(fs::path folder, std::string base_profile)
    : folder_(std::move(folder)), base_profile_(std::move(base_profile)) {
  std::error_code error;
  fs::create_directories(folder_, error);
}

absl::Status Suite::WriteProfile(const ProfileChanges& changes) const {
  YAML::Node profile = YAML::LoadFile(base_profile_);
  const auto set = [&](const char* section, const char* key, const std::string& value) {
    if (!value.empty()) profile[section][key] = value;
  };
  set("cluster", "kubeconfig", changes.kubeconfig);
  if (!changes.kubeconfig.empty()) profile["cluster"]["context"] = "";
  set("identity", "ca_sha256", changes.ca_sha256);
  set("deployment", "namespace", changes.ns);
  set("budgets", "case", changes.case_budget);
  YAML::Emitter text;
  text << profile;
  return WriteFileAtomically(folder_ / "profile.yaml", std::string(text.c_str()) + "\n");
}

absl::StatusOr<std::string> Suite::Start(std::vector<std::string> argv, bool must_succeed,
                                         const std::string& planted) const {
  const std::string what = fmt::format("{}", fmt::join(argv, " "));
  net::ProcessSpec spec{.argv = std::move(argv),
                        .env = {{"PAWK8S_PROFILE", (folder_ / "profile.yaml").string()},
                                {"PAWK8S_RESULTS", (folder_ / "results").string()}}};
  if (!planted.empty()) spec.env.push_back({"PAWK8S_PLANTED", planted});
  const auto report = Until(
      Deadline::After(std::chrono::minutes(30)), Every(Millis{1000}),
      [&](const Deadline& d) -> absl::StatusOr<std::string> {
        ASSIGN_OR_RETURN(const net::ProcessResult ran, net::RunProcess(spec, d));
        std::string said = ran.out + ran.err;
        if (must_succeed && ran.exit_code != 0) {
          const auto code =
              IsUnreachable(said) ? absl::StatusCode::kUnavailable : absl::StatusCode::kInternal;
          return absl::Status(code,
                              fmt::format("{} exited with {}: {}", what, ran.exit_code, said));
        }
        return said;
      },
      [](const std::string& said) { return !IsUnreachable(said); });
  RETURN_IF_ERROR(report.status);
  return *report.last;
}

absl::Status Suite::Preflight(const std::string& phase) const {
  return Start({Program("pawk8s"), "preflight", phase}, true).status();
}

absl::Status Suite::Sweep(const std::string& phase) const {
  return Start({Program("pawk8s"), "sweep", phase}, true).status();
}

absl::Status Suite::Restore(const std::string& phase) const {
  ASSIGN_OR_RETURN(const pawk8s::Run run, pawk8s::Run::Current(folder_ / "results", phase));
  return Start({Program("pawk8s"), "restore", "--run", run.id()}, true).status();
}

absl::StatusOr<std::optional<Record>> Suite::Run(const SuiteCase& one, bool restores) const {
  ASSIGN_OR_RETURN(const pawk8s::Run run, pawk8s::Run::Current(folder_ / "results", one.phase));
  std::error_code error;
  fs::remove_all(run.folder() / one.entry.id, error);
  // What another case has caused would stand for what this one cannot.
  for (const auto& file : fs::directory_iterator(run.folder(), error)) {
    if (file.path().filename().string().starts_with("trace-")) fs::remove(file.path(), error);
  }
  RETURN_IF_ERROR(Start({Program("pawk8s_" + one.phase), "--gtest_filter=" + one.entry.TestName()},
                        false, restores ? "" : one.entry.id)
                      .status());
  auto record = ReadRecord(run.folder(), one.entry.id);
  if (absl::IsNotFound(record.status())) return std::optional<Record>();
  RETURN_IF_ERROR(record.status());
  return std::optional<Record>(*std::move(record));
}

absl::StatusOr<std::string> Suite::RunAlone(const std::string& phase,
                                            const std::string& filter) const {
  return Start({Program("pawk8s_" + phase), "--gtest_filter=" + filter}, false);
}

absl::Status AwaitHealthy(Deployment& paw) {
  const auto report = Until(
      Deadline::After(std::chrono::minutes(4)), Every(Millis{1000}),
      [&](const Deadline& d) -> absl::StatusOr<std::vector<std::string>> {
        ASSIGN_OR_RETURN(const Baseline now, Baseline::Read(paw, d));
        return now.Problems();
      },
      [](const std::vector<std::string>& problems) { return problems.empty(); });
  return Annotate(report.status,
                  report.last ? fmt::format("{}", fmt::join(*report.last, "; ")) : "no baseline");
}

}  // namespace pawk8s::selftest
