#include "pawk8s/kube/kubeconfig.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

#include <cctype>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string_view>

#include "pawk8s/base/clock.h"
#include "pawk8s/base/status.h"
#include "pawk8s/net/digest.h"
#include "pawk8s/net/tls.h"

namespace pawk8s::kube {
namespace {

namespace fs = std::filesystem;

absl::StatusOr<std::string> ReadFile(const fs::path& path, std::string_view what) {
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) {
    return absl::InvalidArgumentError(
        fmt::format("the {} {} is a folder; name a file", what, path.string()));
  }
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  if (!file) {
    const std::string why = std::strerror(errno == 0 ? EIO : errno);
    if (errno == ENOENT) {
      return absl::NotFoundError(fmt::format("the {} {} does not exist", what, path.string()));
    }
    return absl::PermissionDeniedError(
        fmt::format("the {} {} cannot be read: {}", what, path.string(), why));
  }
  return text.str();
}

// One file of $KUBECONFIG: relative paths in it are relative to its folder.
struct File {
  fs::path path;
  YAML::Node root;
};

absl::StatusOr<File> Parse(const fs::path& path) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(path, "kubeconfig"));
  const auto bad = [&](std::string_view why) {
    return absl::InvalidArgumentError(
        fmt::format("the kubeconfig {} cannot be used: {}", path.string(), why));
  };
  try {
    File file{path, YAML::Load(text)};
    if (!file.root.IsMap())
      return bad("it is not a YAML mapping with clusters, users and contexts");
    return file;
  } catch (const YAML::Exception& error) {
    return bad(fmt::format("line {}: {}", error.mark.line + 1, error.msg));
  }
}

std::string TextOf(const YAML::Node& node, const char* key) {
  const YAML::Node field = node.IsMap() ? node[key] : YAML::Node();
  return field && field.IsScalar() ? field.Scalar() : std::string();
}

bool IsTrue(const YAML::Node& node, const char* key) { return TextOf(node, key) == "true"; }

// The `inner` mapping of the entry called `name` in the list `section`, and the file it is from.
struct Entry {
  const File* file = nullptr;
  YAML::Node node;
};

Entry Find(const std::vector<File>& files, const char* section, const char* inner,
           const std::string& name) {
  for (const File& file : files) {
    const YAML::Node list = file.root[section];
    if (!list || !list.IsSequence()) continue;
    for (const YAML::Node& entry : list) {
      if (!entry.IsMap() || TextOf(entry, "name") != name) continue;
      const YAML::Node found = entry[inner];
      return {&file, found && found.IsMap() ? found : YAML::Node(YAML::NodeType::Map)};
    }
  }
  return {};
}

std::string NamesIn(const std::vector<File>& files, const char* section) {
  std::vector<std::string> names;
  for (const File& file : files) {
    const YAML::Node list = file.root[section];
    if (!list || !list.IsSequence()) continue;
    for (const YAML::Node& entry : list) names.push_back(TextOf(entry, "name"));
  }
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

// `<key>-data` in base64, or the file named by `key`.
absl::StatusOr<std::string> Material(const Entry& from, const std::string& key,
                                     std::string_view where) {
  std::string data = TextOf(from.node, (key + "-data").c_str());
  std::erase_if(data, [](unsigned char c) { return std::isspace(c); });  // YAML may fold it
  if (!data.empty()) {
    auto decoded = net::Base64Decode(data);
    if (decoded.ok()) return decoded;
    return absl::InvalidArgumentError(
        fmt::format("{}: {}-data is not base64; get the kubeconfig anew", where, key));
  }
  const std::string path = TextOf(from.node, key.c_str());
  if (path.empty()) return std::string();
  auto text = ReadFile(from.file->path.parent_path() / path, key + " file");
  return text.ok() ? std::move(text) : Annotate(text.status(), where);
}

absl::StatusOr<ExecPlugin> ReadExec(const YAML::Node& exec, const fs::path& folder,
                                    std::string_view where) {
  ExecPlugin plugin;
  plugin.api_version = TextOf(exec, "apiVersion");
  std::string command = TextOf(exec, "command");
  if (command.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{}: exec has no command; name the credential plugin to run", where));
  }
  if (plugin.api_version != "client.authentication.k8s.io/v1" &&
      plugin.api_version != "client.authentication.k8s.io/v1beta1") {
    return absl::InvalidArgumentError(fmt::format(
        "{}: exec has apiVersion '{}'; it must be client.authentication.k8s.io/v1 or v1beta1",
        where, plugin.api_version));
  }
  if (command.find('/') != std::string::npos) command = (folder / command).string();
  plugin.argv.push_back(command);
  if (const YAML::Node args = exec["args"]; args && args.IsSequence()) {
    for (const YAML::Node& arg : args) plugin.argv.push_back(arg.IsScalar() ? arg.Scalar() : "");
  }
  if (const YAML::Node env = exec["env"]; env && env.IsSequence()) {
    for (const YAML::Node& one : env) {
      plugin.env.emplace_back(TextOf(one, "name"), TextOf(one, "value"));
    }
  }
  plugin.install_hint = TextOf(exec, "installHint");
  plugin.provide_cluster_info = IsTrue(exec, "provideClusterInfo");
  return plugin;
}

absl::Status ReadCluster(const Entry& cluster, const std::string& where, Kubeconfig& config) {
  config.server = TextOf(cluster.node, "server");
  while (config.server.ends_with('/')) config.server.pop_back();
  if (config.server.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{} has no server; add its URL, such as https://127.0.0.1:6443", where));
  }
  if (!config.server.starts_with("https://") && !config.server.starts_with("http://")) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: the server '{}' is no URL; it must start with https://", where, config.server));
  }
  if (IsTrue(cluster.node, "insecure-skip-tls-verify")) {
    return absl::InvalidArgumentError(fmt::format(
        "{} sets insecure-skip-tls-verify, which is refused; give certificate-authority-data",
        where));
  }
  if (!TextOf(cluster.node, "proxy-url").empty()) {
    return absl::InvalidArgumentError(
        fmt::format("{} sets proxy-url, which is not supported; use a server that is reached "
                    "without a proxy",
                    where));
  }
  config.tls_server_name = TextOf(cluster.node, "tls-server-name");
  ASSIGN_OR_RETURN(config.ca_pem, Material(cluster, "certificate-authority", where));
  if (!config.ca_pem.empty() && !net::CertificateExpiry(config.ca_pem).ok()) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: certificate-authority holds no PEM certificate; get the kubeconfig anew", where));
  }
  return absl::OkStatus();
}

absl::Status CheckClientCertificate(const Kubeconfig& config, const std::string& where) {
  if (config.client_certificate_pem.empty()) return absl::OkStatus();
  const auto expiry = net::CertificateExpiry(config.client_certificate_pem);
  if (!expiry.ok()) {
    return absl::InvalidArgumentError(fmt::format(
        "{}: client-certificate holds no PEM certificate; get the kubeconfig anew", where));
  }
  if (config.client_key_pem.find("PRIVATE KEY-----") == std::string::npos) {
    return absl::InvalidArgumentError(
        fmt::format("{}: client-key holds no PEM private key; get the kubeconfig anew", where));
  }
  if (*expiry <= std::chrono::system_clock::now()) {
    return absl::UnauthenticatedError(
        fmt::format("{}: its client certificate expired at {}; get the kubeconfig anew", where,
                    FormatUtc(*expiry)));
  }
  return absl::OkStatus();
}

absl::Status ReadUser(const Entry& user, const std::string& where, Kubeconfig& config) {
  ASSIGN_OR_RETURN(config.client_certificate_pem, Material(user, "client-certificate", where));
  ASSIGN_OR_RETURN(config.client_key_pem, Material(user, "client-key", where));
  RETURN_IF_ERROR(CheckClientCertificate(config, where));
  config.token = TextOf(user.node, "token");
  if (const std::string file = TextOf(user.node, "tokenFile");
      config.token.empty() && !file.empty()) {
    config.token_file = (user.file->path.parent_path() / file).string();
  }
  config.username = TextOf(user.node, "username");
  config.password = TextOf(user.node, "password");
  config.impersonate_user = TextOf(user.node, "as");
  if (const YAML::Node groups = user.node["as-groups"]; groups && groups.IsSequence()) {
    for (const YAML::Node& group : groups) {
      if (group.IsScalar()) config.impersonate_groups.push_back(group.Scalar());
    }
  }
  if (const YAML::Node exec = user.node["exec"]; exec && exec.IsMap()) {
    ASSIGN_OR_RETURN(config.exec, ReadExec(exec, user.file->path.parent_path(), where));
  }
  if (user.node["auth-provider"]) {
    return absl::InvalidArgumentError(fmt::format(
        "{} uses auth-provider, which Kubernetes has removed; use an exec plugin", where));
  }
  return absl::OkStatus();
}

absl::StatusOr<Kubeconfig> FromFiles(const std::vector<File>& files, std::string context) {
  const std::string source = files.front().path.string();
  if (context.empty()) {
    for (const File& file : files) {
      if (context.empty()) context = TextOf(file.root, "current-context");
    }
  }
  if (context.empty()) {
    return absl::InvalidArgumentError(
        fmt::format("the kubeconfig {} sets no current-context; name one of: {}", source,
                    NamesIn(files, "contexts")));
  }
  const Entry chosen = Find(files, "contexts", "context", context);
  if (chosen.file == nullptr) {
    return absl::NotFoundError(fmt::format("the kubeconfig {} has no context '{}'; name one of: {}",
                                           source, context, NamesIn(files, "contexts")));
  }
  Kubeconfig config;
  config.source = chosen.file->path.string();
  config.context = context;
  if (const std::string ns = TextOf(chosen.node, "namespace"); !ns.empty()) config.ns = ns;

  const std::string cluster_name = TextOf(chosen.node, "cluster");
  const std::string user_name = TextOf(chosen.node, "user");
  const Entry cluster = Find(files, "clusters", "cluster", cluster_name);
  if (cluster.file == nullptr) {
    return absl::InvalidArgumentError(
        fmt::format("context '{}' in {} names the cluster '{}', which is not there; add it",
                    context, config.source, cluster_name));
  }
  RETURN_IF_ERROR(ReadCluster(
      cluster, fmt::format("cluster '{}' in {}", cluster_name, cluster.file->path.string()),
      config));
  if (user_name.empty()) return config;
  const Entry user = Find(files, "users", "user", user_name);
  if (user.file == nullptr) {
    return absl::InvalidArgumentError(
        fmt::format("context '{}' in {} names the user '{}', which is not there; add it", context,
                    config.source, user_name));
  }
  RETURN_IF_ERROR(
      ReadUser(user, fmt::format("user '{}' in {}", user_name, user.file->path.string()), config));
  return config;
}

// What every pod with a mounted service account token finds.
absl::StatusOr<Kubeconfig> FromPod() {
  const fs::path folder = "/var/run/secrets/kubernetes.io/serviceaccount";
  Kubeconfig config;
  config.source = "the pod's service account";
  const std::string host = std::getenv("KUBERNETES_SERVICE_HOST");
  const char* port = std::getenv("KUBERNETES_SERVICE_PORT");
  config.server =
      fmt::format("https://{}:{}", host.find(':') == std::string::npos ? host : "[" + host + "]",
                  port == nullptr ? "443" : port);
  config.token_file = (folder / "token").string();
  ASSIGN_OR_RETURN(config.ca_pem, ReadFile(folder / "ca.crt", "service account's CA file"));
  if (auto ns = ReadFile(folder / "namespace", "service account's namespace file"); ns.ok()) {
    config.ns = *ns;
  }
  return config;
}

std::vector<fs::path> DefaultPaths() {
  std::vector<fs::path> paths;
  if (const char* list = std::getenv("KUBECONFIG"); list != nullptr && *list != '\0') {
    std::istringstream stream(list);
    for (std::string path; std::getline(stream, path, ':');) {
      if (!path.empty()) paths.emplace_back(path);
    }
    return paths;
  }
  std::error_code ignored;
  const char* home = std::getenv("HOME");
  const fs::path path = fs::path(home == nullptr ? "/" : home) / ".kube" / "config";
  if (fs::exists(path, ignored)) paths.push_back(path);
  return paths;
}

}  // namespace

absl::StatusOr<Kubeconfig> Kubeconfig::Load(const Source& from) {
  std::vector<fs::path> paths;
  if (!from.path.empty()) {
    paths.emplace_back(from.path);
  } else {
    paths = DefaultPaths();
  }
  if (paths.empty()) {
    if (const char* host = std::getenv("KUBERNETES_SERVICE_HOST"); host != nullptr && *host) {
      return FromPod();
    }
    return absl::NotFoundError(
        "there is no kubeconfig: name one, or set KUBECONFIG, or write ~/.kube/config");
  }
  std::vector<File> files;
  absl::Status first_missing;
  for (const fs::path& path : paths) {
    absl::StatusOr<File> file = Parse(path);
    // As kubectl does: of several files some may be missing.
    if (absl::IsNotFound(file.status()) && paths.size() > 1) {
      first_missing.Update(file.status());
      continue;
    }
    if (!file.ok()) {
      if (!absl::IsNotFound(file.status())) return file.status();
      return absl::NotFoundError(
          fmt::format("{}; name another one or set KUBECONFIG", MessageOf(file.status())));
    }
    files.push_back(*std::move(file));
  }
  if (files.empty()) return first_missing;
  try {
    return FromFiles(files, from.context);
  } catch (const YAML::Exception& error) {
    return absl::InvalidArgumentError(fmt::format("the kubeconfig {} cannot be used: line {}: {}",
                                                  files.front().path.string(), error.mark.line + 1,
                                                  error.msg));
  }
}

}  // namespace pawk8s::kube
