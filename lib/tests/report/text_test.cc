#include "pawk8s/base/text.h"

#include <gmock/gmock.h>

namespace pawk8s {
namespace {

using testing::Eq;

TEST(Text, WhatIsNoUtf8BecomesTheReplacementCharacter) {
  EXPECT_THAT(CleanUtf8("pläin \xE2\x82\xAC \xF0\x9F\x90\xBE"), Eq("pläin € 🐾"));
  EXPECT_THAT(CleanUtf8("\xFF"), Eq("\uFFFD"));
  EXPECT_THAT(CleanUtf8("\xC3"), Eq("\uFFFD")) << "cut off";
  EXPECT_THAT(CleanUtf8("\xC0\xAF"), Eq("\uFFFD\uFFFD")) << "overlong";
  EXPECT_THAT(CleanUtf8("\xED\xA0\x80"), Eq("\uFFFD\uFFFD\uFFFD")) << "a surrogate";
  EXPECT_THAT(CleanUtf8("\xF5\x80\x80\x80"), Eq("\uFFFD\uFFFD\uFFFD\uFFFD")) << "beyond Unicode";
}

TEST(Text, WhatXmlForbidsIsLeftOut) {
  using namespace std::string_view_literals;
  EXPECT_THAT(CleanUtf8("a\0b\x01\x1b[31mc\r\n\td\x7f"sv), Eq("ab[31mc\n\td"));
  EXPECT_THAT(CleanUtf8("a\xEF\xBF\xBF"
                        "b"),
              Eq("ab"))
      << "U+FFFF";
}

TEST(Text, MarkupIsEscaped) {
  EXPECT_THAT(EscapeMarkup("<a b=\"c\">d & 'e' ]]>\n"),
              Eq("&lt;a b=&quot;c&quot;&gt;d &amp; &#39;e&#39; ]]&gt;\n"));
  EXPECT_THAT(EscapeAttribute("a\n\tb"), Eq("a&#10;&#9;b"));
}

TEST(Text, BecomesOneLineAndShort) {
  EXPECT_THAT(OneLine("  a\n\n  b\tc \n"), Eq("a b c"));
  EXPECT_THAT(OneLine(""), Eq(""));
  EXPECT_THAT(Shorten("abcdef", 6), Eq("abcdef"));
  EXPECT_THAT(Shorten("abcdefg", 6), Eq("abc…"));
  EXPECT_THAT(Shorten("aäääää", 6), Eq("aä…")) << "cut between characters";
  EXPECT_THAT(Shorten("abc", 0), Eq("…"));
}

}  // namespace
}  // namespace pawk8s
