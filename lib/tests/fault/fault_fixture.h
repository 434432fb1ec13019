// A deployment of one StatefulSet on the fake API server, and faults against it.
#pragma once

#include <gmock/gmock.h>

#include <memory>
#include <string>
#include <vector>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"
#include "kubeconfig_text.h"
#include "pawk8s/fault/faults.h"
#include "test_folder.h"
#include "workload_fixture.h"

namespace pawk8s::fault {

inline const kube::ObjectRef kSet{kube::kStatefulSets, "paw", "v"};

class FaultTest : public testing::Test {
 protected:
  FaultTest() {
    folder_.Write("kubeconfig", KubeconfigText(api_.config()));
    PutStatefulSet(api_.store(), "v", 4);
  }

  std::shared_ptr<const FaultContext> Context(Guard guard = {}) {
    return std::make_shared<const FaultContext>(
        FaultContext{.client = client_,
                     .ledger = ledger_,
                     .guardian = guardian_,
                     .guard = std::move(guard),
                     .agents = nullptr,
                     .run = "run1",
                     .case_id = "INF-STS-01",
                     .on_step = [this](const Trace& trace) { steps_.push_back(trace); },
                     .on_failed_revert = [this](const absl::Status& s) { failed_.push_back(s); }});
  }
  Faults MakeFaults(Guard guard = {}) { return Faults(Context(std::move(guard))); }

  std::int64_t Replicas() {
    const auto set = client_.Get(kSet, Soon());
    return set.ok() ? kube::FindInt(set->json(), {"spec", "replicas"}).value_or(-1) : -2;
  }
  std::size_t Entries() {
    const auto entries = ledger_.Read(Soon());
    EXPECT_THAT(entries, IsOk());
    return entries.ok() ? entries->size() : 99;
  }

  fake::FakeApiServer api_;
  const TestFolder folder_;
  kube::Client client_{api_.config()};
  Ledger ledger_{client_, "pawk8s", "paw"};
  Guardian guardian_{{.kubeconfig = (folder_.path() / "kubeconfig").string(),
                      .ledger_ns = "pawk8s",
                      .deployment = "paw"}};
  std::vector<Trace> steps_;
  std::vector<absl::Status> failed_;
};

}  // namespace pawk8s::fault
