// Makes text of unknown origin safe to show: in XML, in HTML, in one line.
#pragma once

#include <string>
#include <string_view>

namespace pawk8s {

// `text` as UTF-8 that XML 1.0 can hold: bytes that are no UTF-8 become U+FFFD; control characters
// other than tab and line feed, and what else XML forbids, are left out.
[[nodiscard]] std::string CleanUtf8(std::string_view text);

// CleanUtf8() with the five characters that mean something in markup escaped: right for the
// content of an element and for a quoted attribute, in XML and in HTML.
[[nodiscard]] std::string EscapeMarkup(std::string_view text);
// The same for an XML attribute: line feeds and tabs survive the reader's normalisation.
[[nodiscard]] std::string EscapeAttribute(std::string_view text);

// Runs of white space become one blank; none at either end.
[[nodiscard]] std::string OneLine(std::string_view text);

// At most `limit` bytes, cut between characters, with an ellipsis if something was cut.
[[nodiscard]] std::string Shorten(std::string_view text, std::size_t limit);

}  // namespace pawk8s
