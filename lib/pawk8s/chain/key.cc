#include "pawk8s/chain/key.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <secp256k1.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdlib>

#include "pawk8s/chain/bech32.h"
#include "pawk8s/net/digest.h"

namespace pawk8s::chain {
namespace {

template <std::size_t N>
struct Wiped {
  std::array<unsigned char, N> bytes{};
  Wiped() = default;
  Wiped(const Wiped&) = default;
  Wiped& operator=(const Wiped&) = default;
  ~Wiped() { OPENSSL_cleanse(bytes.data(), N); }
};
using Secret = Wiped<32>;

unsigned char* Bytes(std::string& text) { return reinterpret_cast<unsigned char*>(text.data()); }
const unsigned char* Bytes(std::string_view text) {
  return reinterpret_cast<const unsigned char*>(text.data());
}

struct Context {
  secp256k1_context* raw = secp256k1_context_create(SECP256K1_CONTEXT_SIGN);
  Context() = default;
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() { secp256k1_context_destroy(raw); }
};

// An extended private key of BIP-32.
struct Node {
  Secret key;
  Secret chain_code;
};

// The left half of HMAC-SHA512 is a tweak of the key, the right half the next chain code.
Wiped<64> Hmac(const unsigned char* key, std::size_t size, const unsigned char* data,
               std::size_t data_size) {
  Wiped<64> mac;
  HMAC(EVP_sha512(), key, static_cast<int>(size), data, data_size, mac.bytes.data(), nullptr);
  return mac;
}

Node Split(const Wiped<64>& mac) {
  Node node;
  std::copy_n(mac.bytes.begin(), 32, node.key.bytes.begin());
  std::copy_n(mac.bytes.begin() + 32, 32, node.chain_code.bytes.begin());
  return node;
}

// False in the one of 2^127 cases in which BIP-32 says to take the next index.
bool Derive(const secp256k1_context* context, std::uint32_t index, Node& node) {
  constexpr std::uint32_t kHardened = 0x80000000U;
  Wiped<37> data;  // hardened: 0 and the key; otherwise the public key; then the index
  if (index >= kHardened) {
    std::copy_n(node.key.bytes.begin(), 32, data.bytes.begin() + 1);
  } else {
    secp256k1_pubkey public_key;
    std::size_t size = 33;
    if (secp256k1_ec_pubkey_create(context, &public_key, node.key.bytes.data()) != 1) return false;
    secp256k1_ec_pubkey_serialize(context, data.bytes.data(), &size, &public_key,
                                  SECP256K1_EC_COMPRESSED);
  }
  for (unsigned i = 0; i < 4; ++i) {
    data.bytes[33 + i] = static_cast<unsigned char>(index >> (24U - 8U * i));
  }
  Node child = Split(Hmac(node.chain_code.bytes.data(), 32, data.bytes.data(), data.bytes.size()));
  if (secp256k1_ec_seckey_tweak_add(context, child.key.bytes.data(), node.key.bytes.data()) != 1) {
    return false;
  }
  node = child;
  return true;
}

std::string AddressBytes(std::string_view public_key) {
  const std::string sha = net::Sha256(public_key);
  std::string address(20, '\0');
  EVP_Digest(sha.data(), sha.size(), Bytes(address), nullptr, EVP_ripemd160(), nullptr);
  return address;
}

}  // namespace

struct Key::Impl {
  Context context;
  Secret secret;
  std::string public_key;
  std::string address;  // 20 bytes

  // False if `secret` is none.
  bool Complete() {
    // Against side channels; the context is used by const calls only from here on.
    Secret blinding;
    if (RAND_priv_bytes(blinding.bytes.data(), 32) != 1) std::abort();
    if (secp256k1_context_randomize(context.raw, blinding.bytes.data()) != 1) std::abort();
    secp256k1_pubkey parsed;
    if (secp256k1_ec_pubkey_create(context.raw, &parsed, secret.bytes.data()) != 1) return false;
    std::size_t size = 33;
    public_key.resize(size);
    secp256k1_ec_pubkey_serialize(context.raw, Bytes(public_key), &size, &parsed,
                                  SECP256K1_EC_COMPRESSED);
    address = AddressBytes(public_key);
    return true;
  }
};

Key::Key(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Key::~Key() = default;
Key::Key(Key&&) noexcept = default;
Key& Key::operator=(Key&&) noexcept = default;

Key Key::Generate() {
  auto impl = std::make_unique<Impl>();
  do {
    if (RAND_priv_bytes(impl->secret.bytes.data(), 32) != 1) std::abort();
  } while (!impl->Complete());
  return Key(std::move(impl));
}

absl::StatusOr<Key> Key::FromSecret(std::string_view secret) {
  auto impl = std::make_unique<Impl>();
  if (secret.size() != 32) return absl::InvalidArgumentError("a secp256k1 secret has 32 bytes");
  std::copy_n(Bytes(secret), 32, impl->secret.bytes.begin());
  if (!impl->Complete()) return absl::InvalidArgumentError("no secp256k1 secret");
  return Key(std::move(impl));
}

absl::StatusOr<Key> Key::FromMnemonic(std::string_view words) {
  constexpr std::string_view kSalt = "mnemonic";
  constexpr std::string_view kMaster = "Bitcoin seed";
  constexpr std::array<std::uint32_t, 5> kPath = {0x8000002cU, 0x80000076U, 0x80000000U, 0, 0};
  if (words.empty()) return absl::InvalidArgumentError("no mnemonic");
  Wiped<64> seed;
  PKCS5_PBKDF2_HMAC(words.data(), static_cast<int>(words.size()), Bytes(kSalt), kSalt.size(), 2048,
                    EVP_sha512(), 64, seed.bytes.data());
  Node node = Split(Hmac(Bytes(kMaster), kMaster.size(), seed.bytes.data(), 64));
  auto impl = std::make_unique<Impl>();
  for (const std::uint32_t index : kPath) {
    if (!Derive(impl->context.raw, index, node)) {
      return absl::InvalidArgumentError("the mnemonic has no key at this path");
    }
  }
  impl->secret = node.key;
  if (!impl->Complete()) return absl::InvalidArgumentError("the mnemonic has no key at this path");
  return Key(std::move(impl));
}

const std::string& Key::public_key() const { return impl_->public_key; }

std::string Key::Address(std::string_view prefix) const {
  return Bech32Encode(prefix, impl_->address);
}

std::string Key::Sign(std::string_view message) const {
  const std::string hash = net::Sha256(message);
  secp256k1_ecdsa_signature signature;
  // Fails for an invalid secret only, and Complete() has refused those.
  if (secp256k1_ecdsa_sign(impl_->context.raw, &signature, Bytes(hash), impl_->secret.bytes.data(),
                           nullptr, nullptr) != 1) {
    std::abort();
  }
  std::string compact(64, '\0');
  secp256k1_ecdsa_signature_serialize_compact(impl_->context.raw, Bytes(compact), &signature);
  return compact;
}

}  // namespace pawk8s::chain
