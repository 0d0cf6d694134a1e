#include "tokenizer/split.h"

#include <utf8proc.h>

#include "tokenizer/tokenizer_test_util.h"

namespace parley::tokenizer {
namespace {

using Pieces = std::vector<std::string>;

Pieces scan(Pattern pattern, std::string_view text) {
  Pieces pieces;
  Splitter(pattern).split(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

Pieces match(const RegexSplitter& regex, std::string_view text) {
  Pieces pieces;
  regex.split(text, [&](std::string_view piece) { pieces.emplace_back(piece); });
  return pieces;
}

constexpr Pattern kScanned[] = {Pattern::kGpt2, Pattern::kCl100k, Pattern::kLlama3, Pattern::kQwen2,
                                Pattern::kO200k};

TEST(SplitTest, CutsAsPublished) {
  EXPECT_EQ(scan(Pattern::kGpt2, "It's 12345  words\n"),
            (Pieces{"It", "'s", " 12345", " ", " words", "\n"}));
  EXPECT_EQ(scan(Pattern::kCl100k, "IT'S 12345\n \n x  \n "),
            (Pieces{"IT", "'S", " ", "123", "45", "\n \n", " x", "  \n "}));
  EXPECT_EQ(scan(Pattern::kLlama3, "x  \n "), (Pieces{"x", "  \n", " "}));
  EXPECT_EQ(scan(Pattern::kQwen2, "(abc) 123"), (Pieces{"(abc", ")", " ", "1", "2", "3"}));
  EXPECT_EQ(scan(Pattern::kO200k, "camelCase HTMLParser's a/b//\n"),
            (Pieces{"camel", "Case", " HTMLParser's", " a", "/b", "//\n"}));
}

// Characters that this PCRE2, whose Unicode is older, does not know.
bool unknown_to_pcre2(std::string_view text) {
  static const RegexSplitter unassigned("\\p{Cn}");
  bool found = false;
  for (size_t i = 0; i < text.size();) {
    const CodePoint c = decode_valid(text.data() + i);
    // Unassigned ones are cut off the letter in front of them.
    std::string behind_letter = "a";
    behind_letter += text.substr(i, c.bytes);
    found = found || match(unassigned, behind_letter).size() > 1;
    i += c.bytes;
  }
  return found;
}

TEST(SplitTest, ScannersEqualTheirExpressions) {
  for (const Pattern pattern : kScanned) {
    const RegexSplitter regex(pattern_regex(pattern));
    TextSoup soup(static_cast<uint64_t>(pattern));
    for (int i = 0; i < 20000; ++i) {
      const std::string text = soup.text(1 + soup.below(20));
      if (unknown_to_pcre2(text)) continue;
      ASSERT_EQ(scan(pattern, text), match(regex, text)) << pattern_regex(pattern) << "\n" << text;
    }
  }
}

// Each character behind a capital and before a number: its class decides the cuts.
TEST(SplitTest, ClassesEqualPcre2s) {
  const RegexSplitter regex(pattern_regex(Pattern::kO200k));
  int compared = 0;
  for (uint32_t c = 1; c < kCodePoints; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    std::string character;
    append_utf8(c, character);
    if (unknown_to_pcre2(character)) continue;
    std::string text = "A";
    text += character;
    text += "a1";
    text += character;
    ASSERT_EQ(scan(Pattern::kO200k, text), match(regex, text)) << c;
    ++compared;
  }
  EXPECT_GT(compared, 280000);
}

TEST(SplitTest, KnowsPublishedSpellings) {
  EXPECT_EQ(pattern_by_regex(pattern_regex(Pattern::kO200k)), Pattern::kO200k);
  EXPECT_EQ(pattern_by_regex(R"(\w+)"), Pattern::kOther);
  EXPECT_EQ(pattern_by_name("cl100k"), Pattern::kLlama3);
  EXPECT_THROW(pattern_by_name("gpt5"), base::UsageError);
}

TEST(SplitTest, GenericExpressionsKeepEveryByte) {
  const RegexSplitter regex(R"(\p{N}{1,3}|[a-z]+)");
  EXPECT_EQ(match(regex, "abc--1234 x!"), (Pieces{"abc", "--", "123", "4", " ", "x", "!"}));
  // U+180E was white space once; \s does not mean it any more.
  EXPECT_EQ(match(RegexSplitter(R"(\s+|[^\s]+)"), "a\u180eb c"), (Pieces{"a\u180eb", " ", "c"}));
}

TEST(SplitTest, BadExpressionsAreRefused) {
  EXPECT_NE(error_of([] { RegexSplitter("(abc"); }).find("does not compile at character 4"),
            std::string::npos);
  // Exponential without a limit.
  const RegexSplitter bomb(R"((a+)+(?=b)$)");
  EXPECT_NE(error_of([&] { match(bomb, std::string(40, 'a')); }).find("gave up on the text"),
            std::string::npos);
}

TEST(SplitTest, StepsInSequence) {
  Splitter splitter;
  splitter.add_regex(R"(\p{N})");
  splitter.add_regex(pattern_regex(Pattern::kGpt2));
  Pieces pieces;
  splitter.split("ab 12 c", [&](std::string_view piece) { pieces.emplace_back(piece); });
  EXPECT_EQ(pieces, (Pieces{"ab", " ", "1", "2", " c"}));
}

TEST(UnicodeTest, ValidPrefixEqualsUtf8procs) {
  TextSoup soup(11);
  for (int i = 0; i < 20000; ++i) {
    std::string text = soup.text(soup.below(4));
    for (uint64_t k = soup.below(3); k > 0; --k)
      text.insert(text.begin() + static_cast<ptrdiff_t>(soup.below(text.size() + 1)),
                  static_cast<char>(soup.below(256)));
    size_t expected = 0;
    while (expected < text.size()) {
      int32_t c = 0;
      const auto length =
          utf8proc_iterate(reinterpret_cast<const uint8_t*>(text.data()) + expected,
                           static_cast<utf8proc_ssize_t>(text.size() - expected), &c);
      if (length < 1) break;
      expected += static_cast<size_t>(length);
    }
    ASSERT_EQ(valid_utf8_prefix(text), expected);
  }
}

}  // namespace
}  // namespace parley::tokenizer
