// CometBFT's RPC: what one node says of itself and of the chain. One attempt a call.
//
//   chain::Rpc rpc({.dial = kube::DialPod(client, "paw", "paw-validator-0", 26657)});
//   ASSIGN_OR_RETURN(const chain::NodeStatus status, rpc.Status(deadline));
//
// Everything here is one node's word; what validators have signed is verified in verification.h.
// Errors are those of net::HttpClient, plus DataLoss when an answer is not what CometBFT 0.38
// sends and Internal when the node answers with an RPC error.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/chain/block_txs.h"
#include "pawk8s/chain/height.h"
#include "pawk8s/chain/signed_header.h"
#include "pawk8s/chain/tx_result.h"
#include "pawk8s/net/http.h"

namespace pawk8s::chain {

// 20 bytes in lower-case hex: the address of a node's P2P key.
struct NodeId {
  std::string hex;
  friend auto operator<=>(const NodeId&, const NodeId&) = default;
};

// 20 bytes in upper-case hex: the address of a consensus key.
struct ValidatorAddress {
  std::string hex;
  friend auto operator<=>(const ValidatorAddress&, const ValidatorAddress&) = default;
};

struct NodeStatus {
  NodeId id;
  std::string network;  // the chain id
  Height latest;
  std::chrono::system_clock::time_point latest_time;
  bool catching_up = false;
  ValidatorAddress validator;
  std::int64_t voting_power = 0;
};

struct Peer {
  NodeId id;
  std::string remote_ip;
  bool outbound = false;
  friend bool operator==(const Peer&, const Peer&) = default;
};

struct Block {
  Height height;
  std::chrono::system_clock::time_point time;
  std::string hash;      // upper-case hex
  std::string app_hash;  // after the block before this one
  ValidatorAddress proposer;
  std::size_t evidence = 0;  // pieces of evidence of misbehaviour in it
};

// Who signed the block of a height.
struct Commit {
  Height height;
  std::vector<ValidatorAddress> signers;  // whose precommit for this block is in it
};

struct Validator {
  ValidatorAddress address;
  std::string public_key;  // base64 of the Ed25519 key
  std::int64_t voting_power = 0;
};

struct AccountInfo {
  std::uint64_t number = 0;
  std::uint64_t sequence = 0;
};

// Not thread-safe: one a thread.
class Rpc {
 public:
  // `options.dial` decides which node is asked; `base_url` is used as it is without one.
  explicit Rpc(net::HttpOptions options, std::string base_url = "http://node");

  [[nodiscard]] absl::StatusOr<NodeStatus> Status(const Deadline& deadline);
  [[nodiscard]] absl::StatusOr<std::vector<Peer>> Peers(const Deadline& deadline);
  [[nodiscard]] absl::StatusOr<Block> BlockAt(Height height, const Deadline& deadline);
  // As the next block has it; as this node has seen it, and then perhaps of fewer, for the latest.
  [[nodiscard]] absl::StatusOr<Commit> CommitAt(Height height, const Deadline& deadline);
  // All pages of the set that votes on `height`.
  [[nodiscard]] absl::StatusOr<std::vector<Validator>> ValidatorsAt(Height height,
                                                                    const Deadline& deadline);
  // The SHA-256 (lower-case hex) of the genesis as the node serves it in chunks: the same on every
  // node of a chain, but not that of the file, which CometBFT writes anew.
  [[nodiscard]] absl::StatusOr<std::string> GenesisSha256(const Deadline& deadline);

  // The header of `height` and who signed it, to be verified; as CommitAt() for the latest.
  [[nodiscard]] absl::StatusOr<SignedHeader> SignedHeaderAt(Height height,
                                                            const Deadline& deadline);
  // The transactions of `height` and what came of them.
  [[nodiscard]] absl::StatusOr<BlockTxs> TxsAt(Height height, const Deadline& deadline);
  // Offers a transaction and returns this node's check of it (CheckTx); accepted is not committed.
  // Internal if the node does not come to a check, as when its mempool is full or knows the
  // transaction already.
  [[nodiscard]] absl::StatusOr<TxResult> Broadcast(std::string_view tx_bytes,
                                                   const Deadline& deadline);
  // NotFound if the address has never received anything.
  [[nodiscard]] absl::StatusOr<AccountInfo> Account(const std::string& address,
                                                    const Deadline& deadline);

 private:
  // The body of an answer to GET `path`.
  [[nodiscard]] absl::StatusOr<std::string> Get(const std::string& path, const Deadline& deadline);

  net::HttpClient http_;
  std::string base_url_;
};

}  // namespace pawk8s::chain
