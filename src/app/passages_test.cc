#include "app/passages.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "app/prompt_text.h"

namespace parley::app {
namespace {

std::string squeezed(std::string_view text) {
  std::string kept(text);
  std::erase_if(kept, [](char c) { return c == ' ' || c == '\n' || c == '\t'; });
  return kept;
}

void expect_whole(std::string_view text, const std::vector<store::Passage>& passages) {
  std::string all;
  for (size_t i = 0; i < passages.size(); ++i) {
    EXPECT_EQ(passages[i].number, static_cast<int64_t>(i));
    EXPECT_LE(token_weight(passages[i].text), 260) << passages[i].text;
    EXPECT_FALSE(trim(passages[i].text).empty());
    all += passages[i].text;
  }
  EXPECT_EQ(squeezed(all), squeezed(text));
}

TEST(Passages, ShortTextsAreOne) {
  const auto passages = cut_lines("one\ntwo\n\nthree\n");
  ASSERT_EQ(passages.size(), 1u);
  EXPECT_EQ(passages[0].text, "one\ntwo\n\nthree");
  EXPECT_EQ(passages[0].start_line, 1);
  EXPECT_EQ(passages[0].page, 0);
  EXPECT_TRUE(cut_lines("").empty());
  EXPECT_TRUE(cut_lines(" \n\n ").empty());
}

TEST(Passages, LongTextsAreCutAtParagraphs) {
  std::string text;
  for (int i = 0; i < 40; ++i) {
    for (int j = 0; j < 4; ++j)
      text +=
          "Sentence " + std::to_string(j) + " of paragraph " + std::to_string(i) + " goes on.\n";
    text += "\n";
  }
  const auto passages = cut_lines(text);
  expect_whole(text, passages);
  EXPECT_GT(passages.size(), 5u);
  for (const store::Passage& passage : passages) {
    EXPECT_TRUE(passage.text.starts_with("Sentence 0")) << passage.text;
    EXPECT_EQ((passage.start_line - 1) % 5, 0);
    if (&passage != &passages.back()) {
      EXPECT_GE(token_weight(passage.text), 100);
    }
  }
}

TEST(Passages, HeadingsBeginPassages) {
  std::string text;
  for (int i = 0; i < 6; ++i) {
    text += "## Part " + std::to_string(i) + "\n\n";
    for (int j = 0; j < 6; ++j) text += "Some words that belong to this part and no other.\n";
    text += "\n";
  }
  for (const store::Passage& passage : cut_lines(text))
    EXPECT_TRUE(passage.text.starts_with("## Part ")) << passage.text;
}

TEST(Passages, ChineseAndLongLines) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += "这是第" + std::to_string(i) + "句话，讲的是北方的天气。";
  const auto passages = cut_lines(text);
  expect_whole(text, passages);
  EXPECT_GT(passages.size(), 10u);
  for (const store::Passage& passage : passages)
    EXPECT_TRUE(passage.text.ends_with("。")) << passage.text;
}

TEST(Passages, CodeWithoutBlanksAndWordsWithoutEnd) {
  std::string code;
  for (int i = 0; i < 400; ++i) code += "\tif (x == " + std::to_string(i) + ") return y;\n";
  const auto passages = cut_lines(code);
  expect_whole(code, passages);
  EXPECT_TRUE(passages[0].text.starts_with("\tif (x == 0)"));
  EXPECT_GT(passages[1].start_line, 10);
  const std::string word(20'000, 'x');
  expect_whole(word, cut_lines(word));
  std::string wide;
  for (int i = 0; i < 5000; ++i) wide += "字";
  expect_whole(wide, cut_lines(wide));
  std::string emoji;
  for (int i = 0; i < 3000; ++i) emoji += "🙂";
  for (const store::Passage& passage : cut_lines(emoji)) EXPECT_EQ(passage.text.size() % 4, 0u);
}

TEST(Passages, PagesKeepTheirNumbersAndLinesAreJoined) {
  const auto passages = cut_pages(
      {"The weather in the north is very often well and some-\ntimes it is not, as all the "
       "people know.\nShort line\nNext\n\nNew paragraph",
       "", "第三页的内容是这样的一段很长的话，它在这\n里换行了。"});
  ASSERT_EQ(passages.size(), 2u);
  EXPECT_EQ(passages[0].page, 1);
  EXPECT_EQ(passages[0].start_line, 0);
  EXPECT_EQ(passages[0].text,
            "The weather in the north is very often well and sometimes it is not, as all the "
            "people know. Short line\nNext\n\nNew paragraph");
  EXPECT_EQ(passages[1].page, 3);
  EXPECT_EQ(passages[1].text, "第三页的内容是这样的一段很长的话，它在这里换行了。");
}

TEST(Passages, AnyBytes) {
  uint32_t state = 3;
  for (int round = 0; round < 50; ++round) {
    std::string text;
    for (int i = 0; i < 800; ++i) {
      state = state * 1664525 + 1013904223;
      text += std::array{"a", "b ", "\n", "\n\n", "字", "。", "# ", "\t", "🙂", "word. ", "é"}
          [(state >> 16) % 11];
    }
    expect_whole(text, cut_lines(text));
  }
}

}  // namespace
}  // namespace parley::app
