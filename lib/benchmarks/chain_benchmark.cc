// What signing and verifying costs beyond the bare cryptography, measured in the same run.
//
//   pawk8s_chain_benchmark
//   go test ./internal/golden -run '^$' -bench .     (in fixtures/chain: the same by the SDK)
//
// Prints one line a figure: microseconds of CPU time a piece, median of the rounds, and how much of
// the bare operation's rate is reached. The parts take turns, so that what else the machine does
// hits all of them.
#include <fmt/format.h>
#include <openssl/evp.h>
#include <secp256k1.h>
#include <sodium.h>
#include <time.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "cosmos/bank/v1beta1/tx.pb.h"
#include "paw/dex/v1/tx.pb.h"
#include "pawk8s/chain/hex.h"
#include "pawk8s/chain/tx.h"
#include "pawk8s/chain/verification.h"
#include "pawk8s/net/digest.h"

namespace pawk8s::chain {
namespace {

double CpuMicros() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) / 1e3;
}

const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}
unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }

void Require(bool holds, std::string_view what) {
  if (holds) return;
  fmt::print(stderr, "{} failed\n", what);
  std::exit(1);
}

struct Part {
  std::string name;
  std::function<void()> once;
  int pieces = 1;    // that `once` makes
  int bare = 0;      // index of the part to compare with
  double limit = 0;  // of its rate
  std::vector<double> micros = {};

  [[nodiscard]] double Median() const {
    std::vector<double> sorted = micros;
    std::sort(sorted.begin(), sorted.end());
    return sorted[sorted.size() / 2];
  }
};

// True if every limit is reached.
bool Measure(std::vector<Part>& parts, int rounds) {
  constexpr double kRound = 20'000;  // microseconds
  for (int round = 0; round < rounds; ++round) {
    for (Part& part : parts) {
      int times = 0;
      const double start = CpuMicros();
      double now = start;
      for (; now - start < kRound; now = CpuMicros()) {
        for (int i = 0; i < 10; ++i) part.once();
        times += 10;
      }
      part.micros.push_back((now - start) / times / part.pieces);
    }
  }
  bool reached = true;
  for (const Part& part : parts) {
    const double median = part.Median();
    const Part& bare = parts[static_cast<std::size_t>(part.bare)];
    const double share = bare.Median() / median;
    fmt::print("{:<52} {:8.2f} us", part.name, median);
    if (part.limit > 0) {
      fmt::print("   {:.2f} of {}, wanted {:.2f}", share, bare.name, part.limit);
      reached = reached && share >= part.limit;
    }
    fmt::print("\n");
  }
  return reached;
}

// Keeps the compiler from dropping a result.
std::size_t g_used = 0;

bool MeasureSigning(int rounds) {
  const Key key = Key::Generate();
  const std::string from = key.Address();
  const std::string to = Key::Generate().Address();
  Signer signer{.chain_id = "paw-testbed-1", .account_number = 7};

  const auto destroy = [](secp256k1_context* context) { secp256k1_context_destroy(context); };
  const std::unique_ptr<secp256k1_context, decltype(destroy)> context(
      secp256k1_context_create(SECP256K1_CONTEXT_SIGN), destroy);
  std::string secret = net::Sha256("any");
  std::string hash = net::Sha256("message");
  std::vector<Part> parts;
  parts.push_back({.name = "bare secp256k1 signature", .once = [&] {
                     secp256k1_ecdsa_signature signature;
                     std::array<unsigned char, 64> compact{};
                     ++hash[0];
                     secp256k1_ecdsa_sign(context.get(), &signature, Bytes(hash), Bytes(secret),
                                          nullptr, nullptr);
                     secp256k1_ecdsa_signature_serialize_compact(context.get(), compact.data(),
                                                                 &signature);
                     g_used += compact[0];
                   }});
  const auto sign = [&](const google::protobuf::Message& message) {
    ++signer.sequence;
    g_used += Tx().Add(message)
                  .Gas(100'000)
                  .Fee("100", "upaw")
                  .ExpiresAfter({1234})
                  .Sign(key, signer)
                  .hash.size();
  };
  parts.push_back({.name = "MsgSend built, signed, encoded, hashed",
                   .once =
                       [&] {
                         cosmos::bank::v1beta1::MsgSend send;
                         send.set_from_address(from);
                         send.set_to_address(to);
                         auto* coin = send.add_amount();
                         coin->set_denom("upaw");
                         coin->set_amount("1");
                         sign(send);
                       },
                   .limit = 0.8});
  parts.push_back({.name = "MsgSwap built, signed, encoded, hashed",
                   .once =
                       [&] {
                         paw::dex::v1::MsgSwap swap;
                         swap.set_trader(from);
                         swap.set_pool_id(1);
                         swap.set_token_in("upaw");
                         swap.set_token_out("uusd");
                         swap.set_amount_in("1000000");
                         swap.set_min_amount_out("990000");
                         swap.set_deadline(1'800'000'000);
                         sign(swap);
                       },
                   .limit = 0.8});
  return Measure(parts, rounds);
}

struct SignedCommit {
  SignedHeader header;
  std::vector<Validator> validators;
};

SignedCommit MakeCommit(int size) {
  SignedCommit commit;
  std::vector<std::string> secrets;
  for (int i = 0; i < size; ++i) {
    std::string public_key(crypto_sign_PUBLICKEYBYTES, '\0');
    std::string& secret = secrets.emplace_back(crypto_sign_SECRETKEYBYTES, '\0');
    crypto_sign_keypair(Bytes(public_key), Bytes(secret));
    commit.validators.push_back({.address = {HexEncode(net::Sha256(public_key).substr(0, 20))},
                                 .public_key = net::Base64Encode(public_key),
                                 .voting_power = 10});
  }
  const ValidatorSet set = ValidatorSet::Make(commit.validators).value();
  Header& header = commit.header.header;
  header.chain_id = "paw-testbed-1";
  header.height = {1234};
  header.validators_hash = header.next_validators_hash = set.hash();
  for (std::string* hash :
       {&header.app_hash, &header.data_hash, &header.last_results_hash, &header.evidence_hash,
        &header.consensus_hash, &header.last_commit_hash, &header.last_block_id.hash}) {
    *hash = net::Sha256("any");
  }
  commit.header.commit_height = header.height;
  commit.header.block_id = {.hash = HashOf(header), .parts = 1, .parts_hash = net::Sha256("any")};
  for (int i = 0; i < size; ++i) {
    const auto index = static_cast<std::size_t>(i);
    commit.header.precommits.push_back({.vote = Precommit::Vote::kForBlock,
                                        .validator_address = set.members()[index].address,
                                        .time = {1'800'000'000, 1000 + i},
                                        .signature = std::string(crypto_sign_BYTES, '\0')});
    const std::string message = VoteSignBytes(header.chain_id, commit.header, index);
    crypto_sign_detached(Bytes(commit.header.precommits.back().signature), nullptr, Bytes(message),
                         message.size(), Bytes(secrets[index]));
  }
  return commit;
}

bool MeasureVerifying(int rounds) {
  Require(sodium_init() >= 0, "libsodium");
  const SignedCommit small = MakeCommit(4);
  const SignedCommit large = MakeCommit(100);
  const ValidatorSet small_set = ValidatorSet::Make(small.validators).value();
  const ValidatorSet large_set = ValidatorSet::Make(large.validators).value();
  const std::string message = VoteSignBytes("paw-testbed-1", small.header, 0);
  const std::string& signature = small.header.precommits[0].signature;
  const auto& public_key = small_set.members()[0].public_key;
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> openssl_key(
      EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, public_key.data(), public_key.size()),
      &EVP_PKEY_free);

  std::vector<Part> parts;
  parts.push_back({.name = "bare Ed25519 verification, libsodium", .once = [&] {
                     Require(crypto_sign_verify_detached(Bytes(signature), Bytes(message),
                                                         message.size(), public_key.data()) == 0,
                             "libsodium");
                   }});
  parts.push_back({.name = "bare Ed25519 verification, OpenSSL", .once = [&] {
                     const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> digest(
                         EVP_MD_CTX_new(), &EVP_MD_CTX_free);
                     EVP_DigestVerifyInit(digest.get(), nullptr, nullptr, nullptr,
                                          openssl_key.get());
                     Require(EVP_DigestVerify(digest.get(), Bytes(signature), signature.size(),
                                              Bytes(message), message.size()) == 1,
                             "OpenSSL");
                   }});
  const auto verify = [](const SignedCommit& commit, const ValidatorSet& set) {
    Require(VerifyCommit("paw-testbed-1", set, commit.header).ok(), "commit verification");
  };
  parts.push_back({.name = "commit of 4, a signature",
                   .once = [&] { verify(small, small_set); },
                   .pieces = 4,
                   .limit = 0.9});
  parts.push_back({.name = "commit of 100, a signature",
                   .once = [&] { verify(large, large_set); },
                   .pieces = 100,
                   .limit = 0.9});
  return Measure(parts, rounds);
}

}  // namespace
}  // namespace pawk8s::chain

int main(int argc, char** argv) {
  CLI::App app("What signing and verifying costs");
  int rounds = 25;
  app.add_option("--rounds", rounds, "how often each part has its turn")
      ->check(CLI::PositiveNumber);
  CLI11_PARSE(app, argc, argv);
  const bool signing = pawk8s::chain::MeasureSigning(rounds);
  const bool verifying = pawk8s::chain::MeasureVerifying(rounds);
  return signing && verifying ? 0 : 1;
}
