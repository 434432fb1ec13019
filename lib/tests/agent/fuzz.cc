// Throws damaged requests, answers and packets at everything that takes them apart.
//
//   cmake --preset asan && cmake --build --preset asan --target pawk8s_agent_fuzz
//   build/asan/bin/pawk8s_agent_fuzz --seconds 600 [--seed N]
//
// Prints the seed and the number of inputs; a sanitizer or an unmet invariant ends it. Acts on
// nothing: requests are parsed and decoded, never carried out.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "packet.h"
#include "pawk8s/agent/fault.h"
#include "pawk8s/agent/file_verbs.h"
#include "pawk8s/agent/network_verbs.h"
#include "pawk8s/agent/protocol.h"
#include "pawk8s/agent/verbs.h"
#include "pawk8s/base/status.h"
#include "traffic_control.h"

namespace pawk8s::agent {
namespace {

template <class... T>
struct Types {};
using Requests = Types<ArmRequest, RevertRequest, FaultsRequest, PingRequest, SignalRequest,
                       ProcessFactsRequest, MountFactsRequest, CgroupFactsRequest, StatvfsRequest,
                       FileDigestRequest, FileReadRequest, FileRemoveRequest, FsyncWriterRequest,
                       DialRequest, HttpRequest, DnsRequest, CaptureRequest>;

void Demand(bool holds, std::string_view what, const std::string& input) {
  if (holds) return;
  fmt::print(stderr, "{}: {}\n", what, input);
  std::abort();
}

// What is accepted must say the same when it is written and read again.
template <class T>
void TryType(const Json& args, const std::string& input) {
  const absl::StatusOr<T> typed = Decode<T>(args);
  if (!typed.ok()) {
    Demand(!typed.status().message().empty(), "a refusal without a reason", input);
    return;
  }
  const Json again = Encode(*typed);
  const absl::StatusOr<T> second = Decode<T>(again);
  Demand(second.ok() && Encode(*second) == again, "not stable", input);
  if constexpr (std::is_same_v<T, ArmRequest>) {
    if (const auto* drop = std::get_if<PacketDrop>(&typed->injection)) {
      for (const Hook hook : {Hook::kIngress, Hook::kEgress}) {
        const auto program = DropProgram(drop->match, hook);
        Demand(!program.ok() || program->size() <= BPF_MAXINSNS, "too long a program", input);
      }
    }
  }
}

template <class... T>
void TryAll(Types<T...> /*types*/, const std::string& input) {
  IgnoreError(ParseAnswer(input).status(), "whatever it says, it must not crash");
  const auto request = ParseRequest(input);
  if (request.ok()) (TryType<T>(request->args, input), ...);
  CaptureResult counted;
  CountPacket(input, input.size(), {.port = 80, .marker = {"x"}}, counted);
}

std::vector<std::string> Seeds() {
  const Target target{"0a1b2c3d", "0123456789abcdef", "pawd"};
  std::vector<std::string> seeds;
  const auto add = [&](const auto& request) {
    seeds.push_back(RequestText(request.kVerb, Encode(request)));
  };
  for (const Injection& injection :
       {Injection(Freeze{target}), Injection(MemoryLimit{target, 4096}),
        Injection(CpuLimit{target, 100}), Injection(CpuLoad{target, 2}),
        Injection(FileWrite{target, "/data/pawk8s-x", {"content"}}),
        Injection(PacketDrop{
            {"0a1b"}, {"eth0", Direction::kBoth, Protocol::kTcp, {"10.0.0.0/8"}, {26656}}})}) {
    add(ArmRequest{.id = "a", .ttl_ms = 1, .not_after_ms = 2, .injection = injection});
  }
  add(HttpRequest{.address = "10.0.0.1", .port = 80});
  add(DnsRequest{.server = "10.0.0.1", .name = "a.b"});
  add(DialRequest{.address = "10.0.0.1", .port = 80, .send = {"x"}});
  add(CaptureRequest{.port = 80, .address = "10.0.0.1", .marker = {"m"}});
  add(FsyncWriterRequest{.target = target, .path = "/data"});
  add(FileReadRequest{.target = target, .path = "/etc/x"});
  seeds.push_back(AnswerText(TargetGone("x")));
  seeds.push_back(AnswerText(Json{{"a", {1, 2.5, nullptr, "b"}}}));
  return seeds;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::string Next(const std::vector<std::string>& from) {
    std::string text = from[Below(from.size())];
    for (std::size_t left = Below(6); left > 0 && !text.empty(); --left) {
      const std::size_t at = Below(text.size());
      switch (Below(7)) {
        case 0:
          text[at] = static_cast<char>(Below(256));
          break;
        case 1:
          text.erase(at, Below(8));
          break;
        case 2:
          text.insert(at, 1 + Below(4), static_cast<char>(Below(256)));
          break;
        case 3:
          text.insert(at, kPieces[Below(std::size(kPieces))]);
          break;
        case 4: {
          const std::string& other = from[Below(from.size())];
          text = text.substr(0, at) + other.substr(Below(other.size()));
          break;
        }
        case 5:
          text.insert(at, text.substr(at, Below(32)));
          break;
        default:
          text.resize(at);
      }
    }
    return text;
  }
  std::size_t Below(std::size_t bound) { return bound == 0 ? 0 : random_() % bound; }

 private:
  static constexpr const char* kPieces[] = {
      "{",   "}",    "[",   "]",       "null", "true", "-1", "1e400",     "9223372036854775808",
      "0.5", "\"\"", "\\u", "\\u0000", "\xff", ",",    ":",  "\"args\":", "\"pod_uid\":"};
  std::mt19937_64 random_;
};

void Run(std::chrono::seconds time, std::uint64_t seed) {
  Mutator mutator(seed);
  std::vector<std::string> corpus = Seeds();
  const std::size_t seeds = corpus.size();
  const auto until = std::chrono::steady_clock::now() + time;
  std::uint64_t inputs = 0;
  while (std::chrono::steady_clock::now() < until) {
    for (int i = 0; i < 100; ++i, ++inputs) {
      std::string input = mutator.Next(corpus);
      TryAll(Requests{}, input);
      // Mutants of mutants get further away from what is well formed.
      if (corpus.size() < 500) {
        corpus.push_back(std::move(input));
      } else {
        corpus[seeds + mutator.Below(corpus.size() - seeds)] = std::move(input);
      }
    }
  }
  fmt::print("{} inputs, seed {}, no failure\n", inputs, seed);
}

}  // namespace
}  // namespace pawk8s::agent

int main(int argc, char** argv) {
  CLI::App app("Throws damaged requests at the agent's parsers");
  int seconds = 60;
  std::uint64_t seed = std::random_device{}();
  app.add_option("--seconds", seconds)->check(CLI::Range(1, 86'400));
  app.add_option("--seed", seed);
  CLI11_PARSE(app, argc, argv);
  fmt::print("seed {}\n", seed);
  pawk8s::agent::Run(std::chrono::seconds(seconds), seed);
}
