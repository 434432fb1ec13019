// pawk8s-catalogue: what the build needs of the catalogue, which CMake cannot read.
//
//   pawk8s-catalogue properties <phase>.yaml OUT --discovered VAR --pawk8s PATH --script PATH
//   pawk8s-catalogue compare <phase>.yaml EXECUTABLE
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <string>

#include "pawk8s/base/status.h"
#include "pawk8s/catalogue/catalogue.h"
#include "pawk8s/net/process.h"

namespace pawk8s {
namespace {

struct PropertiesArgs {
  std::string catalogue, out, discovered, tool, script;
};

absl::Status WriteProperties(const PropertiesArgs& args) {
  ASSIGN_OR_RETURN(const Catalogue catalogue, Catalogue::Load(args.catalogue));
  std::ofstream out(args.out);
  out << fmt::format(
      "set(phase {})\nset(pawk8s \"{}\")\nset(discovered ${{{}}})\nset(names)\ninclude(\"{}\")\n",
      catalogue.phase().name, args.tool, args.discovered, args.script);
  for (const CatalogueCase& c : catalogue.cases()) {
    out << fmt::format("pawk8s_case({} {} {} {} {})\n", c.id, c.TestName(), c.impact,
                       c.Quick() ? "ON" : "OFF", fmt::join(c.needs, " "));
  }
  out << "pawk8s_frame()\n";
  out.close();
  if (!out) return absl::UnavailableError("cannot write " + args.out);
  return absl::OkStatus();
}

// What `--gtest_list_tests` prints: "Suite." lines, each followed by indented case names.
std::set<std::string> ParseTestList(const std::string& text) {
  std::set<std::string> tests;
  std::string suite;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    line = line.substr(0, line.find('#'));
    while (!line.empty() && line.back() == ' ') line.pop_back();
    if (line.empty()) continue;
    if (line.front() != ' ') {
      suite = line;
    } else {
      tests.insert(suite + line.substr(line.find_first_not_of(' ')));
    }
  }
  return tests;
}

absl::Status Compare(const std::string& file, const std::string& executable) {
  ASSIGN_OR_RETURN(const Catalogue catalogue, Catalogue::Load(file));
  ASSIGN_OR_RETURN(const net::ProcessResult listed,
                   net::RunProcess({.argv = {executable, "--gtest_list_tests"}},
                                   Deadline::After(std::chrono::seconds(60))));
  if (listed.exit_code != 0) {
    return absl::InternalError(executable + " cannot list its tests: " + listed.err);
  }
  for (const std::string& test : ParseTestList(listed.out)) {
    const auto dot = test.find('.');
    if (catalogue.Find(test.substr(0, dot), test.substr(dot + 1)) == nullptr) {
      return absl::InvalidArgumentError(
          fmt::format("{} is not in {}: a test needs an entry there", test, file));
    }
  }
  return absl::OkStatus();
}

}  // namespace
}  // namespace pawk8s

int main(int argc, char** argv) {
  CLI::App app("What the build needs of the catalogue");
  app.require_subcommand(1);
  absl::Status status;

  pawk8s::PropertiesArgs properties;
  auto* write = app.add_subcommand("properties", "write a phase's CaseProperties.cmake");
  write->add_option("catalogue", properties.catalogue)->required();
  write->add_option("out", properties.out)->required();
  write->add_option("--discovered", properties.discovered)->required();
  write->add_option("--pawk8s", properties.tool)->required();
  write->add_option("--script", properties.script)->required();
  write->callback([&] { status = pawk8s::WriteProperties(properties); });

  std::string catalogue;
  std::string executable;
  auto* compare = app.add_subcommand("compare", "check an executable's tests");
  compare->add_option("catalogue", catalogue)->required();
  compare->add_option("executable", executable)->required();
  compare->callback([&] { status = pawk8s::Compare(catalogue, executable); });

  CLI11_PARSE(app, argc, argv);
  if (!status.ok()) {
    fmt::print(stderr, "pawk8s-catalogue: {}\n", pawk8s::MessageOf(status));
    return 1;
  }
  return 0;
}
