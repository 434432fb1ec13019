// A node in this process: it checks transactions as the chain's mempool does (their sequence, and
// whether it knows them already), makes a block when it is told to, and has subscribers.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "pawk8s/chain/block_stream.h"

namespace pawk8s::chain {

// Thread-safe.
class FakeNode {
 public:
  FakeNode();
  ~FakeNode();

  [[nodiscard]] RpcNode rpc() const;

  // A block of all that was accepted since the last one.
  void MakeBlock();
  [[nodiscard]] Height height() const;
  // The sequence that it awaits next of whoever signs; all are 0 at first.
  void SetSequence(std::uint64_t sequence);
  // Loses what waits for a block.
  void EmptyMempool();
  // Ends the subscribers' connections.
  void DropSubscribers();
  // Blocks come, subscribers hear nothing of them.
  void Mute(bool muted);
  // Connections are accepted and closed at once.
  void Refuse(bool refusing);
  // The next so many offers are accepted without an answer.
  void LoseAnswers(int count);
  [[nodiscard]] int offers() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawk8s::chain
