// What validators have signed, verified here: a header is a fact of the chain when more than two
// thirds of the power of its validator set have signed it, whoever has passed it on.
//
//   ASSIGN_OR_RETURN(const auto set, ValidatorSet::Make(validators));   // Rpc::ValidatorsAt()
//   RETURN_IF_ERROR(VerifyCommit("paw-testbed-1", set, signed_header).status());
//
// Whatever the signatures do not prove is Unauthenticated, with the reason.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"
#include "pawk8s/chain/rpc.h"
#include "pawk8s/chain/signed_header.h"

namespace pawk8s::chain {

class ValidatorSet {
 public:
  // In the order of the chain, which its hash depends on. InvalidArgument for keys that are no
  // Ed25519 keys, an address that is not its key's, somebody twice, or powers that are not positive
  // or too many.
  static absl::StatusOr<ValidatorSet> Make(const std::vector<Validator>& validators);

  // As headers carry it in validators_hash.
  [[nodiscard]] const std::string& hash() const { return hash_; }
  [[nodiscard]] std::int64_t total_power() const { return total_power_; }

  struct Member {
    std::string address;
    std::array<unsigned char, 32> public_key{};
    std::int64_t power = 0;
  };
  [[nodiscard]] const std::vector<Member>& members() const { return members_; }

 private:
  std::vector<Member> members_;
  std::int64_t total_power_ = 0;
  std::string hash_;
};

// What CometBFT calls the block hash: over all fields of the header.
[[nodiscard]] std::string HashOf(const Header& header);

// The bytes that the validator behind vote number `index` has signed.
[[nodiscard]] std::string VoteSignBytes(std::string_view chain_id, const SignedHeader& header,
                                        std::size_t index);

// The power that signed for the block, more than two thirds of all. Every signature in the commit
// is verified, those for no block too: one false vote makes it none of CometBFT's.
[[nodiscard]] absl::StatusOr<std::int64_t> VerifyCommit(std::string_view chain_id,
                                                        const ValidatorSet& set,
                                                        const SignedHeader& header);

// Successive headers, each bound to the one before.
class HeaderChain {
 public:
  // Begins with a header whose validators are trusted, from an earlier chain or the genesis.
  static absl::StatusOr<HeaderChain> Begin(std::string chain_id, const SignedHeader& first,
                                           const ValidatorSet& trusted);

  // The header after the last: it names that as its parent, and its validators are those whom that
  // one has announced.
  [[nodiscard]] absl::Status Append(const SignedHeader& next, const ValidatorSet& set);

  [[nodiscard]] const SignedHeader& last() const { return last_; }

 private:
  HeaderChain(std::string chain_id, SignedHeader first)
      : chain_id_(std::move(chain_id)), last_(std::move(first)) {}

  std::string chain_id_;
  SignedHeader last_;
};

}  // namespace pawk8s::chain
