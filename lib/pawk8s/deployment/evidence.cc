#include "pawk8s/deployment/evidence.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/redact.h"
#include "pawk8s/base/status.h"
#include "pawk8s/verdict/record.h"

namespace pawk8s {
namespace {

using kube::Json;

constexpr std::chrono::seconds kOneRead{3};
constexpr int kLogLines = 200;
constexpr std::size_t kMaxEvents = 300;

// "height 7", "heights 7 to 9"
std::string HeightsText(const std::map<std::string, std::int64_t>& heights) {
  if (heights.empty()) return "no validator answers";
  const auto [low, high] =
      std::ranges::minmax_element(heights, {}, [](const auto& entry) { return entry.second; });
  const std::string range = low->second == high->second
                                ? fmt::format("height {}", high->second)
                                : fmt::format("height {}, {} at {} (lag {})", high->second,
                                              low->first, low->second, high->second - low->second);
  return fmt::format("{}, {} validators answer", range, heights.size());
}

// A read-only look at everything; every part on its own, so that one that fails costs no other.
class Gatherer {
 public:
  Gatherer(Deployment& paw, std::filesystem::path folder)
      : paw_(paw), folder_(std::move(folder)), deadline_(Deadline::After(kEvidenceBudget)) {}

  Evidence Gather() {
    const Profile& profile = paw_.profile();
    std::vector<kube::Pod> validators;
    Json workloads = Json::array();
    for (const WorkloadRef& ref : {profile.validators, profile.nodes, profile.api}) {
      ReadObject(ref, workloads);
      auto state = paw_.Read(ref, Part());
      if (!state.ok()) {
        Missing("the state of " + ref.ToString(), state.status());
        now_ += fmt::format("; {} cannot be read", ref.name);
        continue;
      }
      now_ += fmt::format("; {} {}/{} ready", ref.name, state->ReadyPods().size(), state->replicas);
      for (const kube::Pod& pod : state->pods) pods_.push_back(pod);
      if (ref.name == profile.validators.name) validators = state->pods;
    }
    Json pods = Json::array();
    for (const kube::Pod& pod : pods_) pods.push_back(WithoutNoise(pod.json()));
    Write("pods.json", pods.dump(1, ' ', false, Json::error_handler_t::replace));
    Write("workloads.json", workloads.dump(1, ' ', false, Json::error_handler_t::replace));
    Events();
    Chain(validators);
    Logs();
    if (!missing_.empty()) Write("missing.txt", missing_);
    return {.files = std::move(files_), .now = HeightsText(heights_) + now_};
  }

 private:
  [[nodiscard]] Deadline Part() const { return deadline_.AtMost(kOneRead); }

  void Missing(std::string_view what, const absl::Status& status) {
    missing_ += fmt::format("{}: {} ({})\n", what, MessageOf(status), CodeNameOf(status));
  }

  void Write(const std::string& name, const std::string& text) {
    const absl::Status written = WriteFileAtomically(folder_ / name, Redact(text) + "\n");
    if (written.ok()) {
      files_.push_back(name);
    } else {
      Missing(name, written);
    }
  }

  static Json WithoutNoise(Json object) {
    if (object.contains("metadata")) {
      object["metadata"].erase("managedFields");
      if (object["metadata"].contains("annotations")) {
        object["metadata"]["annotations"].erase("kubectl.kubernetes.io/last-applied-configuration");
      }
    }
    return object;
  }

  void ReadObject(const WorkloadRef& ref, Json& into) {
    const auto& resource =
        ref.kind == WorkloadKind::kStatefulSet ? kube::kStatefulSets : kube::kDeployments;
    const auto object = paw_.kube().Get({resource, ref.ns, ref.name}, Part());
    if (object.ok()) {
      into.push_back(WithoutNoise(object->json()));
    } else {
      Missing(ref.ToString(), object.status());
    }
  }

  void Events() {
    const auto list = paw_.kube().List({kube::kEvents, paw_.profile().ns}, Part());
    if (!list.ok()) return Missing("events", list.status());
    std::vector<std::pair<std::string, std::string>> lines;  // time, line
    for (const kube::Object& event : list->items) {
      const Json& j = event.json();
      std::string when = kube::FindString(j, {"lastTimestamp"}).value_or("");
      if (when.empty()) when = kube::FindString(j, {"eventTime"}).value_or("");
      lines.emplace_back(
          when,
          fmt::format("{} {} {} {}/{}: {} (x{})", when, kube::FindString(j, {"type"}).value_or(""),
                      kube::FindString(j, {"reason"}).value_or(""),
                      kube::FindString(j, {"involvedObject", "kind"}).value_or(""),
                      kube::FindString(j, {"involvedObject", "name"}).value_or(""),
                      kube::FindString(j, {"message"}).value_or(""),
                      kube::FindCount(j, {"count"}).value_or(1)));
    }
    std::ranges::sort(lines);
    std::string text;
    for (std::size_t i = lines.size() > kMaxEvents ? lines.size() - kMaxEvents : 0;
         i < lines.size(); ++i) {
      text += lines[i].second + "\n";
    }
    Write("events.txt", text);
  }

  void Chain(const std::vector<kube::Pod>& validators) {
    Json chain = Json::object();
    for (const kube::Pod& pod : validators) {
      Json& entry = chain[pod.name()];
      const auto status = paw_.RpcOf(pod).Status(Part());
      if (!status.ok()) {
        entry["error"] = MessageOf(status.status());
        now_ += fmt::format("; {} does not answer", pod.name());
        continue;
      }
      heights_[pod.name()] = status->latest.value;
      if (status->catching_up) now_ += fmt::format("; {} is catching up", pod.name());
      entry["status"] = {
          {"node_id", status->id.hex},           {"network", status->network},
          {"height", status->latest.value},      {"time", FormatUtc(status->latest_time)},
          {"catching_up", status->catching_up},  {"validator", status->validator.hex},
          {"voting_power", status->voting_power}};
      const auto peers = paw_.RpcOf(pod).Peers(Part());
      if (!peers.ok()) {
        entry["peers_error"] = MessageOf(peers.status());
        continue;
      }
      entry["peers"] = Json::array();
      for (const chain::Peer& peer : *peers) {
        entry["peers"].push_back(
            {{"node_id", peer.id.hex}, {"ip", peer.remote_ip}, {"outbound", peer.outbound}});
      }
    }
    Write("chain.json", chain.dump(1, ' ', false, Json::error_handler_t::replace));
  }

  void Logs() {
    for (const kube::Pod& pod : pods_) {
      for (const kube::ContainerStatus& container : pod.container_statuses()) {
        Log(pod, container.name, /*previous=*/false);
        if (container.restart_count > 0) Log(pod, container.name, /*previous=*/true);
      }
    }
  }

  void Log(const kube::Pod& pod, const std::string& container, bool previous) {
    const std::string name =
        fmt::format("{}.{}{}.log", pod.name(), container, previous ? ".previous" : "");
    const auto text = paw_.kube().Logs(
        {kube::kPods, pod.ns(), pod.name()},
        {.container = container, .previous = previous, .tail_lines = kLogLines}, Part());
    if (text.ok()) {
      Write(name, *text);
    } else {
      Missing(name, text.status());
    }
  }

  Deployment& paw_;
  std::filesystem::path folder_;
  Deadline deadline_;
  std::vector<kube::Pod> pods_;
  std::map<std::string, std::int64_t> heights_;
  std::vector<std::string> files_;
  std::string missing_;
  std::string now_;
};

}  // namespace

Evidence GatherEvidence(Deployment& paw, const std::filesystem::path& folder) {
  return Gatherer(paw, folder).Gather();
}

std::string InOneLine(const Baseline& baseline) {
  std::string text = HeightsText(baseline.heights);
  int settled = 0;
  for (const auto& [name, workload] : baseline.workloads) {
    if (workload.settled) {
      ++settled;
    } else {
      text += "; " + workload.text;
    }
  }
  text += fmt::format("; {} of {} workloads settled", settled, baseline.workloads.size());
  for (const std::string& pod : baseline.catching_up) text += "; " + pod + " is catching up";
  if (!baseline.advancing) text += "; the chain makes no blocks";
  return text;
}

}  // namespace pawk8s
