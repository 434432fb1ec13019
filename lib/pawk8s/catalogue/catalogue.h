// The catalogue as data: what each of the 330 cases claims. It is the specification, the
// denominator of every verdict and the source of the case documentation.
//
//   ASSIGN_OR_RETURN(const auto catalogue, Catalogue::Load("fixtures/catalogue/chaos.yaml"));
//   catalogue.Find("PodKill", "ChainKeepsCommitting")->id   // "CHA-POD-03"
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace pawk8s {

struct CatalogueCase {
  std::string id;     // INF-POD-01
  std::string suite;  // PodLifecycle
  std::string name;   // AllReplicasRunningAndReady
  std::string item;   // the roadmap's words
  std::string proves;
  std::string mutant;
  std::vector<std::string> needs;
  std::string impact;      // read | write | disrupt | node | load
  int seconds = 0;         // expected duration
  bool must_pass = false;  // the phase is red without it, whatever its rate; default: false

  // The name that ctest shows, without the phase: "PodLifecycle.AllReplicasRunningAndReady".
  [[nodiscard]] std::string TestName() const { return suite + "." + name; }
  // Cheap enough for every change: reads of at most 4 s.
  [[nodiscard]] bool Quick() const { return impact == "read" && seconds <= 4; }
};

// A phase of the roadmap with the number of cases it must have and the rate it must reach.
struct Phase {
  std::string_view name;
  int size;
  int threshold_percent;
};

// The six phases in the roadmap's order.
[[nodiscard]] const std::vector<Phase>& Phases();
// Null if there is no phase of that name.
[[nodiscard]] const Phase* FindPhase(std::string_view name);

class Catalogue {
 public:
  // Reads <phase>.yaml. InvalidArgument with file and line for an unknown or missing key, a
  // duplicate id or test name, an unknown impact, or a size other than the phase's.
  static absl::StatusOr<Catalogue> Load(const std::filesystem::path& file);

  // The phase's file in the catalogue folder: $PAWK8S_CATALOGUE, else the one built in.
  static absl::StatusOr<Catalogue> OfPhase(std::string_view phase);

  [[nodiscard]] const Phase& phase() const { return *phase_; }
  [[nodiscard]] const std::vector<CatalogueCase>& cases() const { return cases_; }
  // Null if the catalogue has no such case.
  [[nodiscard]] const CatalogueCase* Find(std::string_view suite, std::string_view name) const;
  [[nodiscard]] const CatalogueCase* FindId(std::string_view id) const;

 private:
  const Phase* phase_ = nullptr;
  std::vector<CatalogueCase> cases_;
};

// A case's page for readers: its file in the source tree, which need not be there.
[[nodiscard]] std::filesystem::path PageOfCase(std::string_view id);

// The phase that an id such as CHA-POD-03 belongs to; empty if its prefix is unknown.
[[nodiscard]] std::string_view PhaseOfId(std::string_view id);

}  // namespace pawk8s
