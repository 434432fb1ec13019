#include "profile_commands.h"

#include <fmt/format.h>

#include <fstream>
#include <memory>
#include <sstream>

#include "exit_code.h"
#include "pawk8s/base/status.h"
#include "pawk8s/deployment/profile.h"
#include "pawk8s/deployment/profile_text.h"
#include "pawk8s/deployment/rights.h"

namespace pawk8s {
namespace {

int Reference() {
  fmt::print("{}", ProfileReference());
  return kPass;
}

// The file's own remarks at its head are kept; all others are made anew.
std::string HeadOf(const std::string& text) {
  std::string head;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line) && line.starts_with("#");) {
    head += line.substr(1) + "\n";
  }
  return head;
}

int PrintAnnotated(const std::string& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  const auto lines = ReadLines(text.str());
  if (!lines.ok()) return Complain(Annotate(lines.status(), file));
  fmt::print("{}", WriteProfile(HeadOf(text.str()), *lines));
  return kPass;
}

int Rbac(const std::string& account) {
  const auto profile = Profile::FromEnvironment();
  if (!profile.ok()) return Complain(profile.status());
  fmt::print("{}", RbacManifest(*profile, account));
  return kPass;
}

}  // namespace

void AddProfileCommands(CLI::App& app, int& code) {
  auto* init = app.add_subcommand("init", "print a draft profile from a live cluster");
  // What an option writes to lives as long as the callback that reads it.
  auto where = std::make_shared<InitOptions>();
  init->add_option("--kubeconfig", where->kubeconfig)->check(CLI::ExistingFile);
  init->add_option("--context", where->context);
  init->add_option("--namespace", where->ns, "look for the chain there only");
  init->callback([&code, where] { code = Init(*where); });

  auto* plan = app.add_subcommand("plan", "what cases would touch, need and take; changes nothing");
  auto selection = std::make_shared<PlanOptions>();
  plan->add_option("ids", selection->ids, "cases, suites or phases")->required();
  plan->add_flag("--json", selection->json);
  plan->add_flag("--offline", selection->offline, "do not ask the cluster");
  plan->callback([&code, selection] { code = Plan(*selection); });

  auto* rbac =
      app.add_subcommand("rbac", "print the manifest of the rights that the profile asks for");
  auto account = std::make_shared<std::string>("pawk8s-runner");
  rbac->add_option("--account", *account, "name of the ServiceAccount and its roles");
  rbac->callback([&code, account] { code = Rbac(*account); });

  auto* profile = app.add_subcommand("profile", "the profile's keys");
  auto file = std::make_shared<std::string>();
  auto* annotate = profile->add_option("--annotate", *file, "print a profile with its explanations")
                       ->check(CLI::ExistingFile);
  auto* reference = profile->add_flag("--reference")->description("print docs/profile.md");
  annotate->excludes(reference);
  profile->require_option(1);
  profile->callback([&code, file] { code = file->empty() ? Reference() : PrintAnnotated(*file); });
}

}  // namespace pawk8s
