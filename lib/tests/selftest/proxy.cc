#include "selftest/proxy.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <nlohmann/json.hpp>

#include "pawk8s/base/status.h"

namespace pawk8s::selftest {
namespace {

using nlohmann::json;

constexpr std::chrono::seconds kControl{10};

std::string ReadLine(int fd) {
  std::string line;
  for (char c = 0; read(fd, &c, 1) == 1 && c != '\n';) line += c;
  return line;
}

}  // namespace

absl::StatusOr<std::unique_ptr<Proxy>> Proxy::Start(const kube::Kubeconfig& upstream) {
  int in[2];
  int out[2];
  if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0) {
    return absl::UnavailableError("no pipe for the proxy");
  }
  std::unique_ptr<Proxy> proxy(new Proxy);
  proxy->pid_ = fork();
  if (proxy->pid_ == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    dup2(in[0], 0);
    dup2(out[1], 1);
    execl(PAWK8S_SELFTEST_PROXY, PAWK8S_SELFTEST_PROXY, nullptr);
    _exit(127);
  }
  close(in[0]);
  close(out[1]);
  proxy->input_ = in[1];
  const std::string server = json{{"server", upstream.server},
                                  {"ca_pem", upstream.ca_pem},
                                  {"cert_pem", upstream.client_certificate_pem},
                                  {"key_pem", upstream.client_key_pem},
                                  {"token", upstream.token}}
                                 .dump() +
                             "\n";
  const bool sent = write(in[1], server.data(), server.size()) == std::ssize(server);
  const json ready = json::parse(sent ? ReadLine(out[0]) : "", nullptr, false);
  close(out[0]);
  if (!ready.is_object()) return absl::UnavailableError("the proxy did not start");
  proxy->config_.source = "the self-tests' proxy";
  proxy->config_.server = fmt::format("https://127.0.0.1:{}", ready.at("port").get<int>());
  proxy->config_.ca_pem = ready.at("ca_pem");
  proxy->config_.token = ready.at("token");
  proxy->control_ = fmt::format("http://127.0.0.1:{}", ready.at("control").get<int>());
  return proxy;
}

Proxy::~Proxy() {
  if (input_ >= 0) close(input_);  // it ends with its input
  if (pid_ > 0) waitpid(pid_, nullptr, 0);
}

absl::Status Proxy::SetMode(const std::string& mode) {
  const auto answer = http_.Send({.method = "POST", .url = control_ + "/mode", .body = mode},
                                 Deadline::After(kControl));
  RETURN_IF_ERROR(answer.status());
  return answer->status == 200 ? absl::OkStatus() : absl::InternalError(answer->body);
}

absl::Status Proxy::TellTheTruth() { return SetMode("{}"); }
absl::Status Proxy::ChangeNothing() { return SetMode(R"({"noop": true})"); }
absl::Status Proxy::Blind(const std::string& channel, const std::string& how, From from) {
  return SetMode(
      json{{"blind", channel}, {"how", how}, {"from", from == From::kChange ? "change" : ""}}
          .dump());
}

absl::StatusOr<std::map<std::string, int>> Proxy::TakeSeen() {
  ASSIGN_OR_RETURN(const net::HttpResponse answer,
                   http_.Send({.url = control_ + "/seen"}, Deadline::After(kControl)));
  const json seen = json::parse(answer.body, nullptr, false);
  if (!seen.is_object()) return absl::DataLossError("the proxy answers " + answer.body);
  return seen.get<std::map<std::string, int>>();
}

}  // namespace pawk8s::selftest
