// Genesis, configuration, keys and init containers, by what the ConfigMaps contain and who mounts
// them.
#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "pawk8s/base/status.h"
#include "pawk8s/discovery/names.h"
#include "pawk8s/net/digest.h"

namespace pawk8s {
namespace {

using kube::FindList;
using kube::FindMap;
using kube::FindString;
using kube::Json;
using Data = std::map<std::string, std::string>;

bool IsSha256(const std::string& text) {
  return text.size() == 64 &&
         std::ranges::all_of(text, [](unsigned char c) { return std::isxdigit(c) != 0; });
}

bool IsGenesis(const std::string& text) {
  const Json genesis = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return FindString(genesis, {"chain_id"}) && kube::FindField(genesis, {"app_state"}) != nullptr;
}

bool IsConfigToml(const std::string& text) {
  return text.find("[consensus]") != std::string::npos && text.find("[p2p]") != std::string::npos;
}

// The ConfigMaps of the validators' template, each read once.
class Maps {
 public:
  Maps(kube::Client& client, const Roles& roles, const Deadline& deadline) {
    const WorkloadTemplate& workload = roles.validators.workload;
    for (const Json& volume : workload.volumes()) {
      if (const auto map = FindString(volume, {"configMap", "name"}))
        volumes_[NameOf(volume)] = *map;
    }
    for (const auto* list : {&workload.init_containers(), &workload.containers()}) {
      for (const Json& container : *list) AddReferences(container);
    }
    for (const auto& [volume, map] : volumes_) Read(client, roles.ns, map, deadline);
    for (const auto& [map, key] : references_) Read(client, roles.ns, map, deadline);
  }

  // ConfigMap and key, of those for which `fits(value)` holds.
  template <class F>
  [[nodiscard]] std::vector<std::pair<std::string, std::string>> KeysWhere(F fits) const {
    std::vector<std::pair<std::string, std::string>> found;
    for (const auto& [map, data] : data_) {
      for (const auto& [key, value] : data) {
        if (fits(value)) found.emplace_back(map, key);
      }
    }
    return found;
  }
  [[nodiscard]] const std::string& Value(const std::pair<std::string, std::string>& at) const {
    return data_.at(at.first).at(at.second);
  }
  [[nodiscard]] const Data& Of(const std::string& map) const {
    static const Data none;
    const auto found = data_.find(map);
    return found == data_.end() ? none : found->second;
  }
  // The volume's ConfigMap, empty if it has none.
  [[nodiscard]] std::string OfVolume(const std::string& volume) const {
    const auto found = volumes_.find(volume);
    return found == volumes_.end() ? "" : found->second;
  }
  // True if an environment variable of `container` comes from `map` (and `key`, if given).
  static bool RefersTo(const Json& container, const std::string& map, const std::string& key) {
    for (const Json& env : FindList(container, {"env"})) {
      if (FindString(env, {"valueFrom", "configMapKeyRef", "name"}) == map &&
          (key.empty() || FindString(env, {"valueFrom", "configMapKeyRef", "key"}) == key)) {
        return true;
      }
    }
    return std::ranges::any_of(FindList(container, {"envFrom"}), [&](const Json& from) {
      return FindString(from, {"configMapRef", "name"}) == map;
    });
  }
  [[nodiscard]] bool Mounts(const Json& container, const std::string& map) const {
    return std::ranges::any_of(FindList(container, {"volumeMounts"}), [&](const Json& mount) {
      return !map.empty() && OfVolume(NameOf(mount)) == map;
    });
  }
  // Whole ConfigMaps that some container takes as its environment.
  [[nodiscard]] bool IsEnvironment(const std::string& map) const {
    return std::ranges::find(references_, std::pair{map, std::string()}) != references_.end();
  }
  [[nodiscard]] const std::string& trouble() const { return trouble_; }

 private:
  void AddReferences(const Json& container) {
    for (const Json& env : FindList(container, {"env"})) {
      const auto map = FindString(env, {"valueFrom", "configMapKeyRef", "name"});
      const auto key = FindString(env, {"valueFrom", "configMapKeyRef", "key"});
      if (map && key) references_.emplace_back(*map, *key);
    }
    for (const Json& from : FindList(container, {"envFrom"})) {
      if (const auto map = FindString(from, {"configMapRef", "name"})) {
        references_.emplace_back(*map, "");
      }
    }
  }
  void Read(kube::Client& client, const std::string& ns, const std::string& map,
            const Deadline& deadline) {
    if (data_.contains(map)) return;
    const auto object = client.Get({kube::kConfigMaps, ns, map}, deadline);
    if (!object.ok()) {
      trouble_ = MessageOf(object.status());
      return;
    }
    data_[map] = FindMap(object->json(), {"data"});
  }

  std::map<std::string, std::string> volumes_;
  std::vector<std::pair<std::string, std::string>> references_;
  std::map<std::string, Data> data_;
  std::string trouble_;
};

std::string Hint(const Maps& maps, const std::string& look_for) {
  return maps.trouble().empty() ? look_for : look_for + "; " + maps.trouble();
}

// Adds `at`.map and `at`.key for the first of `found`.
void AddPair(Findings& findings, const std::string& map_path, const std::string& key_path,
             const std::vector<std::pair<std::string, std::string>>& found, bool verified,
             const std::string& why, const std::string& look_for) {
  if (found.empty()) {
    findings.Missing(map_path, look_for);
    findings.Missing(key_path, "its key there");
  } else if (verified) {
    findings.Sure(map_path, found.front().first);
    findings.Sure(key_path, found.front().second);
  } else {
    findings.Guess(map_path, found.front().first, why);
    findings.Guess(key_path, found.front().second, why);
  }
}

void FindGenesis(const Maps& maps, Findings& findings, std::pair<std::string, std::string>& genesis,
                 std::string& digest_key) {
  const auto files = maps.KeysWhere(IsGenesis);
  AddPair(findings, "deployment.genesis.config_map", "deployment.genesis.file", files,
          files.size() == 1, "not the only genesis that is mounted",
          Hint(maps, "the ConfigMap whose genesis.json the validators mount"));
  std::string digest;
  if (!files.empty()) {
    genesis = files.front();
    digest = net::Sha256Hex(maps.Value(genesis));
  }
  auto digests =
      maps.KeysWhere([&](const std::string& value) { return !digest.empty() && value == digest; });
  const bool verified = !digests.empty();
  if (!verified) digests = maps.KeysWhere(IsSha256);
  if (!digests.empty()) digest_key = digests.front().second;
  AddPair(findings, "deployment.genesis.digest_map", "deployment.genesis.digest_key", digests,
          verified, "64 hex digits, but not the digest of the genesis",
          Hint(maps, "the ConfigMap that holds the SHA-256 of genesis.json"));
}

void FindSettings(const Maps& maps, const std::string& chain_id, Findings& findings,
                  std::string& files_map) {
  auto ids = maps.KeysWhere([&](const std::string& value) { return value == chain_id; });
  // The settings of the nodes are taken as a whole; another map may name the chain as well.
  std::ranges::stable_partition(ids, [&](const auto& id) { return maps.IsEnvironment(id.first); });
  const auto whole =
      std::ranges::count_if(ids, [&](const auto& id) { return maps.IsEnvironment(id.first); });
  AddPair(findings, "deployment.node.config_map", "deployment.node.chain_id_key", ids,
          whole == 1 || ids.size() == 1, "not the only setting with the chain's id",
          Hint(maps, "the ConfigMap from which the nodes learn the chain's id"));
  std::vector<std::string> files;
  for (const auto& [map, key] : maps.KeysWhere(IsConfigToml)) files.push_back(map);
  if (!files.empty()) files_map = files.front();
  findings.OneOf("deployment.node.files_map", files,
                 Hint(maps, "the ConfigMap that holds config.toml"));
}

void FindInit(const Maps& maps, const WorkloadTemplate& workload, const std::string& genesis_map,
              const std::string& digest_key, const std::string& files_map, Findings& findings) {
  std::vector<std::string> verifiers;
  std::vector<std::string> writers;
  std::vector<std::string> scripts;
  for (const Json& container : workload.init_containers()) {
    const bool digest = !digest_key.empty() && [&] {
      return std::ranges::any_of(FindList(container, {"env"}), [&](const Json& env) {
        return FindString(env, {"valueFrom", "configMapKeyRef", "key"}) == digest_key;
      });
    }();
    if (digest || maps.Mounts(container, genesis_map)) verifiers.push_back(NameOf(container));
    if (maps.Mounts(container, files_map)) writers.push_back(NameOf(container));
    // A script is run from where its ConfigMap is mounted.
    const std::string line = CommandLine(container);
    for (const Json& mount : FindList(container, {"volumeMounts"})) {
      const std::string map = maps.OfVolume(NameOf(mount));
      const std::string path = FindString(mount, {"mountPath"}).value_or("");
      for (const auto& [key, value] : maps.Of(map)) {
        if (line.find(path + "/" + key) != std::string::npos) scripts.push_back(map);
      }
    }
  }
  findings.OneOf("deployment.init.genesis_verifier", verifiers,
                 "the init container that is given the genesis and its digest");
  findings.OneOf("deployment.init.config_init", writers,
                 "the init container that is given config.toml");
  findings.OneOf("deployment.init.scripts", scripts,
                 "the ConfigMap of the scripts that init containers run");
}

void FindKeys(const WorkloadTemplate& workload, Findings& findings) {
  std::vector<std::string> secrets;
  for (const Json& volume : workload.volumes()) {
    if (const auto secret = FindString(volume, {"secret", "secretName"}))
      secrets.push_back(*secret);
  }
  const std::string path = "deployment.node.validator_keys";
  if (secrets.size() == 1) {
    findings.Guess(path, secrets.front(), "the only Secret that the validators mount");
  } else {
    findings.OneOf(path, secrets, "the Secret from which validators get their keys");
  }
}

}  // namespace

void FindChainFiles(kube::Client& client, const Roles& roles, Findings& findings,
                    const Deadline& deadline) {
  const Maps maps(client, roles, deadline);
  std::pair<std::string, std::string> genesis;
  std::string digest_key;
  std::string files_map;
  FindGenesis(maps, findings, genesis, digest_key);
  FindSettings(maps, roles.chain.network, findings, files_map);
  FindInit(maps, roles.validators.workload, genesis.first, digest_key, files_map, findings);
  FindKeys(roles.validators.workload, findings);
}

}  // namespace pawk8s
