// exec and port-forward over WebSocket.
#include <fmt/format.h>

#include <chrono>

#include "fake/connection.h"
#include "pawk8s/base/clock.h"
#include "pawk8s/net/process.h"

namespace pawk8s::fake {
namespace {

constexpr char kClose = '\xff';
constexpr std::size_t kPiece = 32768;

std::string ReadMessage(WebSocketStream& socket) {
  beast::flat_buffer buffer;
  socket.read(buffer);
  return beast::buffers_to_string(buffer.data());
}

void Send(WebSocketStream& socket, char channel, std::string_view bytes) {
  for (std::size_t at = 0; at == 0 || at < bytes.size(); at += kPiece) {
    const std::string message = channel + std::string(bytes.substr(at, kPiece));
    socket.write(asio::buffer(message));
  }
}

Json ExecStatus(const absl::StatusOr<net::ProcessResult>& ran) {
  if (!ran.ok()) {
    return {{"status", "Failure"},
            {"reason", "InternalError"},
            {"message", "error executing command in container: exec failed: " +
                            std::string(ran.status().message())}};
  }
  if (ran->exit_code == 0) return {{"status", "Success"}};
  return {
      {"status", "Failure"},
      {"reason", "NonZeroExitCode"},
      {"message", "command terminated with non-zero exit code"},
      {"details",
       {{"causes",
         Json::array({{{"reason", "ExitCode"}, {"message", std::to_string(ran->exit_code)}}})}}}};
}

// One validator's RPC, on a chain that makes ten blocks a second.
std::string ChainAnswer(const std::string& path) {
  const auto now = std::chrono::system_clock::now();
  const auto tenths =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() / 100;
  const std::string height = std::to_string(tenths % 1'000'000'000);
  Json result;
  if (path.starts_with("/status")) {
    result = {{"node_info", {{"id", "a1"}, {"network", "paw-1"}}},
              {"sync_info",
               {{"latest_block_height", height},
                {"latest_block_time", FormatUtc(now)},
                {"catching_up", false}}},
              {"validator_info", {{"address", "A1"}, {"voting_power", "10"}}}};
  } else if (path.starts_with("/validators")) {
    result = {
        {"total", "1"},
        {"validators",
         Json::array(
             {{{"address", "A1"}, {"pub_key", {{"value", "a2V5"}}}, {"voting_power", "10"}}})}};
  } else {
    result = {{"total", "1"}, {"data", "e30="}};
  }
  return Json{{"result", result}}.dump();
}

// HTTP/1.1 of a pod.
std::string HttpAnswers(std::string& received, const Pages& pages) {
  std::string answers;
  for (std::size_t end; (end = received.find("\r\n\r\n")) != std::string::npos;) {
    const std::size_t from = received.find(' ') + 1;
    const std::string path = received.substr(from, received.find(' ', from) - from);
    const std::size_t length_at = received.find("Content-Length: ");
    const std::size_t length = length_at < end ? std::stoul(received.substr(length_at + 16)) : 0;
    if (received.size() < end + 4 + length) break;
    const std::optional<std::string> page = pages(path);
    answers +=
        fmt::format("HTTP/1.1 {}\r\nContent-Length: {}\r\n\r\n{}",
                    page ? "200 OK" : "404 Not Found", page.value_or("").size(), page.value_or(""));
    received.erase(0, end + 4 + length);
  }
  return answers;
}

}  // namespace

Pages ChainPages() {
  return [](const std::string& path) { return ChainAnswer(path); };
}

void ServeExec(WebSocketStream& socket, const Url& url, bool v5) {
  socket.binary(true);
  net::ProcessSpec spec;
  spec.argv = url.commands;
  const auto wants_input = url.query.find("stdin");
  while (v5 && wants_input != url.query.end() && wants_input->second == "true") {
    const std::string message = ReadMessage(socket);
    if (message.size() == 2 && message[0] == kClose && message[1] == 0) break;
    if (message.empty() || message[0] != 0) continue;
    // The one program that can be talked with; others run when their input is whole.
    if (spec.argv.front() == "cat") {
      Send(socket, 1, std::string_view(message).substr(1));
    } else {
      spec.input += message.substr(1);
    }
  }
  const auto ran = net::RunProcess(spec, Deadline::After(std::chrono::seconds(20)));
  if (ran.ok()) {
    if (!ran->out.empty()) Send(socket, 1, ran->out);
    if (!ran->err.empty()) Send(socket, 2, ran->err);
  }
  Send(socket, 3, ExecStatus(ran).dump());
  socket.close(beast::websocket::close_code::normal);
}

void ServePortForward(WebSocketStream& socket, int port, const std::optional<PodDoor>& door) {
  socket.binary(true);
  const std::string frame{static_cast<char>(port & 0xff), static_cast<char>(port >> 8)};
  Send(socket, 0, frame);
  Send(socket, 1, frame);
  if (port == kRefusedPort) {
    Send(socket, 1, fmt::format("dial tcp4 127.0.0.1:{}: connect: connection refused", port));
    socket.close(beast::websocket::close_code::normal);
    return;
  }
  if (door && !door->greeting.empty()) Send(socket, 0, door->greeting);
  const Pages echo = [](const std::string& path) { return path; };
  for (std::string received;;) {
    const std::string message = ReadMessage(socket);
    if (message.empty() || message[0] != 0) continue;
    if (port == kDyingPort) {
      socket.close(beast::websocket::close_code::normal);
      return;
    }
    if (door && !door->greeting.empty()) continue;
    if (port == kHttpPort || door) {
      received += message.substr(1);
      const Pages& pages = door ? door->pages : echo;
      if (const std::string answers = HttpAnswers(received, pages); !answers.empty()) {
        Send(socket, 0, answers);
      }
    } else {
      Send(socket, 0, std::string_view(message).substr(1));
    }
  }
}

}  // namespace pawk8s::fake
