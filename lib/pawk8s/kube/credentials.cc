#include "pawk8s/kube/internal/credentials.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>

#include "pawk8s/base/redact.h"
#include "pawk8s/base/status.h"
#include "pawk8s/net/digest.h"
#include "pawk8s/net/process.h"

namespace pawk8s::kube::internal {
namespace {

constexpr std::chrono::minutes kTokenFileAge{1};
constexpr std::chrono::seconds kBeforeExpiry{10};

std::string LastLine(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.pop_back();
  return text.substr(text.rfind('\n') + 1);
}

}  // namespace

absl::StatusOr<Credential> Credentials::Get(const Deadline& deadline) {
  const std::lock_guard lock(mutex_);
  if (!have_ || std::chrono::system_clock::now() >= expires_) {
    if (config_.exec) {
      RETURN_IF_ERROR(RunPlugin(deadline));
    } else if (!config_.token_file.empty()) {
      RETURN_IF_ERROR(ReadTokenFile());
    } else {
      token_ = config_.token;
      certificate_pem_ = config_.client_certificate_pem;
      key_pem_ = config_.client_key_pem;
    }
    have_ = true;
  }
  Credential credential;
  if (!token_.empty()) {
    credential.headers.push_back({"Authorization", "Bearer " + token_});
  } else if (!config_.username.empty()) {
    credential.headers.push_back(
        {"Authorization", "Basic " + net::Base64Encode(config_.username + ":" + config_.password)});
  }
  credential.tls = {config_.ca_pem, certificate_pem_, key_pem_, config_.tls_server_name};
  credential.tls_generation = generation_;
  return credential;
}

void Credentials::Forget() {
  const std::lock_guard lock(mutex_);
  if (config_.exec || !config_.token_file.empty()) have_ = false;
}

absl::Status Credentials::ReadTokenFile() {
  std::ifstream file(config_.token_file);
  std::ostringstream text;
  if (file) text << file.rdbuf();
  token_ = text.str();
  while (!token_.empty() && std::isspace(static_cast<unsigned char>(token_.back()))) {
    token_.pop_back();
  }
  if (token_.empty()) {
    return absl::UnauthenticatedError(
        fmt::format("the token file {} (from {}) is missing or empty; write a token into it",
                    config_.token_file, config_.source));
  }
  expires_ = std::chrono::system_clock::now() + kTokenFileAge;
  return absl::OkStatus();
}

std::string Credentials::ExecInfo() const {
  Json info = {{"apiVersion", config_.exec->api_version},
               {"kind", "ExecCredential"},
               {"spec", {{"interactive", false}}}};
  if (config_.exec->provide_cluster_info) {
    info["spec"]["cluster"] = {{"server", config_.server},
                               {"certificate-authority-data", net::Base64Encode(config_.ca_pem)}};
    if (!config_.tls_server_name.empty()) {
      info["spec"]["cluster"]["tls-server-name"] = config_.tls_server_name;
    }
  }
  return info.dump();
}

absl::Status Credentials::RunPlugin(const Deadline& deadline) {
  net::ProcessSpec spec;
  spec.argv = config_.exec->argv;
  spec.env = config_.exec->env;
  spec.env.emplace_back("KUBERNETES_EXEC_INFO", ExecInfo());
  const auto failed = [&](std::string_view why) {
    return absl::UnauthenticatedError(
        fmt::format("the credential plugin {} of {} {}", spec.argv.front(), config_.source, why));
  };
  const auto ran = net::RunProcess(spec, deadline);
  if (absl::IsNotFound(ran.status())) {
    const std::string& hint = config_.exec->install_hint;
    return failed("is not installed; " + (hint.empty() ? "install it" : hint));
  }
  if (absl::IsDeadlineExceeded(ran.status())) {
    return failed("gave no answer in time; run it by hand to see what it waits for");
  }
  RETURN_IF_ERROR(ran.status());
  if (ran->exit_code != 0) {
    return failed(fmt::format("failed with exit code {}: {}; run it by hand to repair it",
                              ran->exit_code, Redact(LastLine(ran->err))));
  }
  const Json answer = Json::parse(ran->out, nullptr, /*allow_exceptions=*/false);
  const std::string token = FindString(answer, {"status", "token"}).value_or("");
  const std::string certificate =
      FindString(answer, {"status", "clientCertificateData"}).value_or("");
  if (FindString(answer, {"kind"}) != "ExecCredential" || (token.empty() && certificate.empty())) {
    return failed("printed no ExecCredential with a token or a certificate; run it by hand to see");
  }
  if (certificate != certificate_pem_) ++generation_;
  token_ = token;
  certificate_pem_ = certificate;
  key_pem_ = FindString(answer, {"status", "clientKeyData"}).value_or("");
  const auto expiry = FindTime(answer, {"status", "expirationTimestamp"});
  expires_ = expiry ? *expiry - kBeforeExpiry : SystemTime::max();
  return absl::OkStatus();
}

}  // namespace pawk8s::kube::internal
