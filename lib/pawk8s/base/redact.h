// Keeps credentials out of messages, transcripts, evidence and records.
#pragma once

#include <string>
#include <string_view>

namespace pawk8s {

// `text` with each of these replaced by "[redacted]", and everything else as it is:
//   PEM blocks of private keys
//   what follows "Bearer" or "Basic", JSON web tokens, the password of a URL
//   the values of fields whose name is or ends in token, password, secret, mnemonic, priv_key,
//     client-key-data, api_key and the like: JSON (also inside a string), YAML, env, arguments
//   the value of an environment entry with such a name ({"name": "DB_PASSWORD", "value": ...})
//   twelve or more lower-case words of 3 to 8 letters in a row: a mnemonic
// Linear in the length of the text, whatever it holds.
[[nodiscard]] std::string Redact(std::string_view text);

}  // namespace pawk8s
