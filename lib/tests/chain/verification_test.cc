#include "pawk8s/chain/verification.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "chain/golden.h"
#include "kube/test_util.h"

namespace pawk8s::chain {
namespace {

using nlohmann::json;
using testing::HasSubstr;

constexpr const char* kChain = "paw-testbed-1";
constexpr auto kNotProved = absl::StatusCode::kUnauthenticated;

SignedHeader HeaderOf(const json& height) {
  return ParseSignedHeader(height["commit"].dump()).value();
}

std::vector<Validator> ValidatorsOf(const json& height) {
  std::vector<Validator> all;
  for (const json& v : height["validators"]["result"]["validators"]) {
    all.push_back({.address = {v["address"]},
                   .public_key = v["pub_key"]["value"],
                   .voting_power = std::stoll(v["voting_power"].get<std::string>())});
  }
  return all;
}

ValidatorSet SetOf(const json& height) { return ValidatorSet::Make(ValidatorsOf(height)).value(); }

std::vector<json> AllHeights() {
  const json golden = Golden("commits.json");
  std::vector<json> all(golden["chain"].begin(), golden["chain"].end());
  all.insert(all.end(), golden["alone"].begin(), golden["alone"].end());
  return all;
}

TEST(VerificationTest, HashesAndSignBytesAreCometBfts) {
  const std::vector<json> all = AllHeights();
  ASSERT_EQ(all.size(), 7u);
  for (const json& height : all) {
    const SignedHeader header = HeaderOf(height);
    EXPECT_EQ(HexEncode(HashOf(header.header)), height["hash"]) << height["name"];
    EXPECT_EQ(HexEncode(SetOf(height).hash()), HexEncode(header.header.validators_hash))
        << height["name"];
    for (std::size_t i = 0; i < header.precommits.size(); ++i) {
      if (header.precommits[i].vote == Precommit::Vote::kAbsent) continue;
      EXPECT_EQ(VoteSignBytes(kChain, header, i), FromHex(height["sign_bytes"][i]))
          << height["name"] << ", vote " << i;
    }
  }
}

TEST(VerificationTest, AgreesWithCometBft) {
  int refused = 0;
  for (const json& height : AllHeights()) {
    const auto power = VerifyCommit(kChain, SetOf(height), HeaderOf(height));
    if (height["power"] != 0) {
      ASSERT_OK_AND_ASSIGN(const std::int64_t signed_power, power);
      EXPECT_EQ(signed_power, height["power"]) << height["name"];
    } else {
      EXPECT_THAT(power, Fails(kNotProved, HasSubstr("not more than two thirds")));
      ++refused;
    }
  }
  EXPECT_EQ(refused, 3);  // exactly two thirds; nil; heads instead of power
}

TEST(VerificationTest, FollowsTheChain) {
  const json chain = Golden("commits.json")["chain"];
  ASSERT_OK_AND_ASSIGN(HeaderChain headers,
                       HeaderChain::Begin(kChain, HeaderOf(chain[0]), SetOf(chain[0])));
  EXPECT_THAT(headers.Append(HeaderOf(chain[2]), SetOf(chain[2])),
              Fails(kNotProved, HasSubstr("does not follow 1")));
  EXPECT_THAT(headers.Append(HeaderOf(chain[1]), SetOf(chain[1])), IsOk());
  EXPECT_THAT(headers.Append(HeaderOf(chain[2]), SetOf(chain[2])), IsOk());
  EXPECT_EQ(headers.last().header.height, Height{3});
}

// A chain of lies that are each well signed: only the bond between headers tells.
TEST(VerificationTest, AForkIsNoContinuation) {
  const json golden = Golden("commits.json");
  ASSERT_OK_AND_ASSIGN(HeaderChain headers, HeaderChain::Begin(kChain, HeaderOf(golden["chain"][0]),
                                                               SetOf(golden["chain"][0])));
  SignedHeader parent = HeaderOf(golden["chain"][1]);
  parent.header.last_block_id.parts_hash[0] ^= 1;
  EXPECT_THAT(headers.Append(parent, SetOf(golden["chain"][1])),
              Fails(kNotProved, HasSubstr("its parent is another block")));
  SignedHeader usurped = HeaderOf(golden["chain"][1]);
  usurped.header.validators_hash[0] ^= 1;
  EXPECT_THAT(headers.Append(usurped, SetOf(golden["chain"][1])),
              Fails(kNotProved, HasSubstr("not those announced")));
  SignedHeader early = HeaderOf(golden["chain"][1]);
  early.header.time = headers.last().header.time;
  EXPECT_THAT(headers.Append(early, SetOf(golden["chain"][1])),
              Fails(kNotProved, HasSubstr("time is not after")));
}

struct Damage {
  const char* what;
  std::function<void(SignedHeader&, std::vector<Validator>&)> apply;
  const char* reason;
};

TEST(VerificationTest, EveryDamageIsRefused) {
  const json height = Golden("commits.json")["chain"][1];  // votes 0, 2 and 3 of four equal ones
  const std::vector<Damage> damages = {
      {"changed power", [](SignedHeader&, auto& set) { set[0].voting_power = 11; },
       "another validator set"},
      {"a validator less", [](SignedHeader&, auto& set) { set.pop_back(); },
       "another validator set"},
      {"swapped validators", [](SignedHeader&, auto& set) { std::swap(set[0], set[2]); },
       "another validator set"},
      {"swapped votes", [](SignedHeader& h, auto&) { std::swap(h.precommits[0], h.precommits[2]); },
       "turn"},
      {"a vote twice", [](SignedHeader& h, auto&) { h.precommits[1] = h.precommits[0]; }, "turn"},
      {"votes missing", [](SignedHeader& h, auto&) { h.precommits.pop_back(); },
       "3 votes of 4 validators"},
      {"a signature missing", [](SignedHeader& h, auto&) { h.precommits[0].signature.clear(); },
       "is false"},
      {"one more absent",
       [](SignedHeader& h, auto&) { h.precommits[0].vote = Precommit::Vote::kAbsent; },
       "20 of 40 have signed"},
      {"absent called present",
       [](SignedHeader& h, auto&) {
         h.precommits[1] = h.precommits[0];
         h.precommits[1].validator_address = std::string(20, 'x');
       },
       "turn"},
      {"for the block called nil",
       [](SignedHeader& h, auto&) { h.precommits[0].vote = Precommit::Vote::kNil; }, "is false"},
      {"another time", [](SignedHeader& h, auto&) { ++h.precommits[0].time.nanos; }, "is false"},
      {"another round", [](SignedHeader& h, auto&) { h.round = 2; }, "is false"},
      {"another height", [](SignedHeader& h, auto&) { ++h.commit_height.value; },
       "its commit is of height"},
      {"other parts", [](SignedHeader& h, auto&) { h.block_id.parts = 3; }, "is false"},
      {"another block", [](SignedHeader& h, auto&) { h.block_id.hash[0] ^= 1; }, "its hash is not"},
  };
  for (const Damage& damage : damages) {
    SignedHeader header = HeaderOf(height);
    std::vector<Validator> validators = ValidatorsOf(height);
    damage.apply(header, validators);
    ASSERT_OK_AND_ASSIGN(const ValidatorSet set, ValidatorSet::Make(validators));
    EXPECT_THAT(VerifyCommit(kChain, set, header), Fails(kNotProved, HasSubstr(damage.reason)))
        << damage.what;
  }
}

TEST(VerificationTest, EveryFieldOfTheHeaderCounts) {
  const json height = Golden("commits.json")["chain"][1];
  const std::vector<std::function<void(Header&)>> changes = {
      [](Header& h) { ++h.block_version; },
      [](Header& h) { ++h.app_version; },
      [](Header& h) { ++h.time.nanos; },
      [](Header& h) { h.last_block_id.hash[0] ^= 1; },
      [](Header& h) { ++h.last_block_id.parts; },
      [](Header& h) { h.last_commit_hash[0] ^= 1; },
      [](Header& h) { h.data_hash[0] ^= 1; },
      [](Header& h) { h.next_validators_hash[0] ^= 1; },
      [](Header& h) { h.consensus_hash[0] ^= 1; },
      [](Header& h) { h.app_hash[0] ^= 1; },
      [](Header& h) { h.last_results_hash[0] ^= 1; },
      [](Header& h) { h.evidence_hash[0] ^= 1; },
      [](Header& h) { h.proposer_address[0] ^= 1; },
  };
  for (std::size_t i = 0; i < changes.size(); ++i) {
    SignedHeader header = HeaderOf(height);
    changes[i](header.header);
    EXPECT_THAT(VerifyCommit(kChain, SetOf(height), header),
                Fails(kNotProved, HasSubstr("its hash is not")))
        << "change " << i;
  }
  EXPECT_THAT(VerifyCommit("paw-testbed-2", SetOf(height), HeaderOf(height)),
              Fails(kNotProved, HasSubstr("chain 'paw-testbed-1'")));
}

TEST(VerificationTest, EverySignatureBitCounts) {
  const json height = Golden("commits.json")["chain"][0];
  const ValidatorSet set = SetOf(height);
  for (std::size_t bit = 0; bit < 64 * 8; bit += 7) {
    SignedHeader header = HeaderOf(height);
    header.precommits[bit % 4].signature[bit / 8] ^= static_cast<char>(1U << (bit % 8));
    EXPECT_THAT(VerifyCommit(kChain, set, header), Fails(kNotProved, HasSubstr("is false")));
  }
}

TEST(ValidatorSetTest, RefusesImpossibleOnes) {
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  const std::vector<Validator> good = ValidatorsOf(Golden("commits.json")["chain"][0]);
  const auto with = [&](const std::function<void(std::vector<Validator>&)>& change) {
    std::vector<Validator> changed = good;
    change(changed);
    return ValidatorSet::Make(changed);
  };
  EXPECT_THAT(with([](auto& set) { set.clear(); }), Fails(kInvalid, "no validators"));
  EXPECT_THAT(with([](auto& set) { set[0].public_key = "AAAA"; }),
              Fails(kInvalid, HasSubstr("no Ed25519 key")));
  EXPECT_THAT(with([](auto& set) { set[0].public_key = set[1].public_key; }),
              Fails(kInvalid, HasSubstr("not its key's address")));
  EXPECT_THAT(with([](auto& set) { set[0] = set[1]; }), Fails(kInvalid, HasSubstr("there twice")));
  EXPECT_THAT(with([](auto& set) { set[0].voting_power = 0; }),
              Fails(kInvalid, HasSubstr("impossible power")));
  EXPECT_THAT(with([](auto& set) { set[3].voting_power = INT64_MAX / 8 - 29; }),
              Fails(kInvalid, HasSubstr("impossible power")));
  EXPECT_THAT(with([](auto& set) { set[3].voting_power = INT64_MAX / 8 - 30; }), IsOk());
}

TEST(SignedHeaderTest, NonsenseIsDataLoss) {
  const json commit = Golden("commits.json")["chain"][1]["commit"];
  // Each value in turn becomes one of another kind.
  const json flat = commit["result"].flatten();
  int refused = 0;
  for (const auto& [path, value] : flat.items()) {
    if (path == "/canonical") continue;
    json damaged = flat;
    damaged[path] = true;
    const auto read = ParseSignedHeader(json{{"result", damaged.unflatten()}}.dump());
    EXPECT_THAT(read, Fails(absl::StatusCode::kDataLoss, testing::_)) << path;
    ++refused;
  }
  EXPECT_GT(refused, 30);
  EXPECT_THAT(ParseSignedHeader(R"({"error":{"code":-32603}})"),
              Fails(absl::StatusCode::kInternal, HasSubstr("-32603")));
}

}  // namespace
}  // namespace pawk8s::chain
