#include "reference_deployment.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <charconv>
#include <fstream>
#include <map>
#include <sstream>

#include "pawk8s/net/digest.h"

namespace pawk8s {
namespace {

using kube::FindInt;
using kube::FindList;
using kube::FindMap;
using kube::FindString;
using kube::Json;

constexpr const char* kGenesis = R"({"chain_id": "paw-fake-1", "app_state": {}})";

Json ToJson(const YAML::Node& node) {
  if (node.IsMap()) {
    Json object = Json::object();
    for (const auto& entry : node) object[entry.first.as<std::string>()] = ToJson(entry.second);
    return object;
  }
  if (node.IsSequence()) {
    Json array = Json::array();
    for (const auto& entry : node) array.push_back(ToJson(entry));
    return array;
  }
  if (!node.IsScalar()) return nullptr;
  const auto text = node.as<std::string>();
  if (node.Tag() == "!") return text;
  if (text == "true" || text == "false") return text == "true";
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc() && end == text.data() + text.size()) return number;
  return text;
}

std::string PathOf(const Json& object, const std::string& ns) {
  static const std::map<std::string, std::string> kinds = {
      {"Service", "/api/v1/namespaces/{}/services/"},
      {"ServiceAccount", "/api/v1/namespaces/{}/serviceaccounts/"},
      {"ConfigMap", "/api/v1/namespaces/{}/configmaps/"},
      {"ResourceQuota", "/api/v1/namespaces/{}/resourcequotas/"},
      {"LimitRange", "/api/v1/namespaces/{}/limitranges/"},
      {"StatefulSet", "/apis/apps/v1/namespaces/{}/statefulsets/"},
      {"Deployment", "/apis/apps/v1/namespaces/{}/deployments/"},
      {"PodDisruptionBudget", "/apis/policy/v1/namespaces/{}/poddisruptionbudgets/"},
      {"StorageClass", "/apis/storage.k8s.io/v1/storageclasses/"},
      {"Namespace", "/api/v1/namespaces/"}};
  const auto found = kinds.find(FindString(object, {"kind"}).value_or(""));
  if (found == kinds.end()) return "";
  std::string path = found->second;
  if (const auto at = path.find("{}"); at != std::string::npos) path.replace(at, 2, ns);
  return path + FindString(object, {"metadata", "name"}).value_or("");
}

// The number of the port that a container calls so.
int PortNamed(const Json& container, const std::string& name) {
  for (const Json& port : FindList(container, {"ports"})) {
    if (FindString(port, {"name"}) == name) {
      return static_cast<int>(FindInt(port, {"containerPort"}).value_or(0));
    }
  }
  return 0;
}

fake::Pages Only(const std::string& path, const std::string& body) {
  return
      [=](const std::string& asked) { return asked == path ? std::optional(body) : std::nullopt; };
}

// RPC of a node with this voting power.
fake::Pages Rpc(int power) {
  const Json status = {
      {"result",
       {{"node_info", {{"id", "aa"}, {"network", kFakeChain}}},
        {"sync_info",
         {{"latest_block_height", "7"},
          {"latest_block_time", "2026-01-01T00:00:00Z"},
          {"catching_up", false}}},
        {"validator_info", {{"address", "AA"}, {"voting_power", std::to_string(power)}}}}}};
  const Json genesis = {{"result", {{"total", "1"}, {"data", net::Base64Encode(kGenesis)}}}};
  return [=](const std::string& path) -> std::optional<std::string> {
    if (path == "/status") return status.dump();
    if (path == "/genesis_chunked?chunk=0") return genesis.dump();
    if (path == "/health") return "{}";
    return std::nullopt;
  };
}

void OpenDoors(fake::FakeApiServer& api, const std::string& pod, const Json& container, int power,
               const Rename& rename) {
  const auto open = [&](const char* port, fake::PodDoor door) {
    if (const int number = PortNamed(container, rename(port)); number > 0) {
      api.doors().Open(pod, number, std::move(door));
    }
  };
  const std::string page = "# TYPE go_goroutines gauge\n";
  const Json info = {{"default_node_info", {{"network", kFakeChain}}}};
  open("rpc", {.pages = Rpc(power)});
  open("p2p", {.greeting = "\x22\x0a\x20" + std::string(32, 'k')});
  open("grpc", {.greeting = std::string("\0\0\6\4\0\0\0\0\0\0\5\0\0@\0", 15)});
  open("api", {.pages = Only("/cosmos/base/tendermint/v1beta1/node_info", info.dump())});
  open("metrics", {.pages = [=](const std::string&) { return std::optional(page); }});
  open("app-metrics", {.pages = Only("/metrics", page)});
  open("health", {.pages = Only("/health", R"({"status":"ready"})")});
}

void PutPods(fake::FakeApiServer& api, const Json& workload, const std::string& ns, int power,
             const Rename& rename) {
  const auto replicas = FindInt(workload, {"spec", "replicas"}).value_or(1);
  const std::string name = FindString(workload, {"metadata", "name"}).value_or("");
  const Json& pod_template = *kube::FindField(workload, {"spec", "template"});
  for (std::int64_t i = 0; i < replicas; ++i) {
    const std::string pod_name = fmt::format("{}-{}", name, i);
    Json pod = pod_template;
    pod["kind"] = "Pod";
    pod["metadata"]["name"] = pod_name;
    pod["metadata"]["namespace"] = ns;
    pod["metadata"]["uid"] = "uid-" + pod_name;
    pod["status"] = {{"phase", "Running"}};
    api.store().Put(fmt::format("/api/v1/namespaces/{}/pods/{}", ns, pod_name), pod);
    OpenDoors(api, pod_name, FindList(pod, {"spec", "containers"}).front(), power, rename);
  }
}

std::string TextOf(const std::filesystem::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

void PutConfigMap(fake::FakeApiServer& api, const std::string& ns, const std::string& name,
                  const Json& data) {
  api.store().Put(
      fmt::format("/api/v1/namespaces/{}/configmaps/{}", ns, name),
      {{"kind", "ConfigMap"}, {"metadata", {{"name", name}, {"namespace", ns}}}, {"data", data}});
}

}  // namespace

void PutReferenceDeployment(fake::FakeApiServer& api, const std::filesystem::path& base,
                            const Rename& rename) {
  const std::string ns = rename("paw");
  for (const auto& entry : std::filesystem::directory_iterator(base)) {
    if (entry.path().extension() != ".yaml") continue;
    for (const YAML::Node& document : YAML::LoadAll(rename(TextOf(entry.path())))) {
      Json object = ToJson(document);
      const std::string path = PathOf(object, ns);
      if (path.empty()) continue;
      const bool in_namespace = path.find("/namespaces/" + ns + "/") != std::string::npos;
      if (in_namespace) object["metadata"]["namespace"] = ns;
      api.store().Put(path, object);
      if (path.find("/apps/") == std::string::npos) continue;
      PutPods(api, object, ns, object["kind"] == "StatefulSet" ? 10 : 0, rename);
    }
  }
  PutConfigMap(api, ns, rename("paw-genesis"), {{"genesis.json", kGenesis}});
  PutConfigMap(api, ns, rename("paw-genesis-config"),
               {{"GENESIS_SHA256", net::Sha256Hex(kGenesis)}, {"GENERATE_LOCAL", "false"}});
  PutConfigMap(api, ns, rename("paw-config"), {{"CHAIN_ID", kFakeChain}, {"LOG_LEVEL", "info"}});
  PutConfigMap(api, ns, rename("paw-node-config"),
               {{"config.toml", "[p2p]\n[consensus]\n"}, {"app.toml", "[api]\n"}});
  PutConfigMap(api, ns, rename("paw-scripts"),
               {{rename("genesis-verifier") + ".sh", "#"}, {rename("config-init") + ".sh", "#"}});
  for (const auto& [kind, name] :
       {std::pair{"resourcequotas", "paw-quota"}, std::pair{"limitranges", "paw-limits"}}) {
    api.store().Put(fmt::format("/api/v1/namespaces/{}/{}/{}", ns, kind, rename(name)),
                    {{"metadata", {{"name", rename(name)}, {"namespace", ns}}}});
  }
  // The cluster's DNS, as the fake runs `cat` on this machine and its own resolver is another.
  api.store().Put("/api/v1/namespaces/kube-system/services/kube-dns",
                  {{"metadata",
                    {{"name", "kube-dns"},
                     {"namespace", "kube-system"},
                     {"labels", {{"k8s-app", "kube-dns"}}}}},
                   {"spec", {{"selector", {{"k8s-app", "kube-dns"}}}}}});
  api.store().Put("/api/v1/namespaces/kube-system",
                  {{"kind", "Namespace"}, {"metadata", {{"name", "kube-system"}, {"uid", "u"}}}});
}

std::string ReferenceProfile(const std::string& text, const Rename& rename) {
  std::string renamed;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    // Values only: a key of the profile is its own word.
    const auto colon = line.find(": ");
    const auto remark = line.find("  # ");
    renamed += colon == std::string::npos
                   ? line
                   : line.substr(0, colon + 2) + rename(line.substr(colon + 2, remark - colon - 2));
    renamed += "\n";
  }
  return renamed;
}

}  // namespace pawk8s
