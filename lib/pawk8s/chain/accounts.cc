#include "pawk8s/chain/accounts.h"

#include <charconv>
#include <string_view>
#include <utility>

namespace pawk8s::chain {

Accounts::Loan::~Loan() {
  if (account_ != nullptr) owner_->Return(std::move(account_));
}

void Accounts::Add(Key key, AccountInfo info) {
  auto account = std::make_unique<Account>(Account{.key = std::move(key), .info = info});
  {
    const std::lock_guard lock(mutex_);
    ++size_;
  }
  Return(std::move(account));
}

void Accounts::Return(std::unique_ptr<Account> account) {
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(account));
  returned_.notify_one();
}

absl::StatusOr<Accounts::Loan> Accounts::Borrow(const Deadline& deadline) {
  std::unique_lock lock(mutex_);
  if (size_ == 0) return absl::FailedPreconditionError("there are no accounts to sign with");
  const bool lent_one = returned_.wait_until(lock, deadline.stop(), deadline.when(),
                                             [this] { return !idle_.empty(); });
  if (!lent_one) return deadline.Check("waiting for an idle account");
  Loan loan(*this, std::move(idle_.front()));
  idle_.pop_front();
  return loan;
}

std::optional<std::uint64_t> ExpectedSequence(const TxResult& result) {
  constexpr std::string_view kBefore = "expected ";
  if (!result.Is(kWrongSequence)) return std::nullopt;
  const std::size_t at = result.log.find(kBefore);
  if (at == std::string::npos) return std::nullopt;
  std::uint64_t sequence = 0;
  const char* begin = result.log.data() + at + kBefore.size();
  const auto [end, error] = std::from_chars(begin, result.log.data() + result.log.size(), sequence);
  if (error != std::errc() || end == begin) return std::nullopt;
  return sequence;
}

}  // namespace pawk8s::chain
