// What the Kubernetes layer costs.
//
//   pawk8s_kube_benchmark                       against the fake API server of the offline tests
//   pawk8s_kube_benchmark --client-go PROGRAM   ... and beside it, in turn with curl and client-go
//                                               (build fixtures/testbed/cmd/client-go-benchmark)
//   pawk8s_kube_benchmark --kubeconfig FILE     against that cluster; makes and removes one
//   namespace
//
// Prints one line a figure: name, number of samples, p50, p90, max, in microseconds.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <optional>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "fake/fake_api_server.h"
#include "kubeconfig_text.h"
#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/kube/client.h"
#include "pawk8s/kube/informer.h"
#include "pawk8s/net/process.h"
#include "test_folder.h"

namespace pawk8s {
namespace {

using kube::Client;
using kube::Informer;
using kube::Json;
using std::chrono::steady_clock;

Deadline Soon() { return Deadline::After(std::chrono::seconds(30)); }

double Micros(steady_clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

void Print(std::string_view what, std::vector<double> micros) {
  if (micros.empty()) return;
  std::sort(micros.begin(), micros.end());
  const auto at = [&](double share) {
    return micros[std::min(micros.size() - 1,
                           static_cast<std::size_t>(share * static_cast<double>(micros.size())))];
  };
  fmt::print("{:<46} n={:<5} p50={:<9.0f} p90={:<9.0f} max={:.0f}\n", what, micros.size(), at(0.5),
             at(0.9), micros.back());
  std::fflush(stdout);
}

Json Map(int value) {
  return {{"apiVersion", "v1"},
          {"kind", "ConfigMap"},
          {"metadata", {{"name", "benchmark"}}},
          {"data", {{"v", std::to_string(value)}}}};
}

absl::Status TimeCalls(Client& client, const kube::Collection& maps, int samples,
                       std::vector<double>& micros) {
  for (int i = 0; i < samples; ++i) {
    const auto start = steady_clock::now();
    RETURN_IF_ERROR(client.Get(maps.Named("benchmark"), Soon()).status());
    micros.push_back(Micros(steady_clock::now() - start));
  }
  return absl::OkStatus();
}

absl::Status MeasureCalls(Client& client, const kube::Collection& maps, int samples) {
  std::vector<double> micros;
  RETURN_IF_ERROR(TimeCalls(client, maps, samples, micros));
  Print("GET of one object, kept-alive TLS", std::move(micros));
  return absl::OkStatus();
}

// One number a line, times `scale`: microseconds.
absl::Status AppendNumbers(const std::string& text, double scale, std::vector<double>& micros) {
  std::istringstream in(text);
  std::size_t before = micros.size();
  for (double value = 0; in >> value;) micros.push_back(value * scale);
  return micros.size() > before ? absl::OkStatus() : absl::DataLossError("no numbers: " + text);
}

// The same call by others, in turns, so that what else the machine does hits all of them.
absl::Status MeasureBeside(fake::FakeApiServer& api, Client& client, const kube::Collection& maps,
                           const std::string& client_go) {
  constexpr int kRounds = 5;
  constexpr int kCalls = 500;
  const TestFolder folder;
  const auto config = api.config();
  const std::string kubeconfig = folder.Write("kubeconfig", KubeconfigText(config));
  const std::string ca = folder.Write("ca.pem", config.ca_pem);
  std::string calls = "cacert = \"" + ca + "\"\nheader = \"Authorization: Bearer " + config.token +
                      "\"\nwrite-out = \"%{time_total}\\n\"\nsilent\n";
  for (int i = 0; i < kCalls; ++i) {
    calls += "url = \"" + api.url() + maps.Named("benchmark").Path() + "\"\noutput = /dev/null\n";
  }
  const std::string curl = folder.Write("calls", calls);
  std::vector<double> ours;
  std::vector<double> curls;
  std::vector<double> client_gos;
  for (int round = 0; round < kRounds; ++round) {
    RETURN_IF_ERROR(TimeCalls(client, maps, kCalls, ours));
    ASSIGN_OR_RETURN(const auto by_curl, net::RunProcess({.argv = {"curl", "-K", curl}}, Soon()));
    RETURN_IF_ERROR(AppendNumbers(by_curl.out, 1e6, curls));
    ASSIGN_OR_RETURN(
        const auto by_client_go,
        net::RunProcess(
            {.argv = {client_go, kubeconfig, "paw", "benchmark", std::to_string(kCalls)}}, Soon()));
    if (by_client_go.exit_code != 0) return absl::InternalError(by_client_go.err);
    RETURN_IF_ERROR(AppendNumbers(by_client_go.out, 1, client_gos));
  }
  Print("GET of one object, ours", std::move(ours));
  Print("GET of one object, curl's command line", std::move(curls));
  Print("GET of one object, client-go", std::move(client_gos));
  return absl::OkStatus();
}

// `change` makes the state `value`; a second thread waits for it as a case does.
absl::Status MeasureWakeups(const Client& client, const kube::Collection& maps, int samples,
                            const std::function<absl::Status(int value)>& change) {
  ASSIGN_OR_RETURN(auto informer, Informer::Start(client, maps, Soon()));
  std::vector<double> since_sent;
  std::vector<double> since_answered;
  for (int value = 1; value <= samples; ++value) {
    std::atomic<bool> waiting = false;
    absl::Status waited;
    steady_clock::time_point awake;
    std::jthread waiter([&] {
      const std::string wanted = std::to_string(value);
      const Deadline deadline = Soon();
      for (;;) {
        const Informer::Snapshot now = informer->Get();
        const kube::Object* object = now.Find("benchmark");
        if (object != nullptr && kube::FindString(object->json(), {"data", "v"}) == wanted) break;
        waiting = true;
        waited = informer->AwaitChange(now.version, deadline);
        if (!waited.ok()) return;
      }
      awake = steady_clock::now();
    });
    while (!waiting) std::this_thread::yield();
    Clock::Real().Sleep(Millis{2}, Soon());  // the waiter is in its wait, not on its way
    const auto sent = steady_clock::now();
    RETURN_IF_ERROR(change(value));
    const auto answered = steady_clock::now();
    waiter.join();
    RETURN_IF_ERROR(waited);
    since_sent.push_back(Micros(awake - sent));
    since_answered.push_back(std::max(0.0, Micros(awake - answered)));
  }
  Print("object change -> waiter awake, from its sending", std::move(since_sent));
  Print("object change -> waiter awake, from its answer", std::move(since_answered));
  return absl::OkStatus();
}

absl::Status RunOnFake(int samples, const std::string& client_go) {
  fake::FakeApiServer api;
  Client client(api.config());
  const kube::Collection maps{kube::kConfigMaps, "paw"};
  RETURN_IF_ERROR(client.Create(maps, Map(0), Soon()).status());
  if (!client_go.empty()) return MeasureBeside(api, client, maps, client_go);
  RETURN_IF_ERROR(MeasureCalls(client, maps, samples * 4));
  return MeasureWakeups(client, maps, samples, [&](int value) {
    Json map = Map(value);
    map["metadata"]["namespace"] = "paw";
    api.store().Put("/api/v1/namespaces/paw/configmaps/benchmark", map);
    return absl::OkStatus();
  });
}

absl::Status MeasureStarts(const std::string& self, const std::string& kubeconfig, int samples) {
  std::vector<double> micros;
  for (int i = 0; i < samples; ++i) {
    const auto start = steady_clock::now();
    ASSIGN_OR_RETURN(
        const auto ran,
        net::RunProcess({.argv = {self, "--kubeconfig", kubeconfig, "--first-answer"}}, Soon()));
    micros.push_back(Micros(steady_clock::now() - start));
    if (ran.exit_code != 0) return absl::InternalError("the started process failed: " + ran.err);
  }
  Print("process start -> first API answer", std::move(micros));
  return absl::OkStatus();
}

absl::Status RunOnCluster(const std::string& self, const std::string& kubeconfig, int samples) {
  ASSIGN_OR_RETURN(const auto config, kube::Kubeconfig::Load({kubeconfig, ""}));
  Client client(config);
  const std::string ns =
      fmt::format("pawk8s-benchmark-{}", steady_clock::now().time_since_epoch().count());
  const kube::Collection maps{kube::kConfigMaps, ns, "", "metadata.name=benchmark"};
  RETURN_IF_ERROR(
      client
          .Create({kube::kNamespaces},
                  {{"apiVersion", "v1"}, {"kind", "Namespace"}, {"metadata", {{"name", ns}}}},
                  Soon())
          .status());
  const auto measure = [&]() -> absl::Status {
    RETURN_IF_ERROR(client.Create(maps, Map(0), Soon()).status());
    RETURN_IF_ERROR(MeasureCalls(client, maps, samples * 2));
    RETURN_IF_ERROR(MeasureWakeups(client, maps, samples, [&](int value) {
      return client
          .Patch(maps.Named("benchmark"), kube::PatchType::kMerge,
                 {{"data", {{"v", std::to_string(value)}}}}, Soon())
          .status();
    }));
    return MeasureStarts(self, kubeconfig, 50);
  };
  absl::Status result = measure();
  result.Update(client.Delete({kube::kNamespaces, "", ns}, Soon()));
  return result;
}

absl::Status FirstAnswer(const std::string& kubeconfig) {
  ASSIGN_OR_RETURN(const auto config, kube::Kubeconfig::Load({kubeconfig, ""}));
  return Client(config).GetRaw("/version", Soon()).status();
}

}  // namespace
}  // namespace pawk8s

int main(int argc, char** argv) {
  CLI::App app("What the Kubernetes layer costs");
  std::string kubeconfig;
  std::string client_go;
  int samples = 500;
  bool first_answer = false;
  app.add_option("--kubeconfig", kubeconfig, "the cluster to measure on; without it, the fake one");
  app.add_option("--client-go", client_go, "a program that makes the same calls by client-go")
      ->check(CLI::ExistingFile);
  app.add_option("--samples", samples, "how many changes")->check(CLI::PositiveNumber);
  app.add_flag("--first-answer", first_answer, "make one request and exit")->group("");
  CLI11_PARSE(app, argc, argv);
  const absl::Status result = first_answer ? pawk8s::FirstAnswer(kubeconfig)
                              : kubeconfig.empty()
                                  ? pawk8s::RunOnFake(samples, client_go)
                                  : pawk8s::RunOnCluster(argv[0], kubeconfig, samples);
  if (result.ok()) return 0;
  fmt::print(stderr, "{}\n", result.ToString());
  return 1;
}
