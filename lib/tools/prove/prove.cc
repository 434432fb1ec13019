#include "prove/prove.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/deployment/baseline.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/deployment/identity.h"
#include "pawk8s/deployment/session.h"
#include "pawk8s/net/process.h"
#include "pawk8s/verdict/record.h"
#include "pawk8s/verdict/run.h"
#include "pawk8s/wait/until.h"
#include "prove/judge.h"
#include "prove/node_agent_verbs.h"
#include "prove/planter.h"
#include "prove/selection.h"
#include "prove/waits.h"

namespace pawk8s::prove {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds kLook{30};
constexpr std::chrono::minutes kCaseRun{20};

fs::path Folder() { return Run::ResultsRoot() / "prove"; }

double SecondsSince(SteadyTime began) {
  return std::chrono::duration<double>(Clock::Real().Now() - began).count();
}

void Say(const std::string& id, std::string_view what) {
  fmt::print(stderr, "{}: {}\n", id, what);
  std::fflush(stderr);
}

// What everything below needs of the outside world.
struct World {
  std::unique_ptr<Deployment> paw;
  std::unique_ptr<NodeAgentVerbs> agent;  // empty: the profile does not allow it
  Variables variables;
  std::string cluster_uid;

  [[nodiscard]] Site NewSite(std::stop_token stop) const {
    const auto command = variables.find("testbed.command");
    return Site{*paw, Kinds(paw->kube()),
                Testbed(command == variables.end() ? "" : command->second), std::move(stop),
                agent.get()};
  }
};

absl::StatusOr<World> Connect() {
  ASSIGN_OR_RETURN(const Profile profile, Profile::FromEnvironment());
  if (!profile.allow.defects) {
    return absl::FailedPreconditionError(
        "refused: proving breaks the deployment on purpose, and allow.defects is false in " +
        profile.file);
  }
  World world;
  ASSIGN_OR_RETURN(world.variables, VariablesOf(profile));
  ASSIGN_OR_RETURN(world.paw, Deployment::Connect(profile));
  if (profile.allow.agent) {
    world.agent = std::make_unique<NodeAgentVerbs>(*world.paw, AgentOptions(profile, "prove"));
  }
  return world;
}

absl::Status Identify(World& world) {
  RETURN_IF_ERROR(CheckIdentity(*world.paw, Deadline::After(kLook)));
  ASSIGN_OR_RETURN(const kube::Object kube_system,
                   world.paw->kube().Get({kube::kNamespaces, "", "kube-system"}, Site::Soon()));
  world.cluster_uid = kube_system.uid();
  return absl::OkStatus();
}

fs::path ResultsOf(const std::string& id, bool planted) {
  return Folder() / id / (planted ? "planted" : "healthy");
}

// Takes back what a case left whose process died: it holds the deployment until then.
absl::Status EndRun(Deployment& paw, const fs::path& results, std::string_view phase) {
  const auto run = Run::Current(results, phase);
  if (!run.ok() || run->closing()) return absl::OkStatus();
  RETURN_IF_ERROR(Annotate(Restore(paw, run->id(), Deadline::After(paw.profile().budgets.restore)),
                           "ending run " + run->id()));
  return run->Close(true, "");
}

absl::StatusOr<bool> LiftLeftoversOf(World& world) {
  ASSIGN_OR_RETURN(std::optional<Journal> left, Journal::Left(Folder()));
  if (!left) return false;
  if (left->cluster_uid() != world.cluster_uid) {
    return absl::FailedPreconditionError(
        fmt::format("{} has a defect planted in another cluster: lift it there first with 'pawk8s "
                    "prove --lift', under that cluster's profile",
                    Folder().string()));
  }
  const std::string id = left->id();
  Say(id, "lifting what an interrupted prove left: " + left->defect());
  for (const bool planted : {false, true}) {
    RETURN_IF_ERROR(EndRun(*world.paw, ResultsOf(id, planted), PhaseOfId(id)));
  }
  Site site = world.NewSite({});
  Planter planter(site, *std::move(left));
  RETURN_IF_ERROR(Annotate(planter.Lift(nullptr), id + " is not restored"));
  return true;
}

// Runs one case in a process and a run of its own.
absl::StatusOr<Record> RunCase(const ProveOptions& options, Deployment& paw, const Selected& c,
                               bool planted) {
  const auto results = ResultsOf(c.entry.id, planted);
  net::ProcessSpec spec{.argv = {(options.executables / ("pawk8s_" + c.phase)).string(),
                                 "--gtest_filter=" + c.entry.TestName()},
                        .env = {{"PAWK8S_RESULTS", results.string()}},
                        .grace = std::chrono::minutes(5)};
  if (planted) spec.env.emplace_back("PAWK8S_PLANTED", c.entry.id);
  const auto ended = net::RunProcess(spec, Deadline::After(kCaseRun, options.stop));
  RETURN_IF_ERROR(EndRun(paw, results, c.phase));
  RETURN_IF_ERROR(ended.status());
  const net::ProcessResult& ran = *ended;
  RETURN_IF_ERROR(WriteFileAtomically(results / "output.txt", ran.out + ran.err));
  ASSIGN_OR_RETURN(const Run run, Run::Current(results, c.phase));
  absl::StatusOr<Record> record = ReadRecord(run.folder(), c.entry.id);
  if (!record.ok()) {
    return Annotate(record.status(),
                    fmt::format("{} exited with {}: {}", spec.argv[0], ran.exit_code, ran.err));
  }
  if (record->outcome == Outcome::kStarted) {
    return absl::UnavailableError(
        fmt::format("{} crashed: exit code {}", c.entry.id, ran.exit_code));
  }
  return record;
}

std::string MarginOf(const Record& record) {
  for (const Measure& m : record.measures) {
    const bool held = m.relation == "<="   ? m.value <= m.threshold && m.value >= 0
                      : m.relation == ">=" ? m.value >= m.threshold
                                           : true;
    if (held) continue;
    return fmt::format("{} {:.4g}{} ({} {:.4g})", m.name, m.value,
                       m.unit.empty() ? "" : " " + m.unit, m.relation, m.threshold);
  }
  return "";
}

// From planted to judged; the deployment is still broken afterwards.
void Catch(const ProveOptions& options, Site& site, const Selected& c, Planter& planter,
           std::set<std::string> names, Proof& proof) {
  const auto fail = [&](const char* result, const absl::Status& why) {
    proof.result = absl::IsCancelled(why) ? kInterrupted : result;
    proof.first_line = MessageOf(why);
  };
  if (const absl::Status s = planter.Plant(c.defect.plant); !s.ok()) return fail(kNotPlanted, s);
  if (c.defect.settle) {
    Say(c.entry.id, "letting it settle");
    if (const absl::Status s = Await(site, *c.defect.settle); !s.ok()) return fail(kNotPlanted, s);
  }
  Say(c.entry.id, "running under its defect");
  const absl::StatusOr<Record> red = RunCase(options, site.paw, c, true);
  if (!red.ok()) return fail(kWrongOutcome, red.status());
  proof.red_seconds = red->seconds;
  proof.margin = MarginOf(*red);
  const absl::StatusOr<std::string> healed = planter.WhatHealed();
  if (!healed.ok()) return fail(kNotPlanted, healed.status());
  if (!healed->empty()) return fail(kNotPlanted, absl::UnknownError(*healed));
  // Pods that were made under the defect can be named as well as those from before.
  const auto now = NamesIn(site);
  if (!now.ok()) return fail(kWrongOutcome, now.status());
  names.insert(now->begin(), now->end());
  Judgement judgement = JudgeRed(*red, c.defect, names);
  proof.result = std::move(judgement.result);
  proof.first_line = std::move(judgement.first_line);
}

absl::StatusOr<Proof> ProveOne(const ProveOptions& options, World& world, const Selected& c) {
  Proof proof{.id = c.entry.id, .defect = c.defect.defect, .digest = c.defect.Digest()};
  Site site = world.NewSite(options.stop);
  if (const std::string why = WhyRefused(site, c.defect); !why.empty()) {
    proof.result = kRefused;
    proof.first_line = why;
    return proof;
  }
  // The defect before it was lifted a moment ago, and a busy machine misses a block now and then.
  const auto looked = Until(
      Deadline::After(kLook), Every(Millis{1000}),
      [&](const Deadline& d) { return Baseline::Read(*world.paw, d); },
      [](const Baseline& now) { return now.Problems().empty(); });
  if (!looked.last) return looked.last_error;
  const Baseline& before = *looked.last;
  if (const auto problems = before.Problems(); !problems.empty()) {
    return absl::FailedPreconditionError(fmt::format(
        "nothing can be proved on an unhealthy deployment: {}", fmt::join(problems, "; ")));
  }
  Say(c.entry.id, "running on the healthy deployment");
  ASSIGN_OR_RETURN(const Record green, RunCase(options, *world.paw, c, false));
  proof.green_seconds = green.seconds;
  if (green.outcome != Outcome::kPassed) {
    proof.result = kGreenFailed;
    if (!green.failures.empty()) proof.first_line = green.failures.front().summary;
    return proof;
  }
  ASSIGN_OR_RETURN(std::set<std::string> names, NamesIn(site));
  Say(c.entry.id, "planting: " + c.defect.defect);
  ASSIGN_OR_RETURN(Journal journal, Journal::Begin(Folder(), c.defect, world.cluster_uid));
  Planter planter(site, std::move(journal));
  Catch(options, site, c, planter, std::move(names), proof);
  Say(c.entry.id, "lifting");
  if (const absl::Status lifted = planter.Lift(&before); !lifted.ok()) {
    proof.result = kNotRestored;
    proof.first_line = MessageOf(lifted);
  }
  return proof;
}

// What an earlier run has settled; what was interrupted or refused is tried again.
bool IsSettled(const Proof& proof) {
  return proof.result != kInterrupted && proof.result != kNotRestored && proof.result != kRefused;
}

bool IsOf(const Proof& proof, const Selected& c) {
  return proof.id == c.entry.id && proof.digest == c.defect.Digest();
}

// With what an earlier run has said of defects whose turn has not come yet.
std::vector<Proof> With(std::vector<Proof> proofs, const std::vector<Proof>& earlier) {
  const std::size_t own = proofs.size();
  for (const Proof& proof : earlier) {
    const auto same = [&](const Proof& one) {
      return one.id == proof.id && one.digest == proof.digest;
    };
    if (std::none_of(proofs.begin(), proofs.begin() + static_cast<std::ptrdiff_t>(own), same)) {
      proofs.push_back(proof);
    }
  }
  return proofs;
}

}  // namespace

absl::StatusOr<std::vector<Proof>> Prove(const ProveOptions& options) {
  ASSIGN_OR_RETURN(World world, Connect());
  ASSIGN_OR_RETURN(const std::vector<Selected> selected, Select(options, world.variables));
  RETURN_IF_ERROR(Identify(world));
  RETURN_IF_ERROR(LiftLeftoversOf(world).status());
  std::vector<Proof> earlier;
  if (options.resume) {
    ASSIGN_OR_RETURN(earlier, ReadProofs(Folder(), world.cluster_uid));
  }
  std::vector<Proof> proofs;
  for (const Selected& c : selected) {
    if (options.stop.stop_requested()) return absl::CancelledError("interrupted");
    const auto known = std::ranges::find_if(
        earlier, [&](const Proof& proof) { return IsOf(proof, c) && IsSettled(proof); });
    if (known != earlier.end()) {
      proofs.push_back(*known);
      continue;
    }
    const SteadyTime began = Clock::Real().Now();
    ASSIGN_OR_RETURN(Proof proof, ProveOne(options, world, c));
    proof.total_seconds = SecondsSince(began);
    Say(proof.id, fmt::format("{} ({:.0f} s)", proof.result, proof.total_seconds));
    proofs.push_back(std::move(proof));
    RETURN_IF_ERROR(WriteProofs(Folder(), world.cluster_uid, With(proofs, earlier)));
    if (proofs.back().result == kNotRestored || proofs.back().result == kInterrupted) break;
  }
  return proofs;
}

absl::StatusOr<bool> LiftLeftovers() {
  ASSIGN_OR_RETURN(World world, Connect());
  RETURN_IF_ERROR(Identify(world));
  return LiftLeftoversOf(world);
}

std::string ProofTable(const std::vector<Proof>& proofs) {
  std::string text;
  std::map<std::string, int> counts;
  for (const Proof& p : proofs) {
    ++counts[p.result];
    text += fmt::format("{:<11} {:<13} green {:>5.1f} s  red {:>5.1f} s  total {:>5.0f} s  {}\n",
                        p.id, p.result, p.green_seconds, p.red_seconds, p.total_seconds, p.defect);
    if (!p.margin.empty()) text += fmt::format("{:>13}{}\n", "", p.margin);
    if (!p.first_line.empty()) text += fmt::format("{:>13}{}\n", "", p.first_line);
  }
  for (const auto& [result, count] : counts) text += fmt::format("{}: {}\n", result, count);
  return text;
}

int ExitCodeOf(const std::vector<Proof>& proofs) {
  const auto all = [&](const char* result) {
    return std::ranges::all_of(proofs, [&](const Proof& p) { return p.result == result; });
  };
  if (std::ranges::any_of(proofs, [](const Proof& p) { return p.result == kNotRestored; })) {
    return 5;
  }
  if (all(kKilled)) return 0;
  return all(kRefused) ? 4 : 1;
}

}  // namespace pawk8s::prove
