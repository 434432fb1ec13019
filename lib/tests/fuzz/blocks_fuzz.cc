// What a node may answer: blocks with their transactions, and signed headers, which are verified
// against the set that the input itself would have them signed by.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "pawk8s/chain/block_txs.h"
#include "pawk8s/chain/hex.h"
#include "pawk8s/chain/signed_header.h"
#include "pawk8s/chain/verification.h"
#include "pawk8s/net/digest.h"

namespace {

using namespace pawk8s::chain;

const ValidatorSet& Validators() {
  static const ValidatorSet set = [] {
    std::vector<Validator> validators;
    for (char i = 0; i < 4; ++i) {
      const std::string key(32, static_cast<char>('a' + i));
      validators.push_back({.address = {HexEncode(pawk8s::net::Sha256(key).substr(0, 20))},
                            .public_key = pawk8s::net::Base64Encode(key),
                            .voting_power = 10});
    }
    return ValidatorSet::Make(validators).value();
  }();
  return set;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  int seen = 0;
  if (const auto block = ParseNewBlock(text); block.ok()) {
    seen += 1 + static_cast<int>(block->txs.size() % 8);
  }
  // Block and results, a line each.
  const std::string_view block = text.substr(0, text.find('\n'));
  if (ParseBlockTxs(block, text.substr(block.size())).ok()) seen += 10;
  if (auto header = ParseSignedHeader(text); header.ok()) {
    seen += 20 + static_cast<int>(header->precommits.size() % 8);
    // As far as the signatures: they are what no mutation can make.
    header->header.validators_hash = Validators().hash();
    header->block_id.hash = HashOf(header->header);
    header->commit_height = header->header.height;
    if (VerifyCommit(header->header.chain_id, Validators(), *header).ok()) __builtin_trap();
    for (std::size_t i = 0; i < header->precommits.size(); ++i) {
      seen += VoteSignBytes(header->header.chain_id, *header, i).empty() ? 1 : 0;
    }
  }
  return seen;
}
