// Plants a defect and lifts it, writing down beforehand how to take back each change.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/deployment/baseline.h"
#include "prove/defects.h"
#include "prove/journal.h"
#include "prove/site.h"

namespace pawk8s::prove {

// Why this defect cannot be planted here at all; empty if it can.
[[nodiscard]] std::string WhyRefused(const Site& site, const Defect& defect);

class Planter {
 public:
  Planter(Site& site, Journal journal) : site_(site), journal_(std::move(journal)) {}

  // Stops at the first step that fails or changes nothing.
  [[nodiscard]] absl::Status Plant(const std::vector<Step>& steps);
  // Empty if all of it is still in force, else what is not.
  [[nodiscard]] absl::StatusOr<std::string> WhatHealed();
  // The defect's own lift steps, then every object as it was, workloads last; waits until `before`
  // is regained (without one: until the deployment is healthy), and ends the journal if it is.
  [[nodiscard]] absl::Status Lift(const Baseline* before);

 private:
  absl::Status Do(const Step& step);
  absl::Status Change(const Step& step, const kube::ObjectRef& ref);
  absl::StatusOr<kube::Object> Write(const Step& step, const kube::ObjectRef& ref,
                                     const std::optional<kube::Object>& live);
  absl::Status Keep(const Step& step);
  absl::Status Exec(const Step& step);
  absl::Status EditChain(const Step& step);
  absl::Status EditComponent(const Step& step);
  absl::Status Retag(const Step& step);
  absl::Status Govern(const Step& step);
  absl::Status ArmAgent(const Step& step);
  // Where the journal has an undo with these values under `identity`; else it is added. The first
  // is what is restored, the last step's "after" is what must still hold.
  absl::StatusOr<std::size_t> NoteOnce(nlohmann::json undo,
                                       const std::vector<const char*>& identity);
  // The journal's last entry, before and after a change. What lifts is final: it is not noted.
  absl::Status Note(nlohmann::json undo);
  absl::Status NoteDone(nlohmann::json undo, nlohmann::json after);

  Site& site_;
  Journal journal_;
  bool lifting_ = false;
};

}  // namespace pawk8s::prove
