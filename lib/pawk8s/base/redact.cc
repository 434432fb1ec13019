#include "pawk8s/base/redact.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstddef>

namespace pawk8s {
namespace {

constexpr std::string_view kRedacted = "[redacted]";

bool IsWord(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-';
}
bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
// Of base64, base64url and what else credentials in headers are made of.
bool IsCredential(char c) {
  return IsWord(c) || c == '.' || c == '~' || c == '+' || c == '/' || c == '=';
}

std::string Plain(std::string_view name) {
  std::string plain;
  for (const char c : name) {
    if (c != '_' && c != '-') {
      plain += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
  }
  return plain;
}

bool NamesASecret(std::string_view name) {
  static constexpr std::array<std::string_view, 14> kEndings = {"token",
                                                                "password",
                                                                "passwd",
                                                                "passphrase",
                                                                "secret",
                                                                "mnemonic",
                                                                "privkey",
                                                                "privatekey",
                                                                "apikey",
                                                                "secretkey",
                                                                "clientkeydata",
                                                                "authorization",
                                                                "proxyauthorization",
                                                                "cookie"};
  const std::string plain = Plain(name);
  return std::ranges::any_of(kEndings, [&](std::string_view e) { return plain.ends_with(e); });
}

// Reads on from `pos`; each Skip...() returns the position behind what it took.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::string Run() {
    while (pos_ < text_.size()) {
      if (PemBlock() || UrlPassword() || Mnemonic() || Word()) continue;
      out_ += text_[pos_++];
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] char At(std::size_t i) const { return i < text_.size() ? text_[i] : '\0'; }
  [[nodiscard]] bool StartsWord() const {
    return IsWord(At(pos_)) && (pos_ == 0 || !IsWord(text_[pos_ - 1]));
  }
  [[nodiscard]] std::size_t EndOf(std::size_t from, bool (*in)(char)) const {
    while (from < text_.size() && in(text_[from])) ++from;
    return from;
  }
  [[nodiscard]] std::size_t SkipBlanks(std::size_t from, bool lines) const {
    while (At(from) == ' ' || At(from) == '\t' ||
           (lines && (At(from) == '\n' || At(from) == '\r'))) {
      ++from;
    }
    return from;
  }
  // A quote, also one that is escaped because it stands in a string itself.
  [[nodiscard]] std::size_t QuoteLength(std::size_t at) const {
    std::size_t backslashes = 0;
    while (At(at + backslashes) == '\\') ++backslashes;
    const char c = At(at + backslashes);
    return c == '"' || (c == '\'' && backslashes == 0) ? backslashes + 1 : 0;
  }

  void Keep(std::size_t end) {
    out_ += text_.substr(pos_, end - pos_);
    pos_ = end;
  }
  void Hide(std::size_t begin, std::size_t end) {
    Keep(begin);
    if (begin < end) out_ += kRedacted;
    pos_ = end;
  }

  bool PemBlock() {
    constexpr std::string_view kBegin = "-----BEGIN ";
    const std::string_view rest = text_.substr(pos_);
    if (!rest.starts_with(kBegin)) return false;
    const std::size_t header_end = rest.substr(0, 64).find("-----", kBegin.size());
    if (header_end == std::string_view::npos ||
        !rest.substr(0, header_end).ends_with("PRIVATE KEY")) {
      return false;
    }
    const std::size_t end = rest.find("-----END ", header_end);
    const std::size_t last = end == std::string_view::npos ? end : rest.find("-----", end + 9);
    // A block that was cut off is a key all the same.
    Hide(pos_, last == std::string_view::npos ? text_.size() : pos_ + last + 5);
    return true;
  }

  bool UrlPassword() {
    if (!text_.substr(pos_).starts_with("://")) return false;
    const std::size_t user = pos_ + 3;
    const std::size_t colon = EndOf(user, [](char c) { return IsWord(c) || c == '.' || c == '%'; });
    if (At(colon) != ':') return false;
    const std::size_t end = EndOf(colon + 1, [](char c) {
      return c != '@' && c != '/' && c != '"' && std::isspace(static_cast<unsigned char>(c)) == 0;
    });
    if (At(end) != '@') return false;
    Hide(colon + 1, end);
    return true;
  }

  bool Mnemonic() {
    if (!StartsWord() || !IsLower(At(pos_))) return false;
    int words = 0;
    std::size_t end = pos_;
    for (std::size_t at = pos_;; at = end + 1) {
      const std::size_t word_end = EndOf(at, IsLower);
      const std::size_t length = word_end - at;
      if (length < 3 || length > 8 || IsWord(At(word_end))) break;
      ++words;
      end = word_end;
      if (At(end) != ' ') break;
    }
    if (words < 12) return false;
    Hide(pos_, end);
    return true;
  }

  // A field's name with its value, a header's scheme with its credential, or a bare token.
  bool Word() {
    if (!StartsWord()) return false;
    const std::size_t end = EndOf(pos_, IsWord);
    const std::string_view word = text_.substr(pos_, end - pos_);
    if (NamesASecret(word) && (Field(end) || EnvironmentEntry(end))) return true;
    const std::string plain = Plain(word);
    if ((plain == "bearer" || plain == "basic") && At(end) == ' ') {
      const std::size_t value = SkipBlanks(end, false);
      const std::size_t value_end = EndOf(value, IsCredential);
      if (value_end - value >= 8) {
        Hide(value, value_end);
        return true;
      }
    }
    if (word.starts_with("eyJ")) {
      const std::size_t token_end = EndOf(pos_, IsCredential);
      if (std::ranges::count(text_.substr(pos_, token_end - pos_), '.') >= 2) {
        Hide(pos_, token_end);
        return true;
      }
    }
    Keep(end);
    return true;
  }

  // `name: value`, `name=value`, `"name": "value"`; `end` is behind the name.
  bool Field(std::size_t end) {
    std::size_t at = end + QuoteLength(end);
    at = SkipBlanks(at, false);
    if (At(at) != ':' && At(at) != '=') return false;
    if (At(at + 1) == '=') return false;  // a comparison
    HideValue(SkipBlanks(at + 1, false), Plain(text_.substr(pos_, end - pos_)));
    return true;
  }

  // `"X_TOKEN", "value": "..."` and `name: X_TOKEN` with `value: ...` in the next line.
  bool EnvironmentEntry(std::size_t end) {
    std::size_t at = SkipBlanks(end + QuoteLength(end), true);
    if (At(at) == ',') at = SkipBlanks(at + 1, true);
    at += QuoteLength(at);
    if (!text_.substr(std::min(at, text_.size())).starts_with("value") || IsWord(At(at + 5))) {
      return false;
    }
    at += 5;
    at = SkipBlanks(at + QuoteLength(at), false);
    if (At(at) != ':') return false;
    HideValue(SkipBlanks(at + 1, false), "");
    return true;
  }

  void HideValue(std::size_t value, const std::string& name) {
    if (const std::size_t quote = QuoteLength(value); quote > 0) {
      const std::string_view closing = text_.substr(value, quote);
      std::size_t end = value + quote;
      while (end < text_.size() && !text_.substr(end).starts_with(closing)) {
        // In a string that is not itself inside one, a backslash takes the next character along.
        end += quote == 1 && text_[end] == '\\' ? 2 : 1;
      }
      Hide(value + quote, std::min(end, text_.size()));
      return;
    }
    if (At(value) == '{' || At(value) == '[') {
      // A key as an object ({"type": ..., "value": ...}); other objects only carry the name.
      if (name.ends_with("privkey") || name.ends_with("privatekey")) {
        const std::size_t end = text_.find_first_of("}]", value);
        Hide(value, end == std::string_view::npos ? text_.size() : end + 1);
      } else {
        Keep(value);
      }
      return;
    }
    const bool whole_line =
        name.ends_with("mnemonic") || name.ends_with("authorization") || name.ends_with("cookie");
    std::size_t end = value;
    while (
        end < text_.size() && text_[end] != '\n' && text_[end] != '\r' &&
        (whole_line || std::string_view(" \t\",;}]&").find(text_[end]) == std::string_view::npos)) {
      ++end;
    }
    const std::string_view shown = text_.substr(value, end - value);
    if (shown == "true" || shown == "false" || shown == "null" || shown == "\"\"") {
      Keep(end);
    } else {
      Hide(value, end);
    }
  }

  std::string_view text_;
  std::size_t pos_ = 0;
  std::string out_;
};

}  // namespace

std::string Redact(std::string_view text) { return Scanner(text).Run(); }

}  // namespace pawk8s
