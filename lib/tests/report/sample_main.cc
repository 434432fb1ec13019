// Writes a made-up run and its verdict, to look at reports without a cluster:
//
//   pawk8s-sample-report FOLDER [PHASE]    prints the path of the page
#include <fmt/format.h>

#include <cstdio>

#include "pawk8s/base/status.h"
#include "pawk8s/verdict/gate.h"
#include "report/sample_run.h"

int main(int argc, char** argv) {
  if (argc < 2) {
    fmt::print(stderr, "usage: {} FOLDER [PHASE]\n", argv[0]);
    return 2;
  }
  const std::filesystem::path root = argv[1];
  const std::string phase = argc > 2 ? argv[2] : "chaos";
  if (pawk8s::FindPhase(phase) == nullptr) {
    fmt::print(stderr, "{} is no phase\n", phase);
    return 2;
  }
  const pawk8s::Run run = pawk8s::WriteSampleRun(root, phase);
  const auto catalogue = pawk8s::Catalogue::OfPhase(phase);
  const pawk8s::Verdict verdict = pawk8s::Judge(*catalogue, run);
  const absl::Status written = pawk8s::WriteVerdict(
      verdict, run.folder(), pawk8s::RecentHistory(pawk8s::RunsIn(root, phase), 20));
  if (!written.ok()) {
    fmt::print(stderr, "{}\n", pawk8s::MessageOf(written));
    return 3;
  }
  fmt::print("{}\n", (run.folder() / "report.html").string());
  return 0;
}
