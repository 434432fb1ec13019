// The golden files of fixtures/chain/internal/golden.
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <string>

#include "pawk8s/chain/hex.h"
#include "pawk8s/chain/key.h"
#include "pawk8s/net/digest.h"

namespace pawk8s::chain {

inline nlohmann::json Golden(const std::string& name) {
  std::ifstream in(PAWK8S_GOLDEN_DIR "/" + name);
  return nlohmann::json::parse(in);  // throws, and so fails the test, when there is none
}

inline std::string FromHex(const nlohmann::json& text) {
  return HexDecode(text.get<std::string>()).value();
}

// No secret is stored anywhere: it is the digest of a text.
inline Key KeyOf(const std::string& text) { return Key::FromSecret(net::Sha256(text)).value(); }

}  // namespace pawk8s::chain
