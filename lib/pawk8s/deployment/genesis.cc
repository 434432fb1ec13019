#include "pawk8s/deployment/genesis.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "pawk8s/base/status.h"

namespace pawk8s {
namespace {

constexpr std::int64_t kPiece = 512LL * 1024;  // as much as the agent tells at once

absl::StatusOr<std::string> ReadFile(const agent::NodeAgent& node, const agent::Target& target,
                                     const std::string& path, const Deadline& deadline) {
  std::string text;
  while (true) {
    ASSIGN_OR_RETURN(
        const agent::FileContent piece,
        node.Call(agent::FileReadRequest{.target = target,
                                         .path = path,
                                         .offset = static_cast<std::int64_t>(text.size()),
                                         .max_bytes = kPiece},
                  deadline));
    text += piece.content.data;
    if (piece.content.data.empty() || std::cmp_greater_equal(text.size(), piece.size)) return text;
  }
}

absl::StatusOr<std::string> ReadSetting(Deployment& paw, const std::string& config_map,
                                        const std::string& key, const Deadline& deadline) {
  ASSIGN_OR_RETURN(const kube::Object map,
                   paw.kube().Get({kube::kConfigMaps, paw.profile().ns, config_map}, deadline));
  const auto value = kube::FindString(map.json(), {"data", key});
  if (!value) {
    return absl::NotFoundError(
        fmt::format("ConfigMap {}/{} has no key {}", paw.profile().ns, config_map, key));
  }
  return *value;
}

}  // namespace

absl::StatusOr<GenesisDemand> ReadGenesisDemand(Deployment& paw, const Deadline& deadline) {
  const Profile& profile = paw.profile();
  GenesisDemand demand{.where =
                           fmt::format("ConfigMap {}/{}, key {}", profile.ns,
                                       profile.genesis.digest_map, profile.genesis.digest_key)};
  ASSIGN_OR_RETURN(demand.sha256, ReadSetting(paw, profile.genesis.digest_map,
                                              profile.genesis.digest_key, deadline));
  ASSIGN_OR_RETURN(demand.chain_id,
                   ReadSetting(paw, profile.node.config_map, profile.node.chain_id_key, deadline));
  return demand;
}

absl::StatusOr<std::string> ReadGenesis(Deployment& paw, const Deadline& deadline) {
  const auto& genesis = paw.profile().genesis;
  return ReadSetting(paw, genesis.config_map, genesis.file, deadline);
}

absl::StatusOr<PodGenesis> ReadPodGenesis(Deployment& paw, agent::Agent& agents,
                                          const WorkloadRef& workload, const kube::Pod& pod,
                                          const Deadline& deadline) {
  const std::string path = workload.home + "/" + paw.profile().genesis.path;
  PodGenesis found{.pod = pod.name()};
  ASSIGN_OR_RETURN(const agent::NodeAgent node, agents.For(pod, deadline));
  ASSIGN_OR_RETURN(const agent::Target target, agent::TargetOf(pod, workload.container));
  ASSIGN_OR_RETURN(const agent::FileDigest digest,
                   node.Call(agent::FileDigestRequest{.target = target, .path = path}, deadline));
  found.sha256 = digest.sha256;
  ASSIGN_OR_RETURN(const std::string text, ReadFile(node, target, path, deadline));
  found.chain_id = ChainIdOf(text);
  ASSIGN_OR_RETURN(const PodNode status, paw.NodeOf(pod, deadline));
  found.network = status.status.network;
  return found;
}

bool IsSha256(std::string_view text) {
  return text.size() == 64 && std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

std::string WhyNotTheGenesis(const GenesisDemand& demand, const PodGenesis& found) {
  if (found.sha256 != demand.sha256) return "its genesis has sha256 " + found.sha256;
  if (found.chain_id != demand.chain_id) {
    return fmt::format("its genesis is of chain '{}'", found.chain_id);
  }
  if (found.network != demand.chain_id) {
    return fmt::format("it runs on chain '{}'", found.network);
  }
  return "";
}

std::string ChainIdOf(const std::string& genesis) {
  const auto json = nlohmann::json::parse(genesis, nullptr, false);
  return kube::FindString(json, {"chain_id"}).value_or("");
}

}  // namespace pawk8s
