// What a node says of a transaction: the check before it enters the mempool, or the execution in a
// block.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pawk8s::chain {

struct Event {
  std::string type;
  std::vector<std::pair<std::string, std::string>> attributes;

  // The first attribute of that name, or nullptr.
  [[nodiscard]] const std::string* Find(std::string_view name) const;
};

// Which refusal it was. Codes mean something within their codespace alone.
struct TxError {
  std::string_view codespace;
  std::uint32_t code = 0;
};
inline constexpr TxError kUnauthorized{"sdk", 4};  // also a signature for another chain or account
inline constexpr TxError kInsufficientFunds{"sdk", 5};
inline constexpr TxError kMemoTooLarge{"sdk", 12};
inline constexpr TxError kInsufficientFee{"sdk", 13};
inline constexpr TxError kInvalidRequest{"sdk", 18};
inline constexpr TxError kWrongSequence{"sdk", 32};

struct TxResult {
  std::uint32_t code = 0;  // 0: success
  std::string codespace;   // empty on success
  std::string log;         // for people
  std::string data;        // of the messages: see tx_response.h
  std::int64_t gas_wanted = 0;
  std::int64_t gas_used = 0;
  std::vector<Event> events;

  [[nodiscard]] bool ok() const { return code == 0; }
  [[nodiscard]] bool Is(TxError error) const {
    return code == error.code && codespace == error.codespace;
  }
  // The first event of that type, or nullptr.
  [[nodiscard]] const Event* Find(std::string_view type) const;
};

}  // namespace pawk8s::chain
