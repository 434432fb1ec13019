#include "pawk8s/deployment/rehearsal.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/deployment/own_pod.h"

namespace pawk8s {
namespace {

using kube::Json;

constexpr const char* kSeed = "seed";
constexpr const char* kSeedPath = "/pawk8s-seed";

std::string NameOf(const Rehearsal& rehearsal) { return "pawk8s-" + rehearsal.what; }
std::string SeedKey(std::size_t i) { return fmt::format("file-{}", i); }

// Tells the containers another value of a ConfigMap's key; how many of them it reached.
int Override(Json& containers, const std::string& config_map, const std::string& key,
             const std::string& value) {
  int reached = 0;
  for (Json& container : containers) {
    bool told = false;
    for (Json& variable : container["env"]) {
      if (kube::FindString(variable, {"valueFrom", "configMapKeyRef", "name"}) != config_map ||
          kube::FindString(variable, {"valueFrom", "configMapKeyRef", "key"}) != key) {
        continue;
      }
      variable = Json{{"name", variable.at("name")}, {"value", value}};
      told = true;
    }
    for (const Json& from : kube::FindList(container, {"envFrom"})) {
      if (told || kube::FindString(from, {"configMapRef", "name"}) != config_map) continue;
      container["env"].push_back(Json{{"name", key}, {"value", value}});
      told = true;
    }
    reached += told ? 1 : 0;
  }
  return reached;
}

Json Mount(const std::string& volume, const std::string& path) {
  return Json{{"name", volume}, {"mountPath", path}};
}

Json SeedContainer(const Profile& profile, const Json& own, const Rehearsal& rehearsal) {
  std::string script = "set -eu\n";
  std::size_t i = 0;
  for (const auto& [path, content] : rehearsal.seed) {
    script += fmt::format("mkdir -p \"$(dirname '{0}')\"\ncp {1}/{2} '{0}'\n", path, kSeedPath,
                          SeedKey(i++));
  }
  Json seed = own;
  seed["name"] = kSeed;
  seed["command"] = Json::array({"/bin/sh", "-c", script});
  seed["volumeMounts"] =
      Json::array({Mount(profile.storage.claim, profile.storage.path), Mount(kSeed, kSeedPath)});
  return seed;
}

const kube::ContainerStatus* Find(const Rehearsed& rehearsed, const std::string& name) {
  const auto found = std::ranges::find(rehearsed.init, name, &kube::ContainerStatus::name);
  return found == rehearsed.init.end() ? nullptr : &*found;
}

}  // namespace

absl::StatusOr<Json> RehearsalManifest(const Profile& profile, const Json& spec, Json own_pod,
                                       const Rehearsal& rehearsal) {
  Json& pod = own_pod["spec"];
  Json& own = pod["containers"][0];
  Json init = spec.value("initContainers", Json::array());
  if (rehearsal.genesis_digest &&
      Override(init, profile.genesis.digest_map, profile.genesis.digest_key,
               *rehearsal.genesis_digest) == 0) {
    return absl::NotFoundError(fmt::format("no init container is told {} of ConfigMap {}",
                                           profile.genesis.digest_key, profile.genesis.digest_map));
  }
  own["command"] = Json::array({"/bin/sh", "-c", "while :; do sleep 3600; done"});
  own["volumeMounts"] = Json::array({Mount(profile.storage.claim, profile.storage.path)});
  Json volumes = Json::array();
  volumes.push_back(Json{{"name", profile.storage.claim}, {"emptyDir", Json::object()}});
  for (const Json& volume : kube::FindList(spec, {"volumes"})) {
    if (kube::FindString(volume, {"name"}) != profile.storage.claim) volumes.push_back(volume);
  }
  if (!rehearsal.seed.empty()) {
    volumes.push_back(Json{{"name", kSeed}, {"configMap", {{"name", NameOf(rehearsal)}}}});
    init.insert(init.begin(), SeedContainer(profile, own, rehearsal));
  }
  pod["initContainers"] = std::move(init);
  pod["volumes"] = std::move(volumes);
  // The first validator's, by which the scripts find its files.
  pod["hostname"] = profile.validators.name + "-0";
  pod["restartPolicy"] = "Never";
  return own_pod;
}

absl::StatusOr<Rehearsed> Rehearse(Deployment& paw, fault::Faults& faults,
                                   const Rehearsal& rehearsal, const Deadline& deadline) {
  const Profile& profile = paw.profile();
  ASSIGN_OR_RETURN(const Json pod_template,
                   ReadPodTemplate(paw.kube(), profile.validators, deadline));
  ASSIGN_OR_RETURN(const OwnPod own, OwnPod::Prepare(paw, rehearsal.what, deadline));
  ASSIGN_OR_RETURN(const Json manifest,
                   RehearsalManifest(profile, pod_template.at("spec"), own.manifest(), rehearsal));
  std::optional<fault::Fault> files;
  if (!rehearsal.seed.empty()) {
    Json map = {{"metadata", {{"name", NameOf(rehearsal)}}}, {"data", Json::object()}};
    std::size_t i = 0;
    for (const auto& [path, content] : rehearsal.seed) map["data"][SeedKey(i++)] = content;
    ASSIGN_OR_RETURN(fault::Fault made,
                     faults.Create({kube::kConfigMaps, profile.ns}, map, deadline));
    files.emplace(std::move(made));
  }
  ASSIGN_OR_RETURN(fault::Fault made, faults.Create(own.where(), manifest, deadline));
  ASSIGN_OR_RETURN(
      const kube::Pod pod,
      AwaitPod(
          paw, NameOf(rehearsal), [](const kube::Pod& p) { return p.phase() == "Running"; },
          deadline.AtMost(profile.thresholds.pod_ready)));
  Rehearsed rehearsed{.of = profile.validators.ToString(), .init = pod.init_container_statuses()};
  if (const auto* seed = Find(rehearsed, kSeed); seed != nullptr && seed->exit_code != 0) {
    return absl::UnknownError(
        fmt::format("the volume of pod {} could not be prepared", pod.name()));
  }
  if (pod.phase() == "Running") {
    for (const std::string& path : rehearsal.read) {
      ASSIGN_OR_RETURN(
          const std::string sum,
          RunScript(paw, pod.name(),
                    fmt::format("[ ! -e '{0}' ] || sha256sum '{0}' | cut -d ' ' -f 1", path),
                    deadline));
      rehearsed.digests[path] = sum.substr(0, sum.find('\n'));
    }
  }
  RETURN_IF_ERROR(made.Revert());
  if (files) RETURN_IF_ERROR(files->Revert());
  return rehearsed;
}

std::string WhyNotCompleted(const Rehearsed& rehearsed, const std::vector<std::string>& init) {
  for (const std::string& name : init) {
    const kube::ContainerStatus* status = Find(rehearsed, name);
    if (status == nullptr) return "there is no " + name;
    if (status->exit_code != 0) {
      return status->exit_code ? fmt::format("{} ended with exit code {}", name, *status->exit_code)
                               : fmt::format("{} did not end", name);
    }
  }
  return "";
}

std::string WhyNotStopped(const Rehearsed& rehearsed, const std::string& barrier,
                          const std::string& next) {
  const kube::ContainerStatus* stopped = Find(rehearsed, barrier);
  if (stopped == nullptr || !stopped->exit_code) return barrier + " did not end";
  if (*stopped->exit_code == 0) return barrier + " ended with exit code 0";
  const kube::ContainerStatus* after = Find(rehearsed, next);
  if (after == nullptr) return "there is no " + next;
  return after->state == "waiting" && after->restart_count == 0 ? "" : next + " ran all the same";
}

absl::StatusOr<std::string> WithAnotherBalance(const std::string& genesis) {
  // Keeps the order of keys: but for the amount it is the same genesis.
  auto json = nlohmann::ordered_json::parse(genesis, nullptr, false);
  const nlohmann::ordered_json::json_pointer amount("/app_state/bank/balances/0/coins/0/amount");
  if (json.is_discarded() || !json.contains(amount) || !json.at(amount).is_string()) {
    return absl::InvalidArgumentError("the genesis has no balance to change");
  }
  json.at(amount) = "1" + json.at(amount).get<std::string>();
  return json.dump(1);
}

std::string WithAnotherDigit(std::string hex) {
  if (!hex.empty()) hex.back() = hex.back() == '0' ? '1' : '0';
  return hex;
}

}  // namespace pawk8s
