#include "pawk8s/chain/broadcaster.h"

#include <optional>
#include <utility>

#include "pawk8s/base/status.h"

namespace pawk8s::chain {

Broadcaster::Broadcaster(Options options, std::vector<RpcNode> nodes, Accounts& accounts,
                         TxLedger& ledger)
    : options_(std::move(options)), accounts_(&accounts), ledger_(&ledger) {
  for (RpcNode& node : nodes)
    nodes_.emplace_back(std::move(node.options), "http://" + node.address);
}

Broadcaster::Answer Broadcaster::Broadcast(const std::string& bytes, const Deadline& deadline) {
  Answer answer{.check = absl::FailedPreconditionError("no node to broadcast to")};
  for (std::size_t tried = 0; tried < nodes_.size(); ++tried) {
    answer.check = nodes_[node_].Broadcast(bytes, deadline);
    // The same bytes to another node: whoever has them already, they count once.
    if (!absl::IsUnavailable(answer.check.status())) return answer;
    answer.in_doubt = true;
    node_ = (node_ + 1) % nodes_.size();
  }
  return answer;
}

absl::StatusOr<Broadcaster::Offer> Broadcaster::Send(const Compose& compose,
                                                     const Deadline& deadline) {
  ASSIGN_OR_RETURN(Accounts::Loan loan, accounts_->Borrow(deadline));
  Tx tx = compose(loan.key());
  for (bool may_repeat = true;; may_repeat = false) {
    const SignedTx signed_tx = tx.ExpiresAfter(ledger_->seen() + options_.lifetime)
                                   .Sign(loan.key(), {.chain_id = options_.chain_id,
                                                      .account_number = loan.number(),
                                                      .sequence = loan.sequence()});
    RETURN_IF_ERROR(ledger_->Sent(signed_tx));
    const auto [check, in_doubt] = Broadcast(signed_tx.bytes, deadline);
    // Without a check the sequence may or may not be used: the next refusal tells.
    if (!check.ok()) return Offer{signed_tx.hash, check};
    if (check->ok()) {
      loan.Accepted();
      return Offer{signed_tx.hash, check};
    }
    const std::optional<std::uint64_t> expected = ExpectedSequence(*check);
    if (expected) loan.Expect(*expected);
    if (in_doubt) {
      return Offer{signed_tx.hash,
                   absl::UnavailableError("refused, but perhaps only as a copy: " + check->log)};
    }
    RETURN_IF_ERROR(ledger_->Rejected(signed_tx.hash, *check));
    if (!expected || !may_repeat) return Offer{signed_tx.hash, check};
  }
}

}  // namespace pawk8s::chain
