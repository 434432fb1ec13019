// What is kept when a case fails: the deployment as it is at that moment, in files beside the
// record. Reads only, and never an object that holds secrets; what is written is redacted.
//
// A layer of its own job: it judges nothing, and what cannot be read is one more fact.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "pawk8s/base/deadline.h"
#include "pawk8s/deployment/baseline.h"
#include "pawk8s/deployment/deployment.h"

namespace pawk8s {

struct Evidence {
  std::vector<std::string> files;  // names in the folder
  std::string now;                 // the deployment in one line
};

// How long gathering may take at most.
inline constexpr std::chrono::seconds kEvidenceBudget{20};

// Writes pods.json, workloads.json, events.txt, chain.json (status and net_info of each validator)
// and the last log lines of the deployment's containers as <pod>.<container>.log, and of their
// previous run if they restarted. What could not be read stands in missing.txt. Takes at most
// kEvidenceBudget, on a deadline of its own.
[[nodiscard]] Evidence GatherEvidence(Deployment& paw, const std::filesystem::path& folder);

// "height 1842, 4 validators answer, all workloads settled": of a baseline, for the record.
[[nodiscard]] std::string InOneLine(const Baseline& baseline);

}  // namespace pawk8s
