// Signs and offers transactions of lent accounts, and enters each into the ledger that follows it.
//
//   Broadcaster broadcaster({.chain_id = "paw-testbed-1"}, nodes, accounts, ledger);
//   ASSIGN_OR_RETURN(const Broadcaster::Offer offer, broadcaster.Send(Tx().Add(send)...,
//   deadline)); ASSIGN_OR_RETURN(const TxFate fate, ledger.Await(offer.hash, deadline));
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/chain/accounts.h"
#include "pawk8s/chain/block_stream.h"
#include "pawk8s/chain/tx.h"
#include "pawk8s/chain/tx_ledger.h"

namespace pawk8s::chain {

// Not thread-safe: one a thread, over shared accounts and ledger.
class Broadcaster {
 public:
  struct Options {
    std::string chain_id;
    // How many blocks a transaction has to get into one.
    std::int64_t lifetime = 20;
  };
  // The first node is used as long as it answers, then the next: see accounts.h.
  Broadcaster(Options options, std::vector<RpcNode> nodes, Accounts& accounts, TxLedger& ledger);

  struct Offer {
    std::string hash;
    // The node's check; or why there is none. Then only the ledger can tell what became of it.
    absl::StatusOr<TxResult> check;
  };
  // Fills in what depends on who signs: the messages.
  using Compose = std::function<Tx(const Key& signer)>;

  // Signs for the account that has rested longest and offers it once, or twice if its sequence was
  // not what the chain awaits: the first is then rejected. An error means that nothing was offered.
  [[nodiscard]] absl::StatusOr<Offer> Send(const Compose& compose, const Deadline& deadline);

 private:
  struct Answer {
    absl::StatusOr<TxResult> check;
    // Another node, which has not answered, may have accepted it before: a refusal proves nothing.
    bool in_doubt = false;
  };
  [[nodiscard]] Answer Broadcast(const std::string& bytes, const Deadline& deadline);

  Options options_;
  std::vector<Rpc> nodes_;
  std::size_t node_ = 0;
  Accounts* accounts_;
  TxLedger* ledger_;
};

}  // namespace pawk8s::chain
