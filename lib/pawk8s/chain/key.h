// An account's key (secp256k1), made in memory and never written anywhere.
//
//   const Key alice = Key::Generate();
//   ASSIGN_OR_RETURN(const Key funded, Key::FromMnemonic(words));
//   alice.Address();                   // pawtest1...
//   alice.Address("pawtestvaloper");   // the same account as a validator's operator
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"

namespace pawk8s::chain {

inline constexpr std::string_view kAccountPrefix = "pawtest";

// Thread-safe. The secret is wiped when the key goes.
class Key {
 public:
  static Key Generate();
  // 32 bytes. InvalidArgument if they are no secp256k1 secret.
  static absl::StatusOr<Key> FromSecret(std::string_view secret);
  // BIP-39 words without a passphrase, first account of coin type 118 (m/44'/118'/0'/0/0), as
  // `pawd keys add` derives it. The words' checksum is not verified: a wrong word is another key.
  static absl::StatusOr<Key> FromMnemonic(std::string_view words);

  ~Key();
  Key(Key&&) noexcept;
  Key& operator=(Key&&) noexcept;

  // Compressed, 33 bytes.
  [[nodiscard]] const std::string& public_key() const;
  [[nodiscard]] std::string Address(std::string_view prefix = kAccountPrefix) const;
  // R and S (lower half) of the SHA-256 of `message`, 64 bytes, deterministic (RFC 6979).
  [[nodiscard]] std::string Sign(std::string_view message) const;

 private:
  struct Impl;
  explicit Key(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace pawk8s::chain
