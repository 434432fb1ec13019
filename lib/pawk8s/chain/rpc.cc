#include "pawk8s/chain/rpc.h"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string_view>
#include <utility>

#include "pawk8s/base/redact.h"
#include "pawk8s/base/status.h"
#include "pawk8s/net/digest.h"

namespace pawk8s::chain {
namespace {

using nlohmann::json;

// Thrown while one answer is read, caught in Read(): a node that answers nonsense is data loss.
struct Malformed {
  std::string what;
};

const json& Field(const json& object, std::string_view name) {
  if (!object.is_object()) throw Malformed{fmt::format("no object around '{}'", name)};
  const auto found = object.find(name);
  if (found == object.end()) throw Malformed{fmt::format("no field '{}'", name)};
  return *found;
}

std::string Text(const json& object, std::string_view name) {
  const json& field = Field(object, name);
  if (!field.is_string()) throw Malformed{fmt::format("'{}' is no string", name)};
  return field.get<std::string>();
}

bool Flag(const json& object, std::string_view name) {
  const json& field = Field(object, name);
  if (!field.is_boolean()) throw Malformed{fmt::format("'{}' is no boolean", name)};
  return field.get<bool>();
}

// CometBFT sends 64-bit integers as strings.
std::int64_t Integer(const json& object, std::string_view name) {
  const std::string text = Text(object, name);
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) {
    throw Malformed{fmt::format("'{}' is no integer", name)};
  }
  return value;
}

// RFC 3339 in UTC with up to nine fraction digits.
std::chrono::system_clock::time_point Time(const json& object, std::string_view name) {
  const std::string text = Text(object, name);
  std::tm parts{};
  const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  if (rest == nullptr) throw Malformed{fmt::format("'{}' is no time", name)};
  std::int64_t nanos = 0;
  if (*rest == '.') {
    std::int64_t unit = 100'000'000;
    for (++rest; *rest >= '0' && *rest <= '9'; ++rest, unit /= 10) nanos += (*rest - '0') * unit;
  }
  if (std::string_view(rest) != "Z") throw Malformed{fmt::format("'{}' is not in UTC", name)};
  return std::chrono::system_clock::from_time_t(::timegm(&parts)) + std::chrono::nanoseconds(nanos);
}

template <class Parse>
auto Read(net::HttpClient& http, const std::string& url, const Deadline& deadline, Parse&& parse)
    -> absl::StatusOr<decltype(parse(std::declval<const json&>()))> {
  const auto answer = http.Send({.url = url}, deadline);
  if (!answer.ok()) return answer.status();
  const json body = json::parse(answer->body, nullptr, /*allow_exceptions=*/false);
  if (body.is_object() && body.contains("error")) {
    return absl::InternalError(
        fmt::format("GET {}: RPC error {}", url, Redact(body["error"].dump().substr(0, 300))));
  }
  if (answer->status != 200) {
    return absl::Status(CodeOfHttp(answer->status),
                        fmt::format("GET {}: HTTP {}", url, answer->status));
  }
  try {
    return parse(Field(body, "result"));
  } catch (const Malformed& bad) {
    return absl::DataLossError(fmt::format("GET {}: {}", url, bad.what));
  }
}

const json& List(const json& object, std::string_view name) {
  const json& field = Field(object, name);
  if (!field.is_array()) throw Malformed{fmt::format("'{}' is no list", name)};
  return field;
}

Block ReadBlock(const json& result) {
  const json& block = Field(result, "block");
  const json& header = Field(block, "header");
  return {.height = {Integer(header, "height")},
          .time = Time(header, "time"),
          .hash = Text(Field(result, "block_id"), "hash"),
          .app_hash = Text(header, "app_hash"),
          .proposer = {Text(header, "proposer_address")},
          .evidence = List(Field(block, "evidence"), "evidence").size()};
}

Commit ReadCommit(const json& result) {
  // BLOCK_ID_FLAG_COMMIT: neither absent nor a vote for no block.
  constexpr int kForThisBlock = 2;
  const json& commit = Field(Field(result, "signed_header"), "commit");
  Commit read{.height = {Integer(commit, "height")}};
  for (const json& signature : List(commit, "signatures")) {
    if (Field(signature, "block_id_flag") != kForThisBlock) continue;
    read.signers.push_back({Text(signature, "validator_address")});
  }
  return read;
}

}  // namespace

Rpc::Rpc(net::HttpOptions options, std::string base_url)
    : http_(std::move(options)), base_url_(std::move(base_url)) {}

absl::StatusOr<NodeStatus> Rpc::Status(const Deadline& deadline) {
  return Read(http_, base_url_ + "/status", deadline, [](const json& result) {
    const json& node = Field(result, "node_info");
    const json& sync = Field(result, "sync_info");
    const json& validator = Field(result, "validator_info");
    return NodeStatus{.id = {Text(node, "id")},
                      .network = Text(node, "network"),
                      .latest = {Integer(sync, "latest_block_height")},
                      .latest_time = Time(sync, "latest_block_time"),
                      .catching_up = Flag(sync, "catching_up"),
                      .validator = {Text(validator, "address")},
                      .voting_power = Integer(validator, "voting_power")};
  });
}

absl::StatusOr<std::vector<Peer>> Rpc::Peers(const Deadline& deadline) {
  return Read(http_, base_url_ + "/net_info", deadline, [](const json& result) {
    std::vector<Peer> peers;
    for (const json& peer : List(result, "peers")) {
      peers.push_back({.id = {Text(Field(peer, "node_info"), "id")},
                       .remote_ip = Text(peer, "remote_ip"),
                       .outbound = Flag(peer, "is_outbound")});
    }
    return peers;
  });
}

absl::StatusOr<Block> Rpc::BlockAt(Height height, const Deadline& deadline) {
  return Read(http_, fmt::format("{}/block?height={}", base_url_, height.value), deadline,
              ReadBlock);
}

absl::StatusOr<Commit> Rpc::CommitAt(Height height, const Deadline& deadline) {
  return Read(http_, fmt::format("{}/commit?height={}", base_url_, height.value), deadline,
              ReadCommit);
}

absl::StatusOr<std::vector<Validator>> Rpc::ValidatorsAt(Height height, const Deadline& deadline) {
  constexpr int kPageSize = 100;
  std::vector<Validator> validators;
  for (int page = 1;; ++page) {
    const std::string url = fmt::format("{}/validators?height={}&page={}&per_page={}", base_url_,
                                        height.value, page, kPageSize);
    std::int64_t total = 0;
    RETURN_IF_ERROR(Read(http_, url, deadline, [&](const json& result) {
                      total = Integer(result, "total");
                      const json& list = List(result, "validators");
                      if (list.empty()) throw Malformed{"no validators"};
                      for (const json& v : list) {
                        validators.push_back({.address = {Text(v, "address")},
                                              .public_key = Text(Field(v, "pub_key"), "value"),
                                              .voting_power = Integer(v, "voting_power")});
                      }
                      return 0;
                    }).status());
    if (std::cmp_greater_equal(validators.size(), total)) return validators;
  }
}

absl::StatusOr<std::string> Rpc::GenesisSha256(const Deadline& deadline) {
  std::string genesis;
  std::int64_t chunks = 1;
  for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
    const std::string url = fmt::format("{}/genesis_chunked?chunk={}", base_url_, chunk);
    ASSIGN_OR_RETURN(const std::string data, Read(http_, url, deadline, [&](const json& result) {
                       chunks = Integer(result, "total");
                       return Text(result, "data");
                     }));
    ASSIGN_OR_RETURN(const std::string bytes, net::Base64Decode(data));
    genesis += bytes;
  }
  return net::Sha256Hex(genesis);
}

}  // namespace pawk8s::chain
