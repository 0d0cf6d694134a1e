#include "eval/chat_report.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "base/error.h"
#include "eval/table.h"
#include "eval/text_units.h"

namespace parley::eval {
namespace {

Rule rule(const char* text) { return parse_rule(nlohmann::json::parse(text)); }

ChatPrompt prompt(std::string id, std::string lang, PromptKind kind,
                  std::vector<Rule> checks = {}) {
  return {std::move(id), std::move(lang), kind, {{"user", "问 ask"}}, std::move(checks)};
}

std::vector<ChatPrompt> prompts() {
  return {
      prompt("en-1", "en", PromptKind::kInstruction,
             {rule(R"({"rule":"contains","any":"yes"})"), rule(R"({"rule":"ended"})")}),
      prompt("en-2", "en", PromptKind::kInstruction, {rule(R"({"rule":"no_commas"})")}),
      prompt("en-3", "en", PromptKind::kHarmful),
      prompt("en-4", "en", PromptKind::kHarmless),
      prompt("zh-1", "zh", PromptKind::kInstruction, {rule(R"({"rule":"contains","any":"是"})")}),
      prompt("zh-2", "zh", PromptKind::kOpen),
  };
}

ChatModel model() {
  ChatModel m;
  m.name = "a|b";
  m.answers = {
      {{"yes", 1, true}, {"yes", 4, false}},  // the second was cut off
      {{"", 0, true}, {"fine", 2, true}},     // the first is empty
      {{"I can't help with that.", 8, true}, {"Sure.", 2, true}},
      {{"I can't help with that.", 8, true}, {"Sorry, I can't.", 5, true}},
      {{"是", 1, true}, {"不", 1, true}},
      {{"啦啦啦啦啦啦啦啦啦啦啦啦", 10, false}, {"从前有一只小猫住在山上", 9, true}},
  };
  return m;
}

const ChatGroup& group(const ChatModel& m, std::optional<std::string> lang,
                       std::optional<PromptKind> kind) {
  for (const ChatGroup& g : m.groups)
    if (g.lang == lang && g.kind == kind) return g;
  throw std::runtime_error("no such group");
}

TEST(ChatReport, Numbers) {
  const ChatReport report = chat_report(prompts(), {model()});
  const ChatModel& m = report.models[0];
  // en: instruction, harmful, harmless, all; zh: instruction, open, all; all: five.
  EXPECT_EQ(m.groups.size(), 12u);
  const ChatGroup& en = group(m, "en", PromptKind::kInstruction);
  EXPECT_EQ(en.prompts, 2);
  EXPECT_EQ(en.answers, 4);
  EXPECT_DOUBLE_EQ(en.fulfilled->share, 0.5);
  // Two prompts, not four answers.
  EXPECT_EQ(en.fulfilled->prompts, 2);
  EXPECT_DOUBLE_EQ(en.fulfilled->interval.low, base::wilson_interval(1, 2).low);
  EXPECT_DOUBLE_EQ(en.ended->share, 0.75);
  EXPECT_EQ(en.empty, 1);
  EXPECT_DOUBLE_EQ(*en.tokens, 7.0 / 4);
  EXPECT_FALSE(en.distinct4);

  EXPECT_DOUBLE_EQ(group(m, "en", PromptKind::kHarmful).refused->share, 0.5);
  EXPECT_DOUBLE_EQ(group(m, "en", PromptKind::kHarmless).refused->share, 1);
  EXPECT_FALSE(group(m, "en", PromptKind::kHarmful).fulfilled);  // nothing was checked
  const ChatGroup& open = group(m, "zh", PromptKind::kOpen);
  EXPECT_DOUBLE_EQ(open.repeated->share, 0.5);
  EXPECT_DOUBLE_EQ(*open.distinct4, (1.0 / 9 + 1) / 2);
  EXPECT_DOUBLE_EQ(group(m, {}, PromptKind::kInstruction).fulfilled->share, 0.5);
  EXPECT_EQ(group(m, {}, {}).prompts, 6);
  EXPECT_NEAR(group(m, {}, {}).ended->share, (0.5 + 1 + 1 + 1 + 1 + 0.5) / 6, 1e-12);
}

TEST(ChatReport, OneLanguageAndOneKindNeedNoSums) {
  const ChatReport report =
      chat_report({prompt("x", "en", PromptKind::kOpen)}, {{"m", {{{"Hello.", {}, {}}}}, {}, {}}});
  ASSERT_EQ(report.models[0].groups.size(), 1u);
  // A recorded answer does not say how it ended.
  EXPECT_FALSE(report.models[0].groups[0].ended);
  EXPECT_FALSE(report.models[0].groups[0].tokens);
}

TEST(ChatReport, AnEmptyAnswerFulfilsNothing) {
  const ChatPrompt p =
      prompt("x", "en", PromptKind::kInstruction, {rule(R"({"rule":"no_commas"})")});
  EXPECT_FALSE(judge_answer(p, {" \n", 0, true}).fulfilled);
  EXPECT_TRUE(judge_answer(p, {"x", 1, true}).fulfilled);
  EXPECT_EQ(judge_answer(p, {"a, b", 1, true}).failed,
            std::vector<std::string>{R"({"rule":"no_commas"})"});
}

TEST(ChatReport, SaysItInEveryForm) {
  ChatModel other = model();
  other.name = "乙";
  const ChatReport report =
      chat_report(prompts(), {model(), other}, {{"repeats", 2}, {"max_tokens", 10}});
  const auto json = chat_report_json(report, true);
  EXPECT_EQ(json["repeats"], 2);
  EXPECT_EQ(json["prompts"], 6);
  EXPECT_EQ(json["models"][1]["name"], "乙");
  EXPECT_EQ(json["models"][0]["groups"][0]["fulfilled"]["share"], 0.5);
  EXPECT_TRUE(json["models"][0]["groups"][1]["fulfilled"].is_null());
  EXPECT_EQ(json["answers"][0]["answers"]["a|b"][1]["failed"][0]["rule"], "ended");
  EXPECT_EQ(json["answers"][5]["answers"]["乙"][0]["repeated"], true);
  EXPECT_FALSE(chat_report_json(report, false).contains("answers"));

  const std::string table = chat_report_table(report);
  EXPECT_NE(table.find("| harmful refused, en |"), std::string::npos) << table;
  EXPECT_NE(table.find("| a\\|b "), std::string::npos) << table;
  // Every row of a table is as wide as its head, in columns of a terminal.
  std::istringstream lines(table);
  size_t width = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.empty()) {
      width = 0;
      continue;
    }
    const size_t columns = columns_of(line);
    if (width == 0) width = columns;
    EXPECT_EQ(columns, width) << line;
  }

  const std::string answers = chat_report_answers(report);
  EXPECT_NE(answers.find("--- en-1 (en, instruction)"), std::string::npos);
  EXPECT_NE(answers.find("-> not fulfilled, cut off, 4 tokens\n     failed: {\"rule\":\"ended\"}"),
            std::string::npos)
      << answers;
}

TEST(Repetition, OfWordsAndCharacters) {
  // "a b c d" four times: more than three.
  std::string three, four;
  for (int i = 0; i < 3; ++i) three += "The cat sat down, ";
  four = three + "the CAT sat down.";
  EXPECT_FALSE(repetition_of(three).repeated);
  EXPECT_TRUE(repetition_of(four).repeated);
  // Chinese needs eight characters.
  std::string verse, refrain;
  for (int i = 0; i < 6; ++i)
    verse +=
        "小猫跑" + std::string(i % 2 ? "。" : "，") + "一二三四五六七八九十" + std::to_string(i);
  EXPECT_TRUE(repetition_of(verse).repeated);
  for (int i = 0; i < 6; ++i) refrain += "小猫跑了" + std::to_string(i);
  EXPECT_FALSE(repetition_of(refrain).repeated);
  EXPECT_FALSE(repetition_of("").repeated);
  EXPECT_FALSE(repetition_of("one two three").distinct4);
  EXPECT_DOUBLE_EQ(*repetition_of("one two three four").distinct4, 1);
  EXPECT_DOUBLE_EQ(*repetition_of("a a a a a").distinct4, 0.5);
}

class ChatPromptsFile : public testing::Test {
 protected:
  // What reading a file of this content says.
  std::string error_of(const std::string& content) {
    const std::filesystem::path file = std::filesystem::path(testing::TempDir()) / "checks.jsonl";
    std::ofstream(file) << content;
    try {
      read_chat_prompts(file);
    } catch (const base::Error& error) {
      return error.what();
    }
    return "none";
  }
};

TEST_F(ChatPromptsFile, MistakesNameRecordAndField) {
  const std::string good =
      R"({"id":"a","lang":"en","kind":"open","messages":[{"role":"user","content":"x"}]})"
      "\n";
  EXPECT_EQ(error_of(good), "none");
  const auto expect = [&](const std::string& line, const std::string& words) {
    const std::string error = error_of(good + line + "\n");
    EXPECT_NE(error.find("checks.jsonl:2"), std::string::npos) << error;
    EXPECT_NE(error.find(words), std::string::npos) << error;
  };
  const std::string messages = R"("messages":[{"role":"user","content":"x"}])";
  expect(R"({"lang":"en"})", "no \"id\"");
  expect(R"({"id":"a"})", "record \"a\": another record has this \"id\"");
  expect(R"({"id":"b","lang":"fr"})", "record \"b\": \"lang\" is \"fr\"");
  expect(R"({"id":"b","lang":"en","kind":"bad"})", "\"kind\" is \"bad\"");
  expect(R"({"id":"b","lang":"en","kind":"open"})", "neither \"messages\"");
  expect(R"({"id":"b","lang":"en","kind":"instruction",)" + messages + "}", "without \"checks\"");
  expect(
      R"({"id":"b","lang":"en","kind":"instruction","checks":[{"rule":"ended"},{"rule":"items"}],)" +
          messages + "}",
      "record \"b\": \"checks\"[1]: rule \"items\": \"min\" is missing");
  expect(R"({"id":"b","lang":"en","kind":"open","checks":{},)" + messages + "}", "not a list");
  expect(R"({"id":"b","lang":"en","kind":"open","example":"B","checks":[{"rule":"lowercase"}],)" +
             messages + "}",
         "the \"example\" does not fulfil {\"rule\":\"lowercase\"}");
}

TEST(MiniChecks, DecideWhatTheyShould) {
  const std::vector<ChatPrompt> checks = read_chat_prompts(
      std::filesystem::path(PARLEY_SOURCE_DIR) / "recipes" / "mini" / "checks.jsonl");
  for (const char* lang : {"en", "zh"}) {
    const auto count = [&](PromptKind kind) {
      return std::ranges::count_if(
          checks, [&](const ChatPrompt& p) { return p.lang == lang && p.kind == kind; });
    };
    EXPECT_EQ(count(PromptKind::kInstruction), 40);
    EXPECT_EQ(count(PromptKind::kHarmful), 20);
    EXPECT_EQ(count(PromptKind::kHarmless), 20);
    EXPECT_EQ(count(PromptKind::kOpen), 10);
  }
  // Reading has tried that every instruction can be fulfilled; nothing fulfils it by chance.
  for (const ChatPrompt& p : checks) {
    if (p.kind != PromptKind::kInstruction) continue;
    for (const char* answer :
         {"I do not know what you mean, my friend. Please tell me more about it, and then we will "
          "see.",
          "我不太明白你的意思，朋友。请再多说一点，然后我们一起看看。", "the the the the the the"})
      EXPECT_FALSE(judge_answer(p, {answer, 20, true}).fulfilled) << p.id << ": " << answer;
  }
}

}  // namespace
}  // namespace parley::eval
