// Accounts that sign, each lent to one borrower at a time, so that nobody else uses its sequence.
//
//   ASSIGN_OR_RETURN(Accounts::Loan loan, accounts.Borrow(deadline));
//   ... sign with loan.key(), loan.number(), loan.sequence() and broadcast ...
//   loan.Accepted();          // or loan.Expect(n); nothing if it was refused for another reason
//
// Sequences count what one node's mempool has accepted, so all transactions of an account belong
// through the same node.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>

#include "absl/status/statusor.h"
#include "pawk8s/base/deadline.h"
#include "pawk8s/chain/key.h"
#include "pawk8s/chain/rpc.h"

namespace pawk8s::chain {

// Thread-safe. Outlives its loans.
class Accounts {
 private:
  struct Account {
    Key key;
    AccountInfo info;
  };

 public:
  // Gives the account back when it goes.
  class Loan {
   public:
    Loan(Loan&&) = default;
    Loan& operator=(Loan&&) = delete;
    ~Loan();

    [[nodiscard]] const Key& key() const { return account_->key; }
    [[nodiscard]] std::uint64_t number() const { return account_->info.number; }
    [[nodiscard]] std::uint64_t sequence() const { return account_->info.sequence; }
    // The transaction with this sequence is in the mempool.
    void Accepted() { ++account_->info.sequence; }
    // The chain awaits another sequence than ours.
    void Expect(std::uint64_t sequence) { account_->info.sequence = sequence; }

   private:
    friend class Accounts;
    Loan(Accounts& owner, std::unique_ptr<Account> account)
        : owner_(&owner), account_(std::move(account)) {}
    Accounts* owner_;
    std::unique_ptr<Account> account_;
  };

  // `info` as Rpc::Account() says.
  void Add(Key key, AccountInfo info);

  // The account that has rested longest; waits for one to be given back. FailedPrecondition when
  // there is none at all.
  [[nodiscard]] absl::StatusOr<Loan> Borrow(const Deadline& deadline);

 private:
  void Return(std::unique_ptr<Account> account);

  std::mutex mutex_;
  std::condition_variable_any returned_;
  std::deque<std::unique_ptr<Account>> idle_;
  std::size_t size_ = 0;
};

// "account sequence mismatch, expected 12, got 10: ...": the 12, if `result` is this refusal.
[[nodiscard]] std::optional<std::uint64_t> ExpectedSequence(const TxResult& result);

}  // namespace pawk8s::chain
