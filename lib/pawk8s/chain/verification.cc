#include "pawk8s/chain/verification.h"

#include <fmt/format.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wrappers.pb.h>
#include <sodium.h>

#include <bit>
#include <limits>
#include <set>
#include <span>
#include <utility>

#include "pawk8s/base/status.h"
#include "pawk8s/chain/hex.h"
#include "pawk8s/net/digest.h"
#include "tendermint/types/signed.pb.h"

namespace pawk8s::chain {
namespace {

namespace pb = tendermint::types;

// RFC 6962 over the leaves, as CometBFT has it.
std::string MerkleRoot(std::span<const std::string> leaves) {
  if (leaves.empty()) return net::Sha256("");
  if (leaves.size() == 1) return net::Sha256('\0' + leaves[0]);
  const std::size_t half = std::bit_floor(leaves.size() - 1);
  return net::Sha256('\1' + MerkleRoot(leaves.first(half)) + MerkleRoot(leaves.subspan(half)));
}

// A field of its own is hashed as a protobuf wrapper of it, an empty one as nothing.
std::string Wrapped(const std::string& bytes) {
  google::protobuf::BytesValue value;
  value.set_value(bytes);
  return value.SerializeAsString();
}

void Write(const BlockId& id, pb::BlockID& to) {
  to.set_hash(id.hash);
  pb::PartSetHeader* parts = to.mutable_part_set_header();
  parts->set_total(id.parts);
  parts->set_hash(id.parts_hash);
}

void Write(const Timestamp& time, google::protobuf::Timestamp& to) {
  to.set_seconds(time.seconds);
  to.set_nanos(time.nanos);
}

// The votes of one commit: only their times, and whether they are for the block, differ.
class CanonicalVotes {
 public:
  CanonicalVotes(std::string_view chain_id, const SignedHeader& header) {
    for (pb::CanonicalVote* vote : {&for_block_, &nil_}) {
      vote->set_type(pb::SIGNED_MSG_TYPE_PRECOMMIT);
      vote->set_height(header.commit_height.value);
      vote->set_round(header.round);
      vote->set_chain_id(chain_id.data(), chain_id.size());
    }
    Write(header.block_id, *for_block_.mutable_block_id());
  }

  // With the length in front.
  std::string Bytes(const Precommit& precommit) {
    pb::CanonicalVote& vote = precommit.vote == Precommit::Vote::kForBlock ? for_block_ : nil_;
    Write(precommit.time, *vote.mutable_timestamp());
    const std::size_t size = vote.ByteSizeLong();
    std::array<std::uint8_t, 10> prefix{};
    const std::uint8_t* end = google::protobuf::io::CodedOutputStream::WriteVarint32ToArray(
        static_cast<std::uint32_t>(size), prefix.data());
    const auto prefix_size = static_cast<std::size_t>(end - prefix.data());
    std::string bytes(prefix_size + size, '\0');
    std::copy_n(prefix.data(), prefix_size, bytes.begin());
    vote.SerializeWithCachedSizesToArray(reinterpret_cast<std::uint8_t*>(&bytes[prefix_size]));
    return bytes;
  }

 private:
  pb::CanonicalVote for_block_;
  pb::CanonicalVote nil_;
};

bool Verifies(const ValidatorSet::Member& validator, const std::string& signature,
              const std::string& message) {
  return signature.size() == crypto_sign_BYTES &&
         crypto_sign_verify_detached(reinterpret_cast<const unsigned char*>(signature.data()),
                                     reinterpret_cast<const unsigned char*>(message.data()),
                                     message.size(), validator.public_key.data()) == 0;
}

template <class... Args>
absl::Status NotProved(const Header& header, fmt::format_string<Args...> reason, Args&&... args) {
  return absl::UnauthenticatedError(fmt::format("header {}: {}", header.height.value,
                                                fmt::format(reason, std::forward<Args>(args)...)));
}

}  // namespace

absl::StatusOr<ValidatorSet> ValidatorSet::Make(const std::vector<Validator>& validators) {
  // CometBFT's own limit: sums of powers, and their multiples by three, cannot overflow.
  constexpr std::int64_t kMaxTotalPower = std::numeric_limits<std::int64_t>::max() / 8;
  if (sodium_init() < 0) return absl::InternalError("libsodium does not start");
  ValidatorSet set;
  std::set<std::string> addresses;
  std::vector<std::string> leaves;
  for (const Validator& validator : validators) {
    const auto key = net::Base64Decode(validator.public_key);
    if (!key.ok() || key->size() != 32) {
      return absl::InvalidArgumentError(validator.address.hex + " has no Ed25519 key");
    }
    Member member{.address = net::Sha256(*key).substr(0, 20), .power = validator.voting_power};
    std::copy(key->begin(), key->end(), member.public_key.begin());
    if (HexEncode(member.address) != validator.address.hex) {
      return absl::InvalidArgumentError(validator.address.hex + " is not its key's address");
    }
    if (!addresses.insert(member.address).second) {
      return absl::InvalidArgumentError(validator.address.hex + " is there twice");
    }
    if (member.power <= 0 || member.power > kMaxTotalPower - set.total_power_) {
      return absl::InvalidArgumentError(validator.address.hex + " has an impossible power");
    }
    set.total_power_ += member.power;
    pb::SimpleValidator leaf;
    leaf.mutable_pub_key()->set_ed25519(*key);
    leaf.set_voting_power(member.power);
    leaves.push_back(leaf.SerializeAsString());
    set.members_.push_back(std::move(member));
  }
  if (set.members_.empty()) return absl::InvalidArgumentError("no validators");
  set.hash_ = MerkleRoot(leaves);
  return set;
}

std::string HashOf(const Header& header) {
  pb::Consensus version;
  version.set_block(header.block_version);
  version.set_app(header.app_version);
  google::protobuf::Int64Value height;
  height.set_value(header.height.value);
  google::protobuf::Timestamp time;
  Write(header.time, time);
  pb::BlockID last;
  Write(header.last_block_id, last);
  const std::array<std::string, 14> leaves = {version.SerializeAsString(),
                                              Wrapped(header.chain_id),  // as a string's wrapper
                                              height.SerializeAsString(),
                                              time.SerializeAsString(),
                                              last.SerializeAsString(),
                                              Wrapped(header.last_commit_hash),
                                              Wrapped(header.data_hash),
                                              Wrapped(header.validators_hash),
                                              Wrapped(header.next_validators_hash),
                                              Wrapped(header.consensus_hash),
                                              Wrapped(header.app_hash),
                                              Wrapped(header.last_results_hash),
                                              Wrapped(header.evidence_hash),
                                              Wrapped(header.proposer_address)};
  return MerkleRoot(leaves);
}

std::string VoteSignBytes(std::string_view chain_id, const SignedHeader& header,
                          std::size_t index) {
  return CanonicalVotes(chain_id, header).Bytes(header.precommits.at(index));
}

absl::StatusOr<std::int64_t> VerifyCommit(std::string_view chain_id, const ValidatorSet& set,
                                          const SignedHeader& signed_header) {
  const Header& header = signed_header.header;
  if (header.chain_id != chain_id) {
    return NotProved(header, "it is of the chain '{}', not of '{}'", header.chain_id, chain_id);
  }
  if (signed_header.commit_height != header.height) {
    return NotProved(header, "its commit is of height {}", signed_header.commit_height.value);
  }
  if (HashOf(header) != signed_header.block_id.hash) {
    return NotProved(header, "its hash is not the one that its commit is for");
  }
  if (header.validators_hash != set.hash()) {
    return NotProved(header, "it was made by another validator set");
  }
  if (signed_header.precommits.size() != set.members().size()) {
    return NotProved(header, "{} votes of {} validators", signed_header.precommits.size(),
                     set.members().size());
  }
  CanonicalVotes votes(chain_id, signed_header);
  std::int64_t power = 0;
  for (std::size_t i = 0; i < set.members().size(); ++i) {
    const Precommit& vote = signed_header.precommits[i];
    const ValidatorSet::Member& validator = set.members()[i];
    if (vote.vote == Precommit::Vote::kAbsent) continue;
    if (vote.validator_address != validator.address) {
      return NotProved(header, "vote {} names {}, it is {}'s turn", i,
                       HexEncode(vote.validator_address), HexEncode(validator.address));
    }
    if (!Verifies(validator, vote.signature, votes.Bytes(vote))) {
      return NotProved(header, "the signature of {} is false", HexEncode(validator.address));
    }
    if (vote.vote == Precommit::Vote::kForBlock) power += validator.power;
  }
  if (power * 3 <= set.total_power() * 2) {
    return NotProved(header, "{} of {} have signed, not more than two thirds", power,
                     set.total_power());
  }
  return power;
}

absl::StatusOr<HeaderChain> HeaderChain::Begin(std::string chain_id, const SignedHeader& first,
                                               const ValidatorSet& trusted) {
  RETURN_IF_ERROR(VerifyCommit(chain_id, trusted, first).status());
  return HeaderChain(std::move(chain_id), first);
}

absl::Status HeaderChain::Append(const SignedHeader& next, const ValidatorSet& set) {
  const Header& before = last_.header;
  if (next.header.height != before.height + 1) {
    return NotProved(next.header, "it does not follow {}", before.height.value);
  }
  if (next.header.last_block_id != last_.block_id) {
    return NotProved(next.header, "its parent is another block than the one signed before");
  }
  if (next.header.validators_hash != before.next_validators_hash) {
    return NotProved(next.header, "its validators are not those announced before");
  }
  if (next.header.time <= before.time) {
    return NotProved(next.header, "its time is not after its parent's");
  }
  RETURN_IF_ERROR(VerifyCommit(chain_id_, set, next).status());
  last_ = next;
  return absl::OkStatus();
}

}  // namespace pawk8s::chain
