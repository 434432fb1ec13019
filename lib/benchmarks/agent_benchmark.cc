// What a call of the agent costs: one exec, through API server, kubelet and container runtime.
//
//   PAWK8S_PROFILE=... pawk8s_agent_benchmark [--samples N]
//
// Applies the agent and removes it again. Prints name, number of samples, p50, p90, max, in
// milliseconds; beside the agent's verb an exec of the program that does nothing, for comparison.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <vector>

#include "pawk8s/agent/agent.h"
#include "pawk8s/base/status.h"
#include "pawk8s/deployment/deployment.h"
#include "pawk8s/kube/exec.h"

namespace pawk8s {
namespace {

Deadline Soon() { return Deadline::After(std::chrono::seconds(60)); }

absl::Status Measure(const char* what, int samples, const std::function<absl::Status()>& call) {
  std::vector<double> millis;
  for (int i = 0; i < samples; ++i) {
    const auto start = std::chrono::steady_clock::now();
    RETURN_IF_ERROR(call());
    millis.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start)
            .count());
  }
  std::sort(millis.begin(), millis.end());
  fmt::print("{:<34} n={:<5} p50={:<8.1f} p90={:<8.1f} max={:.1f}\n", what, samples,
             millis[millis.size() / 2], millis[millis.size() * 9 / 10], millis.back());
  std::fflush(stdout);
  return absl::OkStatus();
}

absl::Status Run(int samples) {
  ASSIGN_OR_RETURN(const Profile profile, Profile::FromEnvironment());
  ASSIGN_OR_RETURN(const auto paw, Deployment::Connect(profile));
  agent::Agent agents(paw->kube(), {.ns = profile.agent.ns,
                                    .image = profile.agent.image,
                                    .pull_secret = profile.agent.pull_secret,
                                    .run_id = "benchmark"});
  const auto measure = [&]() -> absl::Status {
    ASSIGN_OR_RETURN(const auto validators, paw->Read(profile.validators, Soon()));
    const auto pods = validators.ReadyPods();
    if (pods.empty()) return absl::FailedPreconditionError("no validator is ready");
    ASSIGN_OR_RETURN(const agent::NodeAgent on, agents.For(pods.front(), Soon()));
    ASSIGN_OR_RETURN(const agent::Target target,
                     agent::TargetOf(pods.front(), profile.validators.container));
    RETURN_IF_ERROR(
        Measure("ping", samples, [&] { return on.Call(agent::PingRequest{}, Soon()).status(); }));
    RETURN_IF_ERROR(Measure("cgroup_facts", samples, [&] {
      return on.Call(agent::CgroupFactsRequest{target}, Soon()).status();
    }));
    ASSIGN_OR_RETURN(const auto list, paw->kube().List({kube::kPods, profile.agent.ns, "",
                                                        "spec.nodeName=" + on.node()},
                                                       Soon()));
    return Measure("exec of a program that does nothing", samples, [&] {
      return kube::Exec(paw->kube(),
                        {.ns = profile.agent.ns,
                         .pod = list.items.at(0).name(),
                         .argv = {"/pawk8s-agent", "none"}},
                        Soon())
          .status();
    });
  };
  absl::Status result = measure();
  result.Update(agents.Remove(Soon()));
  return result;
}

}  // namespace
}  // namespace pawk8s

int main(int argc, char** argv) {
  CLI::App app("What a call of the agent costs");
  int samples = 100;
  app.add_option("--samples", samples)->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  const absl::Status result = pawk8s::Run(samples);
  if (result.ok()) return 0;
  fmt::print(stderr, "{}\n", result.ToString());
  return 1;
}
