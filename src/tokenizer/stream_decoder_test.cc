#include "tokenizer/tokenizer.h"
#include "tokenizer/tokenizer_test_util.h"

namespace parley::tokenizer {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Ids of single bytes: the small tokenizer's ids below 256 are the bytes.
std::string stream_bytes(const Tokenizer& tokenizer, std::string_view bytes) {
  StreamDecoder decoder(tokenizer);
  std::string text;
  for (const char c : bytes) {
    const std::string part = decoder.push(static_cast<uint8_t>(c));
    EXPECT_EQ(valid_utf8_prefix(part), part.size());
    text += part;
  }
  return text + decoder.finish();
}

// The whole text at once, U+FFFD for each maximal part of a character (Unicode 15, 3.9).
std::string replaced(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const size_t valid = valid_utf8_prefix(bytes);
    text += bytes.substr(0, valid);
    bytes.remove_prefix(valid);
    if (bytes.empty()) break;
    // The longest beginning that some valid character has.
    size_t part = 1;
    for (size_t n = 2; n <= std::min<size_t>(3, bytes.size()); ++n) {
      bool possible = false;
      for (int tail = 0x80; tail < 0xC0; ++tail) {
        std::string whole(bytes.substr(0, n));
        while (whole.size() < 4) {
          whole += static_cast<char>(tail);
          possible = possible || valid_utf8_prefix(whole) == whole.size();
        }
      }
      if (!possible) break;
      part = n;
    }
    text += kReplacement;
    bytes.remove_prefix(part);
  }
  return text;
}

TEST(StreamDecoderTest, ByteByByteNeverHalfACharacter) {
  const auto tokenizer = Tokenizer::load(golden("tokenizer_small"));
  for (const std::string_view text : {"plain", "é中😀", "a中b😀c", ""})
    EXPECT_EQ(stream_bytes(tokenizer, text), text);
}

TEST(StreamDecoderTest, EverySplitPoint) {
  const auto tokenizer = Tokenizer::load(golden("tokenizer_small"));
  const std::string text = "Hé! 分词器 👩‍👩‍👧 ok";
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    StreamDecoder decoder(tokenizer);
    std::string result;
    for (const std::string_view half :
         {std::string_view(text).substr(0, cut), std::string_view(text).substr(cut)})
      for (const int32_t id : tokenizer.encode(half)) {
        const std::string part = decoder.push(id);
        ASSERT_EQ(valid_utf8_prefix(part), part.size());
        result += part;
      }
    EXPECT_EQ(result + decoder.finish(), text);
  }
}

TEST(StreamDecoderTest, InvalidBytesBecomeReplacementCharacters) {
  const auto tokenizer = Tokenizer::load(golden("tokenizer_small"));
  EXPECT_EQ(stream_bytes(tokenizer, "\xE4\xB8"), kReplacement);
  EXPECT_EQ(stream_bytes(tokenizer, "\xFFx"), std::string(kReplacement) + "x");
  TextSoup soup(9);
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = soup.text(2) + soup.bytes(soup.below(6)) + soup.text(2);
    if (soup.below(2)) bytes.resize(soup.below(bytes.size() + 1));
    ASSERT_EQ(stream_bytes(tokenizer, bytes), replaced(bytes));
  }
}

TEST(StreamDecoderTest, ShowsCharactersAtOnce) {
  const auto tokenizer = Tokenizer::load(golden("tokenizer_small"));
  StreamDecoder decoder(tokenizer);
  EXPECT_EQ(decoder.push('a'), "a");
  EXPECT_EQ(decoder.push(0xE4), "");
  EXPECT_EQ(decoder.push(0xB8), "");
  EXPECT_EQ(decoder.push(0xAD), "中");
  // Certain as soon as the next byte cannot continue it.
  EXPECT_EQ(decoder.push(0xE4), "");
  EXPECT_EQ(decoder.push('b'), std::string(kReplacement) + "b");
  EXPECT_EQ(decoder.finish(), "");
}

TEST(StreamDecoderTest, LeadingSpaceOnlyWhereATextBegins) {
  const auto tokenizer = Tokenizer::load(golden("tokenizer_sp.vocab"));
  const std::vector<int32_t> ids = tokenizer.encode("the text");
  const auto stream = [&](bool at_text_start, bool bos) {
    StreamDecoder decoder(tokenizer, at_text_start);
    if (bos) decoder.push(tokenizer.bos());
    std::string text;
    for (const int32_t id : ids) text += decoder.push(id);
    return text;
  };
  EXPECT_EQ(stream(true, false), "the text");
  EXPECT_EQ(stream(false, true), "the text");
  EXPECT_EQ(stream(false, false), " the text");
}

}  // namespace
}  // namespace parley::tokenizer
