// What the tests against a running chain share.
#pragma once

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>
#include <source_location>
#include <stdexcept>
#include <string>
#include <utility>

#include "chain/live/live_chain.h"
#include "cosmos/bank/v1beta1/tx.pb.h"
#include "pawk8s/base/status.h"
#include "pawk8s/chain/tx_response.h"

namespace pawk8s::chain {

// The value, or the end of the test.
template <class T>
T Must(absl::StatusOr<T> result, std::source_location at = std::source_location::current()) {
  if (!result.ok()) {
    throw std::runtime_error(
        fmt::format("{}:{}: {}", at.file_name(), at.line(), result.status().ToString()));
  }
  return *std::move(result);
}
inline void Must(const absl::Status& status,
                 std::source_location at = std::source_location::current()) {
  if (!status.ok()) {
    throw std::runtime_error(
        fmt::format("{}:{}: {}", at.file_name(), at.line(), status.ToString()));
  }
}

// A transfer of upaw.
inline cosmos::bank::v1beta1::MsgSend Transfer(const std::string& from, const std::string& to,
                                               std::uint64_t amount) {
  cosmos::bank::v1beta1::MsgSend send;
  send.set_from_address(from);
  send.set_to_address(to);
  auto* coin = send.add_amount();
  coin->set_denom(kFeeDenom);
  coin->set_amount(std::to_string(amount));
  return send;
}

// In a block, and executed.
MATCHER(Succeeded, "is in a block and succeeded") {
  *result_listener << "kind " << static_cast<int>(arg.kind) << ", " << arg.result.codespace << "/"
                   << arg.result.code << " " << arg.result.log;
  return arg.kind == TxFate::Kind::kCommitted && arg.result.ok();
}

// In a block, where its execution failed so.
MATCHER_P(FailedWith, error,
          fmt::format("is in a block and failed with {}/{}", error.codespace, error.code)) {
  *result_listener << "kind " << static_cast<int>(arg.kind) << ", " << arg.result.codespace << "/"
                   << arg.result.code << " " << arg.result.log;
  return arg.kind == TxFate::Kind::kCommitted && arg.result.Is(error);
}

// Refused before any block.
MATCHER_P(RejectedWith, error, fmt::format("is rejected with {}/{}", error.codespace, error.code)) {
  *result_listener << "kind " << static_cast<int>(arg.kind) << ", " << arg.result.codespace << "/"
                   << arg.result.code << " " << arg.result.log;
  return arg.kind == TxFate::Kind::kRejected && arg.result.Is(error);
}

// An event with this value of an attribute.
MATCHER_P2(Says, attribute, value, fmt::format("says {}={}", attribute, value)) {
  const std::string* found = arg.Find(attribute);
  *result_listener << "which says " << (found == nullptr ? "nothing" : *found);
  return found != nullptr && *found == value;
}

class LiveTest : public testing::Test {
 protected:
  void SetUp() override { chain_ = Must(LiveChain::Connect()); }

  // Every transaction has come to an end that is known.
  void TearDown() override {
    if (chain_ == nullptr) return;
    const TxTally tally = chain_->tally();
    EXPECT_EQ(tally.unknown, 0u);
    EXPECT_EQ(tally.expired, 0u);
    EXPECT_EQ(tally.contradicted, 0u);
    EXPECT_EQ(tally.sent, tally.committed + tally.rejected);
  }

  [[nodiscard]] LiveChain& chain() { return *chain_; }

  // The event of that type, or the end of the test.
  static const Event& EventOf(const TxFate& fate, const std::string& type) {
    const Event* event = fate.result.Find(type);
    if (event == nullptr) throw std::runtime_error("no event " + type);
    return *event;
  }

  [[nodiscard]] Amount Balance(const Key& key, const std::string& denom, Height height) {
    return Must(chain().BalanceAt(key.Address(), denom, height));
  }
  // How much the block of `fate` has changed it.
  [[nodiscard]] Amount Gain(const Key& key, const std::string& denom, const TxFate& fate) {
    return Balance(key, denom, fate.height) - Balance(key, denom, Before(fate));
  }

  // The state that the transaction found.
  static Height Before(const TxFate& fate) { return fate.height + -1; }

  // Unix seconds of the chain's clock, `seconds` from now.
  [[nodiscard]] std::int64_t InSeconds(std::int64_t seconds) {
    const NodeStatus status = Must(chain().rpc().Status(Deadline::After(kPatience)));
    return std::chrono::duration_cast<std::chrono::seconds>(status.latest_time.time_since_epoch())
               .count() +
           seconds;
  }

  // A new account with `amount` upaw of account 1.
  [[nodiscard]] Key NewAccount(std::uint64_t amount) {
    Key key = Key::Generate();
    const TxFate fate = Must(chain().Send(
        chain().account(1), Paying(Transfer(chain().account(1).Address(), key.Address(), amount))));
    EXPECT_THAT(fate, Succeeded());
    return key;
  }

 private:
  std::unique_ptr<LiveChain> chain_;
};

}  // namespace pawk8s::chain
