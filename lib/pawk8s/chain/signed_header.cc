#include "pawk8s/chain/signed_header.h"

#include "pawk8s/chain/internal/json_fields.h"

namespace pawk8s::chain {
namespace {

using namespace internal;  // the readers of this layer

BlockId ReadBlockId(const json& id) {
  const json& parts = Field(id, "parts");
  return {.hash = Hex(id, "hash"),
          .parts = SmallInteger<std::uint32_t>(parts, "total"),
          .parts_hash = Hex(parts, "hash")};
}

Header ReadHeader(const json& header) {
  const json& version = Field(header, "version");
  return {.block_version = Integer<std::uint64_t>(version, "block"),
          // Left out when it is 0.
          .app_version = version.contains("app") ? Integer<std::uint64_t>(version, "app") : 0,
          .chain_id = Text(header, "chain_id"),
          .height = {Integer(header, "height")},
          .time = Time(header, "time"),
          .last_block_id = ReadBlockId(Field(header, "last_block_id")),
          .last_commit_hash = Hex(header, "last_commit_hash"),
          .data_hash = Hex(header, "data_hash"),
          .validators_hash = Hex(header, "validators_hash"),
          .next_validators_hash = Hex(header, "next_validators_hash"),
          .consensus_hash = Hex(header, "consensus_hash"),
          .app_hash = Hex(header, "app_hash"),
          .last_results_hash = Hex(header, "last_results_hash"),
          .evidence_hash = Hex(header, "evidence_hash"),
          .proposer_address = Hex(header, "proposer_address")};
}

Precommit ReadPrecommit(const json& vote) {
  const int flag = SmallInteger<int>(vote, "block_id_flag");
  if (flag < 1 || flag > 3) throw Malformed{"unknown block_id_flag"};
  return {.vote = static_cast<Precommit::Vote>(flag),
          .validator_address = Hex(vote, "validator_address"),
          .time = Time(vote, "timestamp"),
          .signature = Base64(vote, "signature")};
}

}  // namespace

absl::StatusOr<SignedHeader> ParseSignedHeader(std::string_view answer) {
  return ReadResult(answer, [](const json& result) {
    const json& signed_header = Field(result, "signed_header");
    const json& commit = Field(signed_header, "commit");
    SignedHeader read{.header = ReadHeader(Field(signed_header, "header")),
                      .commit_height = {Integer(commit, "height")},
                      .round = SmallInteger<std::int32_t>(commit, "round"),
                      .block_id = ReadBlockId(Field(commit, "block_id"))};
    for (const json& vote : List(commit, "signatures")) {
      read.precommits.push_back(ReadPrecommit(vote));
    }
    return read;
  });
}

}  // namespace pawk8s::chain
