#include "pawk8s/kube/kubeconfig.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "fake/fake_api_server.h"
#include "kube/test_util.h"
#include "pawk8s/kube/client.h"
#include "pawk8s/net/digest.h"

namespace pawk8s::kube {
namespace {

namespace fs = std::filesystem;
using absl::StatusCode;
using testing::AllOf;
using testing::HasSubstr;

using net::Base64Encode;

class KubeconfigFile : public testing::Test {
 protected:
  KubeconfigFile() {
    std::string pattern = (fs::temp_directory_path() / "pawk8s-kubeconfig-XXXXXX").string();
    folder_ = mkdtemp(pattern.data());
  }
  ~KubeconfigFile() override { fs::remove_all(folder_); }

  std::string Write(const std::string& text, const std::string& name = "config") const {
    const fs::path path = folder_ / name;
    std::ofstream(path) << text;
    return path.string();
  }

  // A whole kubeconfig with these lines in its cluster and its user.
  std::string WriteConfig(const std::string& cluster, const std::string& user) const {
    return Write(
        fmt::format("apiVersion: v1\nkind: Config\ncurrent-context: main\n"
                    "contexts: [{{name: main, context: {{cluster: c, user: u, namespace: paw}}}}]\n"
                    "clusters: [{{name: c, cluster: {}}}]\nusers: [{{name: u, user: {}}}]\n",
                    cluster, user));
  }

  static absl::StatusOr<Kubeconfig> Load(const std::string& path, const std::string& context = "") {
    return Kubeconfig::Load({path, context});
  }

  fs::path folder_;
  const fake::CertificateAuthority ca_;
};

constexpr char kServer[] = "{server: 'https://127.0.0.1:6443/'}";

TEST_F(KubeconfigFile, EverythingThatIsNeededIsRead) {
  const fake::Identity admin = ca_.Issue("admin", std::chrono::hours(1));
  Write(admin.key_pem, "admin.key");
  const std::string path =
      WriteConfig(fmt::format("{{server: 'https://127.0.0.1:6443/', tls-server-name: kubernetes, "
                              "certificate-authority-data: {}}}",
                              Base64Encode(ca_.certificate_pem())),
                  fmt::format("{{client-certificate-data: {}, client-key: admin.key}}",
                              Base64Encode(admin.certificate_pem)));
  ASSERT_OK_AND_ASSIGN(const Kubeconfig config, Load(path));
  EXPECT_EQ(config.server, "https://127.0.0.1:6443");
  EXPECT_EQ(config.tls_server_name, "kubernetes");
  EXPECT_EQ(config.ca_pem, ca_.certificate_pem());
  EXPECT_EQ(config.client_certificate_pem, admin.certificate_pem);
  EXPECT_EQ(config.client_key_pem, admin.key_pem);
  EXPECT_EQ(config.ns, "paw");
  EXPECT_EQ(config.context, "main");
}

TEST_F(KubeconfigFile, MissingFileIsNamed) {
  EXPECT_THAT(Load("/no/such/config"),
              Fails(StatusCode::kNotFound,
                    AllOf(HasSubstr("/no/such/config does not exist"), HasSubstr("KUBECONFIG"))));
  EXPECT_THAT(Load(folder_.string()), Fails(StatusCode::kInvalidArgument, HasSubstr("folder")));
}

TEST_F(KubeconfigFile, BrokenYamlIsNamedWithItsLine) {
  EXPECT_THAT(Load(Write("a: b\nc: [d\ne: }f\n")),
              Fails(StatusCode::kInvalidArgument, HasSubstr("line 3")));
  EXPECT_THAT(Load(Write("just text")), Fails(StatusCode::kInvalidArgument, HasSubstr("mapping")));
  EXPECT_THAT(Load(Write("")), Fails(StatusCode::kInvalidArgument, HasSubstr("mapping")));
}

TEST_F(KubeconfigFile, UnknownContextNamesThoseThatExist) {
  EXPECT_THAT(Load(WriteConfig(kServer, "{}"), "other"),
              Fails(StatusCode::kNotFound, AllOf(HasSubstr("'other'"), HasSubstr("main"))));
  EXPECT_THAT(Load(Write("contexts: [{name: a}]")),
              Fails(StatusCode::kInvalidArgument,
                    AllOf(HasSubstr("no current-context"), HasSubstr("name one of: a"))));
}

TEST_F(KubeconfigFile, ContextOfAClusterOrUserThatIsNotThere) {
  EXPECT_THAT(Load(Write("current-context: a\ncontexts: [{name: a, context: {cluster: x}}]")),
              Fails(StatusCode::kInvalidArgument, HasSubstr("the cluster 'x'")));
  EXPECT_THAT(Load(Write("current-context: a\n"
                         "contexts: [{name: a, context: {cluster: x, user: y}}]\n"
                         "clusters: [{name: x, cluster: {server: 'https://a'}}]")),
              Fails(StatusCode::kInvalidArgument, HasSubstr("the user 'y'")));
}

TEST_F(KubeconfigFile, ServerIsDemanded) {
  EXPECT_THAT(Load(WriteConfig("{}", "{}")),
              Fails(StatusCode::kInvalidArgument, HasSubstr("cluster 'c'")));
  EXPECT_THAT(Load(WriteConfig("{server: 10.0.0.1}", "{}")),
              Fails(StatusCode::kInvalidArgument, HasSubstr("https://")));
}

TEST_F(KubeconfigFile, VerificationCannotBeSwitchedOff) {
  EXPECT_THAT(Load(WriteConfig("{server: 'https://a', insecure-skip-tls-verify: true}", "{}")),
              Fails(StatusCode::kInvalidArgument, HasSubstr("insecure-skip-tls-verify")));
}

TEST_F(KubeconfigFile, CertificateDataThatIsNone) {
  EXPECT_THAT(Load(WriteConfig("{server: 'https://a', certificate-authority-data: '***'}", "{}")),
              Fails(StatusCode::kInvalidArgument, HasSubstr("not base64")));
  EXPECT_THAT(
      Load(WriteConfig("{server: 'https://a', certificate-authority-data: aGVsbG8=}", "{}")),
      Fails(StatusCode::kInvalidArgument, HasSubstr("no PEM certificate")));
  EXPECT_THAT(Load(WriteConfig(kServer, "{client-certificate-data: aGVsbG8=}")),
              Fails(StatusCode::kInvalidArgument, HasSubstr("no PEM certificate")));
  EXPECT_THAT(Load(WriteConfig(kServer, "{client-certificate: missing.crt}")),
              Fails(StatusCode::kNotFound, AllOf(HasSubstr("user 'u'"), HasSubstr("missing.crt"))));
}

TEST_F(KubeconfigFile, ExpiredClientCertificateSaysSince) {
  const fake::Identity old = ca_.Issue("admin", std::chrono::hours(-1));
  EXPECT_THAT(
      Load(WriteConfig(kServer,
                       fmt::format("{{client-certificate-data: {}, client-key-data: {}}}",
                                   Base64Encode(old.certificate_pem), Base64Encode(old.key_pem)))),
      Fails(StatusCode::kUnauthenticated,
            AllOf(HasSubstr("expired at 20"), HasSubstr("get the kubeconfig anew"))));
}

TEST_F(KubeconfigFile, EnvironmentVariableMayNameSeveralFiles) {
  const std::string contexts =
      Write("current-context: a\ncontexts: [{name: a, context: {cluster: x}}]", "contexts");
  const std::string clusters =
      Write("clusters: [{name: x, cluster: {server: 'https://a'}}]", "clusters");
  setenv("KUBECONFIG", fmt::format("{}:/no/such:{}", contexts, clusters).c_str(), 1);
  ASSERT_OK_AND_ASSIGN(const Kubeconfig config, Kubeconfig::Load({}));
  EXPECT_EQ(config.server, "https://a");
  unsetenv("KUBECONFIG");
}

TEST_F(KubeconfigFile, NoneAtAllSaysWhatToDo) {
  unsetenv("KUBECONFIG");
  unsetenv("KUBERNETES_SERVICE_HOST");
  setenv("HOME", folder_.c_str(), 1);
  EXPECT_THAT(Kubeconfig::Load({}), Fails(StatusCode::kNotFound, HasSubstr("set KUBECONFIG")));
}

class ExecPlugin : public KubeconfigFile {
 protected:
  // A kubeconfig for the fake API server with this script as its credential plugin.
  absl::StatusOr<Kubeconfig> WithScript(const std::string& script) const {
    const std::string path = Write("#!/bin/sh\n" + script, "plugin");
    chmod(path.c_str(), 0700);
    return Load(WriteConfig(
        fmt::format("{{server: '{}', certificate-authority-data: {}}}", api_.url(),
                    Base64Encode(api_.config().ca_pem)),
        "{exec: {apiVersion: client.authentication.k8s.io/v1, command: ./plugin, "
        "installHint: 'get it from example.org', env: [{name: TOKEN, value: fake-admin-token}]}}"));
  }
  fake::FakeApiServer api_;
};

TEST_F(ExecPlugin, ItsTokenIsUsedAndItRunsOnce) {
  ASSERT_OK_AND_ASSIGN(
      const Kubeconfig config,
      WithScript("echo run >> " + (folder_ / "runs").string() +
                 "\necho '{\"kind\":\"ExecCredential\",\"status\":{\"token\":\"'$TOKEN'\"}}'"));
  Client client(config);
  Client clone = client.Clone();
  ASSERT_OK_AND_ASSIGN(const UserInfo user, client.WhoAmI(Soon()));
  EXPECT_EQ(user.username, "admin");
  ASSERT_THAT(clone.WhoAmI(Soon()), IsOk());
  std::ifstream runs(folder_ / "runs");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(runs), {}), "run\n");
}

TEST_F(ExecPlugin, FailureIsOneSentence) {
  ASSERT_OK_AND_ASSIGN(const Kubeconfig failing, WithScript("echo 'no session' >&2; exit 5"));
  EXPECT_THAT(Client(failing).WhoAmI(Soon()),
              Fails(StatusCode::kUnauthenticated,
                    AllOf(HasSubstr("exit code 5: no session"), HasSubstr("run it by hand"))));
  ASSERT_OK_AND_ASSIGN(const Kubeconfig chatty, WithScript("echo hello"));
  EXPECT_THAT(Client(chatty).WhoAmI(Soon()),
              Fails(StatusCode::kUnauthenticated, HasSubstr("no ExecCredential")));
  ASSERT_OK_AND_ASSIGN(Kubeconfig missing, WithScript(""));
  fs::remove(folder_ / "plugin");
  EXPECT_THAT(Client(missing).WhoAmI(Soon()),
              Fails(StatusCode::kUnauthenticated, HasSubstr("get it from example.org")));
}

TEST_F(ExecPlugin, UnknownApiVersionIsRefused) {
  EXPECT_THAT(Load(WriteConfig(kServer, "{exec: {apiVersion: x/v9, command: a}}")),
              Fails(StatusCode::kInvalidArgument, HasSubstr("x/v9")));
  EXPECT_THAT(Load(WriteConfig(kServer, "{exec: {}}")),
              Fails(StatusCode::kInvalidArgument, HasSubstr("no command")));
}

TEST_F(ExecPlugin, TokenFileIsRead) {
  const std::string token = Write(api_.config().token + "\n", "token");
  ASSERT_OK_AND_ASSIGN(
      const Kubeconfig config,
      Load(WriteConfig(fmt::format("{{server: '{}', certificate-authority-data: {}}}", api_.url(),
                                   Base64Encode(api_.config().ca_pem)),
                       "{tokenFile: token}")));
  EXPECT_THAT(Client(config).WhoAmI(Soon()), IsOk());
  fs::remove(token);
  EXPECT_THAT(Client(config).WhoAmI(Soon()),
              Fails(StatusCode::kUnauthenticated, HasSubstr("token file")));
}

}  // namespace
}  // namespace pawk8s::kube
