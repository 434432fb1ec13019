#include "pawk8s/chain/rpc.h"

#include <fmt/format.h>

#include <string_view>
#include <utility>

#include "cosmos/auth/v1beta1/query.pb.h"
#include "pawk8s/base/status.h"
#include "pawk8s/chain/hex.h"
#include "pawk8s/chain/internal/tx_json.h"
#include "pawk8s/net/digest.h"

namespace pawk8s::chain {
namespace {

using namespace internal;  // the readers of this layer

std::chrono::system_clock::time_point Instant(const json& object, std::string_view name) {
  constexpr std::int64_t kLastSecond = 9'223'372'035;  // of what system_clock can hold
  const Timestamp time = Time(object, name);
  if (time.seconds < 0 || time.seconds > kLastSecond) {
    throw Malformed{fmt::format("'{}' is out of range", name)};
  }
  return std::chrono::system_clock::time_point(std::chrono::seconds(time.seconds) +
                                               std::chrono::nanoseconds(time.nanos));
}

// The whole answer, whatever its status: a node reports RPC errors with 500.
absl::StatusOr<net::HttpResponse> Send(net::HttpClient& http, const net::HttpRequest& request,
                                       const Deadline& deadline) {
  ASSIGN_OR_RETURN(net::HttpResponse answer, http.Send(request, deadline));
  const bool is_rpc_error =
      answer.status == 500 && answer.body.find("\"error\"") != std::string::npos;
  if (answer.status != 200 && !is_rpc_error) {
    return absl::Status(CodeOfHttp(answer.status),
                        fmt::format("{} {}: HTTP {}", request.method, request.url, answer.status));
  }
  return answer;
}

template <class Parse>
auto Read(net::HttpClient& http, const net::HttpRequest& request, const Deadline& deadline,
          Parse&& parse) -> absl::StatusOr<decltype(parse(std::declval<const json&>()))> {
  ASSIGN_OR_RETURN(const net::HttpResponse answer, Send(http, request, deadline));
  auto read = ReadResult(answer.body, std::forward<Parse>(parse));
  if (!read.ok()) return Annotate(read.status(), request.method + " " + request.url);
  return read;
}

Block ReadBlock(const json& result) {
  const json& block = Field(result, "block");
  const json& header = Field(block, "header");
  return {.height = {Integer(header, "height")},
          .time = Instant(header, "time"),
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
  return Read(http_, {.url = base_url_ + "/status"}, deadline, [](const json& result) {
    const json& node = Field(result, "node_info");
    const json& sync = Field(result, "sync_info");
    const json& validator = Field(result, "validator_info");
    return NodeStatus{.id = {Text(node, "id")},
                      .network = Text(node, "network"),
                      .latest = {Integer(sync, "latest_block_height")},
                      .latest_time = Instant(sync, "latest_block_time"),
                      .catching_up = Flag(sync, "catching_up"),
                      .validator = {Text(validator, "address")},
                      .voting_power = Integer(validator, "voting_power")};
  });
}

absl::StatusOr<std::vector<Peer>> Rpc::Peers(const Deadline& deadline) {
  return Read(http_, {.url = base_url_ + "/net_info"}, deadline, [](const json& result) {
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
  return Read(http_, {.url = fmt::format("{}/block?height={}", base_url_, height.value)}, deadline,
              ReadBlock);
}

absl::StatusOr<Commit> Rpc::CommitAt(Height height, const Deadline& deadline) {
  return Read(http_, {.url = fmt::format("{}/commit?height={}", base_url_, height.value)}, deadline,
              ReadCommit);
}

absl::StatusOr<std::vector<Validator>> Rpc::ValidatorsAt(Height height, const Deadline& deadline) {
  constexpr int kPageSize = 100;
  std::vector<Validator> validators;
  for (int page = 1;; ++page) {
    const std::string url = fmt::format("{}/validators?height={}&page={}&per_page={}", base_url_,
                                        height.value, page, kPageSize);
    std::int64_t total = 0;
    RETURN_IF_ERROR(Read(http_, {.url = url}, deadline, [&](const json& result) {
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
    ASSIGN_OR_RETURN(const std::string data,
                     Read(http_, {.url = url}, deadline, [&](const json& result) {
                       chunks = Integer(result, "total");
                       return Text(result, "data");
                     }));
    ASSIGN_OR_RETURN(const std::string bytes, net::Base64Decode(data));
    genesis += bytes;
  }
  return net::Sha256Hex(genesis);
}

absl::StatusOr<std::string> Rpc::Get(const std::string& path, const Deadline& deadline) {
  ASSIGN_OR_RETURN(net::HttpResponse answer, Send(http_, {.url = base_url_ + path}, deadline));
  return std::move(answer.body);
}

absl::StatusOr<SignedHeader> Rpc::SignedHeaderAt(Height height, const Deadline& deadline) {
  const std::string path = fmt::format("/commit?height={}", height.value);
  ASSIGN_OR_RETURN(const std::string answer, Get(path, deadline));
  auto header = ParseSignedHeader(answer);
  if (!header.ok()) return Annotate(header.status(), "GET " + base_url_ + path);
  return header;
}

absl::StatusOr<BlockTxs> Rpc::TxsAt(Height height, const Deadline& deadline) {
  const std::string query = fmt::format("?height={}", height.value);
  ASSIGN_OR_RETURN(const std::string block, Get("/block" + query, deadline));
  ASSIGN_OR_RETURN(const std::string results, Get("/block_results" + query, deadline));
  auto txs = ParseBlockTxs(block, results);
  if (!txs.ok()) return Annotate(txs.status(), "transactions of block " + query);
  return txs;
}

absl::StatusOr<TxResult> Rpc::Broadcast(std::string_view tx_bytes, const Deadline& deadline) {
  const json call = {{"jsonrpc", "2.0"},
                     {"id", 1},
                     {"method", "broadcast_tx_sync"},
                     {"params", {{"tx", net::Base64Encode(tx_bytes)}}}};
  return Read(http_, {.method = "POST", .url = base_url_ + "/", .body = call.dump()}, deadline,
              ReadCheck);
}

absl::StatusOr<AccountInfo> Rpc::Account(const std::string& address, const Deadline& deadline) {
  constexpr std::uint32_t kKeyNotFound = 22;  // of codespace sdk
  namespace auth = cosmos::auth::v1beta1;
  auth::QueryAccountInfoRequest request;
  request.set_address(address);
  const std::string url = fmt::format("{}/abci_query?path={}&data=0x{}", base_url_,
                                      net::UrlEscape("\"/cosmos.auth.v1beta1.Query/AccountInfo\""),
                                      HexEncode(request.SerializeAsString()));
  ASSIGN_OR_RETURN(const auto answer, Read(http_, {.url = url}, deadline, [](const json& result) {
                     const json& response = Field(result, "response");
                     TxResult read = ReadCheck(response);
                     if (read.ok()) read.data = Base64(response, "value");
                     return read;
                   }));
  if (!answer.ok()) {
    const auto code =
        answer.code == kKeyNotFound ? absl::StatusCode::kNotFound : absl::StatusCode::kInternal;
    return absl::Status(code, fmt::format("account {}: {}", address, answer.log));
  }
  auth::QueryAccountInfoResponse response;
  if (!response.ParseFromString(answer.data)) {
    return absl::DataLossError(fmt::format("account {}: no account in the answer", address));
  }
  return AccountInfo{.number = response.info().account_number(),
                     .sequence = response.info().sequence()};
}

}  // namespace pawk8s::chain
