#include "prove.h"

#include <fmt/format.h>

#include <cstdio>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "defects.h"
#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/deployment/baseline.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/deployment/identity.h"
#include "pawk8s/net/process.h"
#include "pawk8s/verdict/record.h"
#include "pawk8s/verdict/run.h"
#include "pawk8s/wait/until.h"

namespace pawk8s {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kRequest{10};
constexpr std::chrono::minutes kCaseRun{20};

Deadline Soon() { return Deadline::After(kRequest); }

double SecondsSince(SteadyTime began) {
  return std::chrono::duration<double>(Clock::Real().Now() - began).count();
}

void Say(const std::string& id, std::string_view what) {
  fmt::print(stderr, "{}: {}\n", id, what);
  std::fflush(stderr);
}

struct Selected {
  CatalogueCase entry;
  std::string phase;
  Defect defect;
};

absl::StatusOr<std::vector<Selected>> Select(const ProveOptions& options, const Profile& profile) {
  std::map<std::string, Defect> defects;
  std::vector<std::filesystem::path> files;
  if (!options.defects.empty()) {
    files.push_back(options.defects);
  } else {
    for (const Phase& phase : Phases()) {
      const auto file =
          std::filesystem::path(PAWK8S_DEFECTS_DIR) / fmt::format("{}.yaml", phase.name);
      if (std::filesystem::exists(file)) files.push_back(file);
    }
  }
  for (const auto& file : files) {
    ASSIGN_OR_RETURN(const std::vector<Defect> list, LoadDefects(file, profile));
    for (const Defect& defect : list) defects[defect.id] = defect;
  }
  std::vector<Selected> selected;
  std::set<std::string> matched;
  for (const Phase& phase : Phases()) {
    ASSIGN_OR_RETURN(const Catalogue catalogue, Catalogue::OfPhase(phase.name));
    for (const CatalogueCase& entry : catalogue.cases()) {
      for (const std::string& id : options.ids) {
        const bool exact = id == entry.id;
        if (!exact && id != entry.suite && id != phase.name) continue;
        const auto found = defects.find(entry.id);
        matched.insert(id);
        if (found == defects.end()) {
          if (!exact) continue;
          return absl::FailedPreconditionError(entry.id + " has no defect in fixtures/defects");
        }
        selected.push_back({entry, std::string(phase.name), found->second});
        break;
      }
    }
  }
  for (const std::string& id : options.ids) {
    if (!matched.contains(id)) {
      return absl::InvalidArgumentError("there is no case, suite or phase " + id);
    }
  }
  if (selected.empty()) return absl::InvalidArgumentError("none of these has a defect");
  return selected;
}

// Runs one case in a process and a run of its own.
absl::StatusOr<Record> RunCase(const ProveOptions& options, const Selected& c, bool planted) {
  const auto results =
      Run::ResultsRoot() / "prove" / c.entry.id / (planted ? "planted" : "healthy");
  net::ProcessSpec spec{.argv = {(options.executables / ("pawk8s_" + c.phase)).string(),
                                 "--gtest_filter=" + c.entry.TestName()},
                        .env = {{"PAWK8S_RESULTS", results.string()}}};
  if (planted) spec.env.emplace_back("PAWK8S_PLANTED", c.entry.id);
  ASSIGN_OR_RETURN(const net::ProcessResult ran, net::RunProcess(spec, Deadline::After(kCaseRun)));
  RETURN_IF_ERROR(WriteFileAtomically(results / "output.txt", ran.out + ran.err));
  ASSIGN_OR_RETURN(const Run run, Run::Current(results, c.phase));
  absl::StatusOr<Record> record = ReadRecord(run.folder(), c.entry.id);
  if (!record.ok()) {
    return Annotate(record.status(),
                    fmt::format("{} exited with {}: {}", spec.argv[0], ran.exit_code, ran.err));
  }
  return record;
}

// Plants and lifts the steps of one defect, remembering what it changed.
class Planter {
 public:
  Planter(Deployment& paw, const Defect& defect) : paw_(paw), defect_(defect) {}

  absl::Status Plant() {
    for (const PlantStep& step : defect_.plant) {
      RETURN_IF_ERROR(CheckClusterIdentity(paw_, Soon()));
      RETURN_IF_ERROR(step.kind == PlantStep::Kind::kPatch ? Patch(step) : Wait(step));
    }
    return absl::OkStatus();
  }

  // True if every patch is still in force: patching again would change nothing.
  absl::StatusOr<bool> IsPlanted() {
    for (const PlantStep& step : defect_.plant) {
      if (step.kind != PlantStep::Kind::kPatch) continue;
      ASSIGN_OR_RETURN(const kube::Object live, paw_.kube().Get(step.ref, Soon()));
      ASSIGN_OR_RETURN(
          const kube::Object patched,
          paw_.kube().Patch(step.ref, step.patch_type, step.body, Soon(), {.dry_run = true}));
      if (live.generation() != patched.generation()) return false;
    }
    return true;
  }

  // Puts back every object as it was; the last one changed first.
  absl::Status Lift() {
    for (auto it = originals_.rbegin(); it != originals_.rend(); ++it) {
      const auto& [ref, original] = *it;
      ASSIGN_OR_RETURN(const kube::Object live, paw_.kube().Get(ref, Soon()));
      json object = original.json();
      object["metadata"]["resourceVersion"] = live.resource_version();
      object["metadata"].erase("managedFields");
      object.erase("status");
      RETURN_IF_ERROR(paw_.kube().Update(ref, object, Soon()).status());
    }
    return absl::OkStatus();
  }

 private:
  absl::Status Patch(const PlantStep& step) {
    ASSIGN_OR_RETURN(kube::Object original, paw_.kube().Get(step.ref, Soon()));
    ASSIGN_OR_RETURN(const kube::Object patched,
                     paw_.kube().Patch(step.ref, step.patch_type, step.body, Soon()));
    originals_.emplace_back(step.ref, original);
    if (patched.generation() == original.generation()) {
      return absl::FailedPreconditionError("the patch of " + step.object + " changes nothing");
    }
    return absl::OkStatus();
  }

  absl::Status Wait(const PlantStep& step) {
    WorkloadRef ref{.kind = step.ref.resource.kind == "StatefulSet" ? WorkloadKind::kStatefulSet
                                                                    : WorkloadKind::kDeployment,
                    .ns = step.ref.ns,
                    .name = step.ref.name};
    const auto report = Until(
        Deadline::After(step.within), Every(Millis{300}),
        [&](const Deadline& d) { return paw_.Read(ref, d); },
        [&](const WorkloadState& state) {
          return step.kind == PlantStep::Kind::kWaitObserved || state.IsSettled();
        });
    return Annotate(report.status, report.last ? report.last->ToString() : step.object);
  }

  Deployment& paw_;
  const Defect& defect_;
  std::vector<std::pair<kube::ObjectRef, kube::Object>> originals_;
};

// A StatefulSet's controller waits for a pod of a revision that can never become Ready: such a pod
// must be deleted by hand, as Kubernetes documents.
void DeleteStuckPods(Deployment& paw, std::set<std::string>& deleted) {
  const auto state = paw.Read(paw.profile().validators, Soon());
  if (!state.ok()) return;
  for (const kube::Pod& pod : state->pods) {
    if (pod.revision() == state->revision || WhyNotReady(pod).empty() || pod.deletion_time()) {
      continue;
    }
    if (!deleted.insert(pod.uid()).second) continue;
    IgnoreError(paw.kube().Delete({kube::kPods, pod.ns(), pod.name()}, Soon(), {.uid = pod.uid()}),
                "the wait for the baseline judges");
  }
}

absl::Status AwaitBaseline(Deployment& paw, const Baseline& before) {
  std::set<std::string> deleted;
  const auto report = Until(
      Deadline::After(paw.profile().restore_budget), Every(Millis{1000}),
      [&](const Deadline& d) -> absl::StatusOr<std::vector<std::string>> {
        DeleteStuckPods(paw, deleted);
        ASSIGN_OR_RETURN(const Baseline now, Baseline::Read(paw, d));
        return before.LostSince(now);
      },
      [](const std::vector<std::string>& lost) { return lost.empty(); });
  if (report.status.ok()) return absl::OkStatus();
  return Annotate(report.status, report.last ? fmt::format("{}", fmt::join(*report.last, "; "))
                                             : std::string("the baseline"));
}

std::string JudgeRed(const Record& red, const Defect& defect, Proof& proof) {
  if (!red.failures.empty()) proof.first_line = red.failures.front().summary;
  if (red.outcome == Outcome::kPassed) return "survived";
  if (red.outcome != Outcome::kViolated) {
    proof.first_line = fmt::format("{}: {}", NameOf(red.outcome), proof.first_line);
    return "wrong outcome";
  }
  if (proof.first_line.find(defect.names) == std::string::npos) {
    return "wrong outcome";  // red for another reason than the defect
  }
  return "killed";
}

absl::Status WriteProofs(const std::vector<Proof>& proofs) {
  json list = json::array();
  for (const Proof& p : proofs) {
    list.push_back({{"id", p.id},
                    {"defect", p.defect},
                    {"result", p.result},
                    {"first_line", p.first_line},
                    {"green_seconds", p.green_seconds},
                    {"red_seconds", p.red_seconds},
                    {"total_seconds", p.total_seconds}});
  }
  return WriteFileAtomically(Run::ResultsRoot() / "prove" / "prove.json", list.dump(1) + "\n");
}

absl::StatusOr<Proof> ProveOne(const ProveOptions& options, Deployment& paw, const Selected& c) {
  Proof proof{.id = c.entry.id, .defect = c.defect.defect};
  ASSIGN_OR_RETURN(const Baseline before, Baseline::Read(paw, Deadline::After(kRequest * 3)));
  if (const auto problems = before.Problems(); !problems.empty()) {
    return absl::FailedPreconditionError(fmt::format(
        "nothing can be proved on an unhealthy deployment: {}", fmt::join(problems, "; ")));
  }
  Say(c.entry.id, "running on the healthy deployment");
  ASSIGN_OR_RETURN(const Record green, RunCase(options, c, false));
  proof.green_seconds = green.seconds;
  if (green.outcome != Outcome::kPassed) {
    proof.result = "not green";
    if (!green.failures.empty()) proof.first_line = green.failures.front().summary;
    return proof;
  }
  Say(c.entry.id, "planting: " + c.defect.defect);
  Planter planter(paw, c.defect);
  absl::Status planted = planter.Plant();
  if (planted.ok()) {
    Say(c.entry.id, "running under its defect");
    const absl::StatusOr<Record> red = RunCase(options, c, true);
    const absl::StatusOr<bool> still = planter.IsPlanted();
    if (!red.ok()) {
      proof.result = "wrong outcome";
      proof.first_line = MessageOf(red.status());
    } else if (!still.ok() || !*still) {
      proof.result = "not planted";
      proof.red_seconds = red->seconds;
    } else {
      proof.red_seconds = red->seconds;
      proof.result = JudgeRed(*red, c.defect, proof);
    }
  } else {
    proof.result = "not planted";
    proof.first_line = MessageOf(planted);
  }
  Say(c.entry.id, "lifting");
  absl::Status lifted = planter.Lift();
  if (lifted.ok()) lifted = AwaitBaseline(paw, before);
  if (!lifted.ok()) {
    proof.result = "not restored";
    proof.first_line = MessageOf(lifted);
  }
  return proof;
}

}  // namespace

absl::StatusOr<std::vector<Proof>> Prove(const ProveOptions& options) {
  ASSIGN_OR_RETURN(const Profile profile, Profile::FromEnvironment());
  if (!profile.allow.defects) {
    return absl::FailedPreconditionError(
        "refused: proving breaks the deployment on purpose, and allow.defects is false in " +
        profile.file);
  }
  ASSIGN_OR_RETURN(const std::vector<Selected> selected, Select(options, profile));
  ASSIGN_OR_RETURN(const std::unique_ptr<Deployment> paw, Deployment::Connect(profile));
  RETURN_IF_ERROR(CheckIdentity(*paw, Deadline::After(kRequest * 3)));
  std::vector<Proof> proofs;
  for (const Selected& c : selected) {
    const SteadyTime began = Clock::Real().Now();
    ASSIGN_OR_RETURN(Proof proof, ProveOne(options, *paw, c));
    proof.total_seconds = SecondsSince(began);
    Say(proof.id, fmt::format("{} ({:.0f} s)", proof.result, proof.total_seconds));
    proofs.push_back(std::move(proof));
    RETURN_IF_ERROR(WriteProofs(proofs));
    if (proofs.back().result == "not restored") break;
  }
  return proofs;
}

std::string ProofTable(const std::vector<Proof>& proofs) {
  std::string text;
  std::map<std::string, int> counts;
  for (const Proof& p : proofs) {
    ++counts[p.result];
    text += fmt::format("{:<11} {:<13} green {:>5.1f} s  red {:>5.1f} s  total {:>5.0f} s  {}\n",
                        p.id, p.result, p.green_seconds, p.red_seconds, p.total_seconds, p.defect);
    text += fmt::format("{:>13}{}\n", "", p.first_line);
  }
  for (const auto& [result, count] : counts) text += fmt::format("{}: {}\n", result, count);
  return text;
}

}  // namespace pawk8s
