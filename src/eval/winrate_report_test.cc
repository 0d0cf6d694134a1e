#include "eval/winrate_report.h"

#include <gtest/gtest.h>

namespace parley::eval {
namespace {

using tokenizer::Message;

// Prefers the longer answer, equal lengths are ties.
class LengthJudge final : public Judge {
 public:
  std::string name() const override { return "length"; }
  std::vector<double> compare(std::span<const JudgedPair> pairs) override {
    std::vector<double> result;
    for (const JudgedPair& pair : pairs) {
      asked += 1;
      result.push_back(pair.a.size() > pair.b.size() ? 1 : pair.a.size() < pair.b.size() ? 0 : 0.5);
    }
    return result;
  }
  std::string remarks() const override { return "a remark"; }
  int asked = 0;
};

WinRateReport example(LengthJudge& judge) {
  const std::vector<std::vector<Message>> prompts = {
      {{"user", "one"}}, {{"system", "s"}, {"user", "two"}}, {{"user", "三"}}};
  return play(
      prompts,
      {{"long", {"aaaa", "bb", "cccc"}}, {"short", {"a", "bb", "dddd"}}, {"中", {"中文", "", "x"}}},
      judge, {.resamples = 20});
}

TEST(WinRateReport, PlaysAllPairs) {
  LengthJudge judge;
  const WinRateReport report = example(judge);
  ASSERT_EQ(report.matches.size(), 3u);
  EXPECT_EQ(judge.asked, 8);  // two equal answers need no judge
  const WinRate& first = report.matches[0].result;
  EXPECT_EQ(first.wins, 1);
  EXPECT_EQ(first.ties, 2);
  EXPECT_NEAR(first.rate, 2.0 / 3, 1e-12);
  EXPECT_NEAR(report.matches[1].result.mean_length_b, 1, 1e-12);  // characters, not bytes
}

TEST(WinRateReport, SaysItInEveryForm) {
  LengthJudge judge;
  const WinRateReport report = example(judge);
  const auto json = winrate_json(report, true);
  EXPECT_EQ(json["pairs"].size(), 3u);
  EXPECT_EQ(json["pairs"][1]["b"], "中");
  EXPECT_EQ(json["comparisons"][1]["messages"][1]["content"], "two");
  EXPECT_EQ(json["comparisons"][0]["preferences"], (std::vector<double>{1, 0, 0}));
  EXPECT_FALSE(winrate_json(report, false).contains("comparisons"));
  EXPECT_NEAR(json["models"][0]["mean_win_rate"].get<double>(),
              (report.matches[0].result.rate + report.matches[1].result.rate) / 2, 1e-12);

  const std::string table = winrate_table(report);
  EXPECT_NE(table.find("3 prompts, judged by length"), std::string::npos) << table;
  EXPECT_NE(table.find("long against short"), std::string::npos) << table;
  EXPECT_NE(table.find("Note: a remark"), std::string::npos) << table;

  const std::string markdown = winrate_markdown(report, 2, 1);
  EXPECT_NE(markdown.find("| long against short | 1 | 2 | 0 | 66.7 % |"), std::string::npos)
      << markdown;
  size_t examples = 0;
  for (size_t at = 0; (at = markdown.find("### Prompt", at)) != std::string::npos; ++at) ++examples;
  EXPECT_EQ(examples, 2u);
}

TEST(WinRateReport, LongTextsAreCutBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "字";
  LengthJudge judge;
  const WinRateReport report =
      play({{{"user", text}}}, {{"a", {"x" + text}}, {"b", {""}}}, judge, {.resamples = 0});
  const std::string markdown = winrate_markdown(report, 1, 0);
  EXPECT_NE(markdown.find("字…"), std::string::npos);
  EXPECT_LT(markdown.size(), 5000u);
}

}  // namespace
}  // namespace parley::eval
