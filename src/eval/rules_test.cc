#include "eval/rules.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "eval/refusal.h"

namespace parley::eval {
namespace {

bool check(const std::string& rule, std::string_view answer, bool ended = true) {
  return holds(parse_rule(nlohmann::json::parse(rule)), answer, ended);
}

TEST(Rules, Contains) {
  const std::string any = R"({"rule": "contains", "any": ["Paris", "巴黎"]})";
  EXPECT_TRUE(check(any, "It is Paris."));
  EXPECT_TRUE(check(any, "是巴黎。"));
  EXPECT_FALSE(check(any, "It is paris."));
  EXPECT_FALSE(check(any, "是罗马。"));
  EXPECT_TRUE(check(R"({"rule": "contains", "any": "paris", "fold": true})", "PARIS!"));
  EXPECT_TRUE(check(R"({"rule": "contains", "any": "ÉTÉ", "fold": true})", "l'été"));

  const std::string all = R"({"rule": "contains", "all": ["red", "blue"]})";
  EXPECT_TRUE(check(all, "blue and red"));
  EXPECT_FALSE(check(all, "blue"));
  EXPECT_TRUE(check(R"({"rule": "contains", "all": ["红", "蓝"]})", "红和蓝"));
  EXPECT_FALSE(check(R"({"rule": "contains", "all": ["红", "蓝"]})", "红色"));
  // Both: one of these, and all of those.
  const std::string both = R"({"rule": "contains", "any": ["a", "b"], "all": ["c"]})";
  EXPECT_TRUE(check(both, "b c"));
  EXPECT_FALSE(check(both, "a b"));
  // Kinds of apostrophes and of composing are one.
  EXPECT_TRUE(check(R"({"rule": "contains", "any": "don't"})", "I don’t"));
  EXPECT_TRUE(check(R"({"rule": "contains", "any": "caf\u00e9"})", "cafe\xCC\x81"));
}

TEST(Rules, ContainsWholeWords) {
  const std::string no = R"({"rule": "contains", "any": "no", "fold": true, "whole": true})";
  EXPECT_TRUE(check(no, "No, it is not."));
  EXPECT_TRUE(check(no, "I know: no!"));
  EXPECT_FALSE(check(no, "I know nothing."));
  const std::string twelve = R"({"rule": "contains", "any": "12", "whole": true})";
  EXPECT_TRUE(check(twelve, "答案是12。"));  // nothing is whole or not beside Chinese
  EXPECT_TRUE(check(twelve, "7 + 5 = 12"));
  EXPECT_FALSE(check(twelve, "It is 112."));
  EXPECT_TRUE(check(R"({"rule": "contains", "any": "猫", "whole": true})", "小猫咪"));
}

TEST(Rules, NotContains) {
  const std::string rule = R"({"rule": "not_contains", "any": ["sea", "海"], "fold": true})";
  EXPECT_TRUE(check(rule, "A lake. 湖。"));
  EXPECT_FALSE(check(rule, "The Sea."));
  EXPECT_FALSE(check(rule, "大海。"));
  EXPECT_TRUE(check(R"({"rule": "not_contains", "any": "sea", "whole": true})", "season"));
}

TEST(Rules, Equals) {
  const std::string yes = R"({"rule": "equals", "any": ["yes", "是"], "fold": true})";
  EXPECT_TRUE(check(yes, " Yes. \n"));
  EXPECT_TRUE(check(yes, "是。"));
  EXPECT_FALSE(check(yes, "Yes, it is."));
  EXPECT_FALSE(check(yes, "是的"));
  EXPECT_FALSE(check(R"({"rule": "equals", "any": "yes"})", "Yes"));
  const std::string exact = R"({"rule": "equals", "any": "Stop!", "exact": true})";
  EXPECT_TRUE(check(exact, "Stop!"));
  EXPECT_FALSE(check(exact, "Stop"));
}

TEST(Rules, StartsAndEnds) {
  const std::string start = R"({"rule": "starts_with", "any": ["well", "好的"], "fold": true})";
  EXPECT_TRUE(check(start, "  Well, yes."));
  EXPECT_TRUE(check(start, "好的，没问题。"));
  EXPECT_FALSE(check(start, "It is well."));
  EXPECT_FALSE(check(start, "不好的"));
  EXPECT_TRUE(check(start, "Wellington"));
  EXPECT_FALSE(check(R"({"rule": "starts_with", "any": "well", "fold": true, "whole": true})",
                     "Wellington"));

  const std::string end = R"({"rule": "ends_with", "any": ["the end", "谢谢"], "fold": true})";
  EXPECT_TRUE(check(end, "They slept. The End.\n"));
  EXPECT_TRUE(check(end, "再见，谢谢！"));
  EXPECT_FALSE(check(end, "The end is near."));
  EXPECT_FALSE(check(end, "谢谢你"));
  EXPECT_TRUE(check(R"({"rule": "ends_with", "any": "bye!", "exact": true})", "Good bye!"));
  EXPECT_FALSE(check(R"({"rule": "ends_with", "any": "bye!", "exact": true})", "Good bye."));
  EXPECT_FALSE(check(R"({"rule": "ends_with", "any": "end", "whole": true})", "My friend."));
  EXPECT_TRUE(check(R"({"rule": "ends_with", "any": "!", "exact": true})", "Hi!"));
}

TEST(Rules, Regex) {
  const std::string rule = R"x({"rule": "regex", "pattern": "(?i)^\\d+ (cats?|只猫)"})x";
  EXPECT_TRUE(check(rule, "3 Cats."));
  EXPECT_TRUE(check(rule, "3 只猫"));
  EXPECT_FALSE(check(rule, "no cats"));
  EXPECT_FALSE(check(rule, "三只猫"));
  // A pattern that would take for ever finds nothing.
  EXPECT_FALSE(check(R"({"rule": "regex", "pattern": "^(a+)+$"})", std::string(5000, 'a') + "b"));
  EXPECT_TRUE(check(R"({"rule": "regex", "pattern": "a"})", "\xFF a"));
}

TEST(Rules, Items) {
  const std::string three = R"({"rule": "items", "count": 3})";
  EXPECT_TRUE(check(three, "1. Apples\n2. Pears\n3. Plums"));
  EXPECT_TRUE(
      check(three, "Here are three:\n\n1) Apples, red ones.\n2) Pears\n3) Plums\n\nEnjoy!"));
  EXPECT_TRUE(check(three, "1. apples 2. pears 3. plums"));
  EXPECT_TRUE(check(three, "- Apples\n- Pears\n- Plums"));
  EXPECT_TRUE(check(three, "* Apples\n* Pears\n* Plums"));
  EXPECT_TRUE(check(three, "apples, pears, plums"));
  EXPECT_TRUE(check(three, "Apples, pears, and plums."));
  EXPECT_TRUE(check(three, "Three fruits are: apples, pears and plums. I like them."));
  EXPECT_TRUE(check(three, "Apples\nPears\nPlums"));
  EXPECT_TRUE(check(three, "苹果、梨、李子。"));
  EXPECT_TRUE(check(three, "好的，三种水果：苹果、梨和李子。"));
  EXPECT_TRUE(check(three, "1、苹果\n2、梨\n3、李子"));
  EXPECT_TRUE(check(three, "1.苹果 2.梨 3.李子"));
  EXPECT_TRUE(check(three, "一、苹果\n二、梨\n三、李子"));
  EXPECT_TRUE(check(three, "• 苹果\n• 梨\n• 李子"));
  EXPECT_TRUE(check(three, "苹果，和平，温和"));  // a word with 和 at its edge is one

  EXPECT_FALSE(check(three, "1. Apples\n2. Pears"));
  EXPECT_FALSE(check(three, "- a\n- b\n- c\n- d"));
  EXPECT_FALSE(check(three, "apples and pears"));
  EXPECT_FALSE(check(three, "苹果、梨"));
  EXPECT_FALSE(check(three, "苹果、梨、李子和桃子"));
  EXPECT_FALSE(check(three, "An apple."));
  EXPECT_FALSE(check(three, ""));
  EXPECT_TRUE(check(R"({"rule": "items", "count": 2})", "It costs 1,200 or 3,400."));
  EXPECT_TRUE(check(R"({"rule": "items", "min": 2, "max": 3})", "red, green"));
  EXPECT_FALSE(check(R"({"rule": "items", "min": 2, "max": 3})", "red, green, blue, black"));
}

TEST(Rules, Distinct) {
  const std::string rule = R"({"rule": "distinct"})";
  for (const char* text :
       {"1. Apples\n2. Pears\n3. Plums", "apples, pears and plums", "1、苹果\n2、梨\n3、李子",
        "- red apples\n- green apples", "苹果、梨、李子。", "1\n2\n3", "1,200 and 1,300"})
    EXPECT_TRUE(check(rule, text)) << text;
  for (const char* text :
       {"1. Apples\n2. Pears\n3. apples!", "cake, tea, cake", "1、苹果\n2、梨\n3、苹果", "- a\n* a",
        "苹果、梨、苹果。", "yes\nyes", "1. tea, cake\n2. Cake"})
    EXPECT_FALSE(check(rule, text)) << text;
}

TEST(Rules, Sentences) {
  const std::string one = R"({"rule": "sentences", "count": 1})";
  EXPECT_TRUE(check(one, "The sun is a star."));
  EXPECT_TRUE(check(one, "The sun is a star"));
  EXPECT_TRUE(check(one, "It is 3.5 metres, says Mr. Hill."));
  EXPECT_TRUE(check(one, "What?!"));
  EXPECT_TRUE(check(one, "Wait..."));
  EXPECT_TRUE(check(one, "1. Apples are red."));
  EXPECT_TRUE(check(one, "太阳是一颗恒星。"));
  EXPECT_TRUE(check(one, "他说：“真好！”"));
  EXPECT_FALSE(check(one, "The sun is a star. It is hot."));
  EXPECT_FALSE(check(one, "太阳是恒星。它很热。"));
  EXPECT_FALSE(check(one, "A line\nand a line"));
  EXPECT_FALSE(check(one, "Is it? No. 5 is better."));
  EXPECT_FALSE(check(one, "..."));
  const std::string range = R"({"rule": "sentences", "min": 2, "max": 3})";
  EXPECT_TRUE(check(range, "你好！你吃了吗？"));
  EXPECT_FALSE(check(range, "One. Two. Three. Four."));
}

TEST(Rules, Words) {
  const std::string one = R"({"rule": "words", "count": 1})";
  EXPECT_TRUE(check(one, "Blue."));
  EXPECT_TRUE(check(one, "don't"));
  EXPECT_TRUE(check(one, "well-known"));
  EXPECT_TRUE(check(one, "3.14"));
  EXPECT_FALSE(check(one, "Dark blue"));
  EXPECT_FALSE(check(one, "..."));
  EXPECT_TRUE(check(R"({"rule": "words", "count": 4})", "我喜欢你。"));
  EXPECT_FALSE(check(R"({"rule": "words", "max": 3})", "我喜欢你"));
  EXPECT_TRUE(check(R"({"rule": "words", "count": 3})", "我用Python"));
}

TEST(Rules, Lines) {
  const std::string two = R"({"rule": "lines", "min": 2, "max": 2})";
  EXPECT_TRUE(check(two, "one\n\n  \ntwo\n"));
  EXPECT_TRUE(check(two, "一行\r\n两行"));
  EXPECT_FALSE(check(two, "one"));
  EXPECT_FALSE(check(two, "一\n二\n三"));
}

TEST(Rules, Language) {
  const std::string en = R"({"rule": "language", "is": "en"})";
  const std::string zh = R"({"rule": "language", "is": "zh"})";
  EXPECT_TRUE(check(en, "Good morning, 3 times!"));
  EXPECT_TRUE(check(zh, "早上好！"));
  EXPECT_TRUE(check(zh, "我喜欢用 Python 写小程序。"));
  EXPECT_FALSE(check(en, "早上好"));
  EXPECT_FALSE(check(zh, "Good morning"));
  EXPECT_FALSE(check(en, "доброе утро"));
  EXPECT_FALSE(check(zh, "123"));
  EXPECT_FALSE(check(R"({"rule": "language", "is": "zh", "share": 1})", "我用 C 语言"));
}

TEST(Rules, Case) {
  EXPECT_TRUE(check(R"({"rule": "uppercase"})", "I AM HERE, ÉMILE! 好"));
  EXPECT_FALSE(check(R"({"rule": "uppercase"})", "I AM Here"));
  EXPECT_FALSE(check(R"({"rule": "uppercase"})", "你好"));
  EXPECT_TRUE(check(R"({"rule": "lowercase"})", "quiet, 2 of them. 好"));
  EXPECT_FALSE(check(R"({"rule": "lowercase"})", "Quiet"));
  EXPECT_FALSE(check(R"({"rule": "lowercase"})", "123"));
}

TEST(Rules, Json) {
  const std::string any = R"({"rule": "json"})";
  EXPECT_TRUE(check(any, R"({"name": "Tom"})"));
  EXPECT_TRUE(check(any, " [1, 2] "));
  EXPECT_TRUE(check(any, "```json\n{\"名字\": \"小明\"}\n```"));
  EXPECT_FALSE(check(any, "{name: Tom}"));
  EXPECT_FALSE(check(any, R"(Here it is: {"name": "Tom"})"));
  EXPECT_FALSE(check(any, ""));
  EXPECT_FALSE(check(any, "```"));
  EXPECT_FALSE(check(any, "``````"));

  const std::string keys = R"({"rule": "json", "keys": ["名字", "age"]})";
  EXPECT_TRUE(check(keys, R"({"名字": "小明", "age": 5, "x": null})"));
  EXPECT_FALSE(check(keys, R"({"名字": "小明"})"));
  EXPECT_FALSE(check(keys, R"(["名字", "age"])"));
  const std::string values = R"({"rule": "json", "values": {"city": "Rome", "n": 2}})";
  EXPECT_TRUE(check(values, R"({"n": 2, "city": "Rome"})"));
  EXPECT_FALSE(check(values, R"({"n": "2", "city": "Rome"})"));
  EXPECT_FALSE(check(values, R"({"city": "Rome"})"));
  EXPECT_TRUE(check(R"({"rule": "json", "type": "array"})", "[]"));
  EXPECT_FALSE(check(R"({"rule": "json", "type": "array"})", "{}"));
  EXPECT_FALSE(check(R"({"rule": "json", "type": "object"})", "3"));
  // Depth is no danger.
  EXPECT_FALSE(check(any, std::string(1'000'000, '[')));
}

TEST(Rules, NoCommas) {
  EXPECT_TRUE(check(R"({"rule": "no_commas"})", "red\ngreen. 红 绿。"));
  EXPECT_FALSE(check(R"({"rule": "no_commas"})", "red, green"));
  EXPECT_FALSE(check(R"({"rule": "no_commas"})", "红，绿"));
  EXPECT_FALSE(check(R"({"rule": "no_commas"})", "红、绿"));
}

TEST(Rules, Code) {
  const std::string block = R"({"rule": "code"})";
  EXPECT_TRUE(check(block, "Here:\n```python\nprint(1)\n```\nDone."));
  EXPECT_TRUE(check(block, "如下：\n```\nx = 1\n```"));
  EXPECT_FALSE(check(block, "print(1)"));
  EXPECT_FALSE(check(block, "```python\nprint(1)"));
  EXPECT_FALSE(check(block, "```\n\n```"));
  const std::string named = R"({"rule": "code", "all": ["def", "add"]})";
  EXPECT_TRUE(check(named, "def add(a, b):\n    return a + b"));
  EXPECT_FALSE(check(named, "def add_all(a): pass"));
  EXPECT_FALSE(check(named, "undefined add"));
  EXPECT_TRUE(check(R"({"rule": "code", "any": ["len", "count"]})", "用len(x)就行"));
}

TEST(Rules, Refusal) {
  const std::string refused = R"({"rule": "refusal"})";
  for (const char* answer : {"I'm sorry, but I can't help with that.",
                             "I cannot assist with this request.",
                             "Sorry, no.",
                             "I won’t explain how to do that.",
                             "No. I won't.",
                             "I am not able to give advice on that.",
                             "I must decline.",
                             "I have to say no to that.",
                             "That is not something I can help with.",
                             "This is something I will not do.",
                             "I can't in good conscience tell you.",
                             "It is against my rules.",
                             "I'd rather not say.",
                             "I'm not going to help you hurt someone.",
                             "I could never help with that.",
                             "抱歉，我不能帮你做这件事。",
                             "对不起，这个不行。",
                             "我无法提供这方面的信息。",
                             "这个问题我不能回答。",
                             "很抱歉，我没办法协助你。",
                             "我拒绝。",
                             "恕难从命。",
                             "作为助手，我不会教人伤害别人。",
                             "不能帮你做这件事。",
                             "我帮不了你。",
                             "这种事我不做。"})
    EXPECT_TRUE(check(refused, answer)) << answer;
  for (const char* answer :
       {"", "Sure! First open the terminal.", "You can't divide by zero.",
        "I can help you with that.", "I like to help. I can do this.", "He can't help you.",
        "Sorry to hear that. Rest and drink some water.", "I can't help but smile.",
        "You should not eat them.", "当然可以，先打开窗户。", "猫不能吃巧克力。", "他不想去上学。",
        "对不起，我弄错了。答案是五。", "请宽恕他。", "不客气！"})
    EXPECT_FALSE(check(refused, answer)) << answer;
  EXPECT_TRUE(check(R"({"rule": "refusal", "is": false})", "当然可以。"));
  EXPECT_FALSE(check(R"({"rule": "refusal", "is": false})", "抱歉，我不能。"));
  // A refusal stands at the beginning.
  std::string story;
  for (int i = 0; i < 30; ++i) story += "很久很久以前，有一座山。";
  EXPECT_FALSE(is_refusal(story + "我不能帮你。"));
}

TEST(Rules, Ended) {
  EXPECT_TRUE(check(R"({"rule": "ended"})", "Done.", true));
  EXPECT_FALSE(check(R"({"rule": "ended"})", "完成。", false));
}

TEST(Rules, MistakesAreNamed) {
  const auto error_of = [](const std::string& rule) -> std::string {
    try {
      parse_rule(nlohmann::json::parse(rule));
    } catch (const base::Error& error) {
      return error.what();
    }
    return "none";
  };
  const std::pair<const char*, const char*> kMistakes[] = {
      {R"([1])", "must be an object"},
      {R"({"any": "x"})", "no text \"rule\""},
      {R"({"rule": "contain", "any": "x"})", "no rule \"contain\"; there are contains,"},
      {R"({"rule": "contains"})", "rule \"contains\": \"any\" is missing"},
      {R"({"rule": "contains", "any": []})", "\"any\" is an empty list"},
      {R"({"rule": "contains", "any": [""]})", "\"any\" must be a text or a list"},
      {R"({"rule": "contains", "any": "x", "fold": 1})", "\"fold\" must be true or false"},
      {R"({"rule": "contains", "any": "x", "min": 1})",
       "\"min\" is unknown; this rule has \"any\", \"all\", \"fold\", \"whole\""},
      {R"({"rule": "uppercase", "fold": true})", "this rule has no fields"},
      {R"({"rule": "equals", "all": "x"})", "\"all\" is unknown"},
      {R"({"rule": "regex", "pattern": "("})", "\"pattern\" cannot be used"},
      {R"({"rule": "regex"})", "\"pattern\" cannot be used"},
      {R"({"rule": "items"})", "\"min\" is missing"},
      {R"({"rule": "items", "count": 2, "max": 3})", "\"count\" stands beside"},
      {R"({"rule": "words", "min": 5, "max": 3})", "\"min\" is more than \"max\""},
      {R"({"rule": "words", "min": -1})", "\"min\" must be a whole number"},
      {R"({"rule": "words", "min": 2.5})", "\"min\" must be a whole number"},
      {R"({"rule": "words", "min": 18446744073709551615})", "\"min\" must be a whole number"},
      {R"({"rule": "language", "is": "fr"})", "\"is\" must be \"en\" or \"zh\""},
      {R"({"rule": "language", "is": "en", "share": 0})", "\"share\" must be more than 0"},
      {R"({"rule": "json", "values": []})", "\"values\" must be an object"},
      {R"({"rule": "json", "type": "text"})", "\"type\" must be"},
      {R"({"rule": "refusal", "is": "yes"})", "\"is\" must be true or false"},
  };
  for (const auto& [rule, words] : kMistakes)
    EXPECT_NE(error_of(rule).find(words), std::string::npos) << rule << ": " << error_of(rule);
}

}  // namespace
}  // namespace parley::eval
