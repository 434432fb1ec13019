#include "pawk8s/chain/accounts.h"

#include <gmock/gmock.h>

#include <atomic>
#include <map>
#include <mutex>
#include <thread>
#include <vector>

#include "kube/test_util.h"

namespace pawk8s::chain {
namespace {

TEST(AccountsTest, AreLentInTurnAndOneAtATime) {
  Accounts accounts;
  accounts.Add(Key::Generate(), {.number = 1, .sequence = 5});
  accounts.Add(Key::Generate(), {.number = 2, .sequence = 0});
  {
    ASSERT_OK_AND_ASSIGN(Accounts::Loan first, accounts.Borrow(Soon()));
    EXPECT_EQ(first.number(), 1u);
    EXPECT_EQ(first.sequence(), 5u);
    first.Accepted();
    ASSERT_OK_AND_ASSIGN(const Accounts::Loan second, accounts.Borrow(Soon()));
    EXPECT_EQ(second.number(), 2u);
    EXPECT_THAT(accounts.Borrow(In(Millis{5})),
                Fails(absl::StatusCode::kDeadlineExceeded, testing::HasSubstr("idle account")));
  }
  ASSERT_OK_AND_ASSIGN(Accounts::Loan loan, accounts.Borrow(Soon()));
  EXPECT_EQ(loan.number(), 2u);  // given back first
  ASSERT_OK_AND_ASSIGN(Accounts::Loan other, accounts.Borrow(Soon()));
  EXPECT_EQ(other.sequence(), 6u);
  other.Expect(3);
  EXPECT_EQ(other.sequence(), 3u);
}

TEST(AccountsTest, WithoutAnyNobodyWaits) {
  Accounts accounts;
  EXPECT_THAT(accounts.Borrow(Soon()),
              Fails(absl::StatusCode::kFailedPrecondition, testing::HasSubstr("no accounts")));
}

TEST(AccountsTest, NoSequenceIsUsedTwice) {
  constexpr int kAccounts = 3;
  constexpr int kThreads = 6;
  constexpr int kEach = 500;
  Accounts accounts;
  for (std::uint64_t i = 0; i < kAccounts; ++i) accounts.Add(Key::Generate(), {.number = i});
  std::mutex mutex;
  std::map<std::pair<std::uint64_t, std::uint64_t>, int> used;
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&] {
        for (int i = 0; i < kEach; ++i) {
          ASSERT_OK_AND_ASSIGN(Accounts::Loan loan, accounts.Borrow(Soon()));
          {
            const std::lock_guard lock(mutex);
            ++used[{loan.number(), loan.sequence()}];
          }
          loan.Accepted();
        }
      });
    }
  }
  EXPECT_EQ(used.size(), static_cast<std::size_t>(kThreads * kEach));
}

TEST(ExpectedSequenceTest, IsReadFromTheRefusal) {
  const auto refusal = [](const char* log, std::uint32_t code = 32) {
    return TxResult{.code = code, .codespace = "sdk", .log = log};
  };
  EXPECT_EQ(ExpectedSequence(refusal("account sequence mismatch, expected 12, got 10: incorrect "
                                     "account sequence")),
            12u);
  EXPECT_EQ(ExpectedSequence(refusal("expected 12", 4)), std::nullopt);
  EXPECT_EQ(ExpectedSequence(refusal("expected nothing")), std::nullopt);
  EXPECT_EQ(ExpectedSequence(refusal("")), std::nullopt);
  EXPECT_EQ(ExpectedSequence(refusal("expected 99999999999999999999")), std::nullopt);
}

}  // namespace
}  // namespace pawk8s::chain
