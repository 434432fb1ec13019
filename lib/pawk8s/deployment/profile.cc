#include "pawk8s/deployment/profile.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cctype>
#include <charconv>
#include <cstdlib>
#include <optional>
#include <set>
#include <utility>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

// Where and why reading stopped; caught in Load().
struct BadProfile {
  int line;
  std::string what;
};

int LineOf(const YAML::Node& node) { return node.Mark().line + 1; }

// One map of the profile. Every key that is asked for is known; Done() refuses the others.
class Section {
 public:
  Section(const YAML::Node& node, std::string path) : node_(node), path_(std::move(path)) {
    if (!node_.IsMap()) throw BadProfile{LineOf(node_), path_ + " must be a map"};
  }

  Section Sub(const std::string& key) {
    const auto node = Find(key);
    if (!node) Missing(key);
    return Section(*node, PathOf(key));
  }
  std::optional<Section> MaybeSub(const std::string& key) {
    const auto node = Find(key);
    if (!node) return std::nullopt;
    return Section(*node, PathOf(key));
  }

  std::string Text(const std::string& key, std::optional<std::string> otherwise = {}) {
    const auto node = Find(key);
    if (!node) return otherwise ? *otherwise : Missing(key);
    if (!node->IsScalar()) throw BadProfile{LineOf(*node), PathOf(key) + " must be text"};
    auto text = node->as<std::string>();
    if (text.find("${") != std::string::npos) {
      throw BadProfile{LineOf(*node),
                       fmt::format("{} still holds the variable {}", PathOf(key), text)};
    }
    return text;
  }

  bool Flag(const std::string& key, bool otherwise) {
    const std::string text = Text(key, otherwise ? "true" : "false");
    if (text != "true" && text != "false") Wrong(key, "true or false", text);
    return text == "true";
  }

  int Number(const std::string& key, int low, int high, int otherwise) {
    const std::string text = Text(key, std::to_string(otherwise));
    int value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < low || value > high) {
      Wrong(key, fmt::format("a whole number from {} to {}", low, high), text);
    }
    return value;
  }

  Millis Duration(const std::string& key, Millis otherwise) {
    const std::string text = Text(key, fmt::format("{}ms", otherwise.count()));
    const auto duration = ParseDuration(text);
    if (!duration.ok()) Wrong(key, "a duration such as 250ms, 30s or 4m", text);
    return *duration;
  }

  [[noreturn]] void Wrong(const std::string& key, const std::string& wanted,
                          const std::string& is) {
    throw BadProfile{LineOf(*Find(key)),
                     fmt::format("{} must be {}, it is '{}'", PathOf(key), wanted, is)};
  }

  void Done() const {
    for (const auto& entry : node_) {
      const auto key = entry.first.as<std::string>();
      if (!known_.contains(key)) {
        throw BadProfile{LineOf(entry.first), fmt::format("unknown key '{}'", PathOf(key))};
      }
    }
  }

 private:
  std::optional<YAML::Node> Find(const std::string& key) {
    known_.insert(key);
    // Iterated, not indexed: operator[] of a non-const node would add the key.
    for (const auto& entry : node_) {
      if (entry.first.as<std::string>() == key && !entry.second.IsNull()) return entry.second;
    }
    return std::nullopt;
  }
  [[noreturn]] std::string Missing(const std::string& key) const {
    throw BadProfile{LineOf(node_), fmt::format("'{}' is missing", PathOf(key))};
  }
  [[nodiscard]] std::string PathOf(const std::string& key) const {
    return path_.empty() ? key : path_ + "." + key;
  }

  YAML::Node node_;
  std::string path_;
  std::set<std::string> known_;
};

WorkloadRef ReadWorkload(Section&& section, const std::string& ns, int min_replicas) {
  WorkloadRef workload{.ns = ns};
  const std::string kind = section.Text("kind");
  if (kind == "StatefulSet") {
    workload.kind = WorkloadKind::kStatefulSet;
  } else if (kind != "Deployment") {
    section.Wrong("kind", "StatefulSet or Deployment", kind);
  }
  workload.name = section.Text("name");
  workload.container = section.Text("container");
  workload.min_replicas = section.Number("min_replicas", 1, 1000, min_replicas);
  section.Done();
  return workload;
}

Profile Read(const YAML::Node& root) {
  Profile profile;
  Section top(root, "");
  if (auto cluster = top.MaybeSub("cluster")) {
    profile.cluster.kubeconfig = cluster->Text("kubeconfig", "");
    profile.cluster.context = cluster->Text("context", "");
    cluster->Done();
  }
  if (auto identity = top.MaybeSub("identity")) {
    profile.identity.kube_system_uid = identity->Text("kube_system_uid", "");
    profile.identity.ca_sha256 = identity->Text("ca_sha256", "");
    profile.identity.chain_id = identity->Text("chain_id", "");
    profile.identity.genesis_sha256 = identity->Text("genesis_sha256", "");
    identity->Done();
  }
  if (auto allow = top.MaybeSub("allow")) {
    profile.allow.disruption = allow->Flag("disruption", false);
    profile.allow.agent = allow->Flag("agent", false);
    profile.allow.defects = allow->Flag("defects", false);
    allow->Done();
  }
  Section deployment = top.Sub("deployment");
  profile.ns = deployment.Text("namespace");
  profile.validators = ReadWorkload(deployment.Sub("validators"), profile.ns, 4);
  profile.nodes = ReadWorkload(deployment.Sub("nodes"), profile.ns, 1);
  profile.api = ReadWorkload(deployment.Sub("api"), profile.ns, 1);
  if (auto ports = deployment.MaybeSub("ports")) {
    profile.rpc_port = static_cast<std::uint16_t>(ports->Number("rpc", 1, 65535, profile.rpc_port));
    ports->Done();
  }
  deployment.Done();
  if (auto thresholds = top.MaybeSub("thresholds")) {
    profile.pod_running = thresholds->Duration("pod_running", profile.pod_running);
    profile.pod_ready = thresholds->Duration("pod_ready", profile.pod_ready);
    profile.block_gap = thresholds->Duration("block_gap", profile.block_gap);
    profile.blocks_during_outage =
        thresholds->Number("blocks_during_outage", 1, 10000, profile.blocks_during_outage);
    profile.peer_found = thresholds->Duration("peer_found", profile.peer_found);
    thresholds->Done();
  }
  if (auto budgets = top.MaybeSub("budgets")) {
    profile.case_budget = budgets->Duration("case", profile.case_budget);
    profile.restore_budget = budgets->Duration("restore", profile.restore_budget);
    budgets->Done();
  }
  top.Done();
  return profile;
}

}  // namespace

std::string WorkloadRef::ToString() const {
  return fmt::format("{} {}/{}", kind == WorkloadKind::kStatefulSet ? "StatefulSet" : "Deployment",
                     ns, name);
}

absl::StatusOr<Millis> ParseDuration(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit = text.substr(static_cast<std::size_t>(end - text.data()));
  const std::int64_t factor = unit == "ms" ? 1 : unit == "s" ? 1000 : unit == "m" ? 60'000 : 0;
  if (error != std::errc() || factor == 0 || count <= 0 || count > 86'400'000 / factor) {
    return absl::InvalidArgumentError(
        fmt::format("'{}' is no duration: write 250ms, 30s or 4m, at most a day", text));
  }
  return Millis{count * factor};
}

absl::StatusOr<Profile> Profile::Load(const std::filesystem::path& file) {
  if (std::error_code error; !std::filesystem::is_regular_file(file, error)) {
    return absl::NotFoundError(fmt::format("there is no profile {}", file.string()));
  }
  try {
    Profile profile = Read(YAML::LoadFile(file.string()));
    profile.file = std::filesystem::absolute(file).string();
    return profile;
  } catch (const BadProfile& bad) {
    return absl::InvalidArgumentError(fmt::format("{}:{}: {}", file.string(), bad.line, bad.what));
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(
        fmt::format("{}:{}: {}", file.string(), error.mark.line + 1, error.msg));
  }
}

absl::StatusOr<Profile> Profile::FromEnvironment() {
  const char* file = std::getenv("PAWK8S_PROFILE");
  if (file == nullptr || *file == '\0') {
    return absl::FailedPreconditionError(
        "no profile: set PAWK8S_PROFILE to the profile of the deployment to verify");
  }
  return Load(file);
}

}  // namespace pawk8s
