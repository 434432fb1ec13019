// What an operator does before the first run: pawk8s init, plan, profile, rbac.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

namespace pawk8s {

struct InitOptions {
  std::string kubeconfig, context, ns;
};
// Prints a draft profile of the cluster's deployment.
int Init(const InitOptions& options);

struct PlanOptions {
  std::vector<std::string> ids;  // cases, suites or phases
  bool json = false;
  bool offline = false;
};
// Prints what running these cases would touch, and what stands in their way.
int Plan(const PlanOptions& options);

// Adds the commands; `code` is the exit code of the one that runs.
void AddProfileCommands(CLI::App& app, int& code);

}  // namespace pawk8s
