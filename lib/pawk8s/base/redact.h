// Keeps credentials out of messages, transcripts and records.
#pragma once

#include <string>
#include <string_view>

namespace pawk8s {

// `text` with bearer tokens, basic credentials, PEM blocks of private keys, JSON and YAML values of
// keys that hold secrets (token, password, client-key-data, priv_key, mnemonic, ...) replaced by
// "[redacted]". Everything else is left as it is.
[[nodiscard]] std::string Redact(std::string_view text);

}  // namespace pawk8s
