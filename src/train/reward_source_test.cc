#include "train/reward_source.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/error.h"
#include "base/files.h"
#include "train/rule_reward.h"

namespace parley::train {
namespace {

using nlohmann::json;

double score(std::string_view spec, std::string_view response, const json& record = json::object(),
             bool finished = true) {
  const Answer answer{"the prompt", response, &record, finished, {}};
  return make_reward_source(spec, nullptr)->score({&answer, 1}).at(0);
}

std::string error_of(std::string_view spec, std::string_view response = "x",
                     const json& record = json::object()) {
  try {
    score(spec, response, record);
  } catch (const base::Error& error) {
    return error.what();
  }
  return "no error";
}

#define EXPECT_HAS(text, part) EXPECT_NE((text).find(part), std::string::npos) << (text)

TEST(RewardSpec, APartAloneIsTakenAsItIs) {
  const auto parts = parse_reward_spec("regex:a+3*b: 'c'");
  ASSERT_EQ(parts.size(), 1u);
  EXPECT_EQ(parts[0].kind, "regex");
  EXPECT_EQ(parts[0].argument, "a+3*b: 'c'");
  EXPECT_EQ(parse_reward_spec("exact")[0].argument, "");
}

TEST(RewardSpec, MixesAndQuotes) {
  const auto parts = parse_reward_spec(
      R"( 0.7*regex:a+b* + -0.25 * command:'python3 "a b" it''s+1*x' +.5*exact+1*regex:"q""+2*" )");
  ASSERT_EQ(parts.size(), 4u);
  EXPECT_EQ(parts[0].weight, 0.7);
  EXPECT_EQ(parts[0].argument, "a+b*");
  EXPECT_EQ(parts[1].weight, -0.25);
  EXPECT_EQ(parts[1].kind, "command");
  EXPECT_EQ(parts[1].argument, "python3 \"a b\" it's+1*x");
  EXPECT_EQ(parts[2].kind, "exact");
  EXPECT_EQ(parts[3].argument, "q\"+2*");
  EXPECT_EQ(parse_reward_spec("2*regex:是+1*regex:否")[1].argument, "否");
}

TEST(RewardSpec, SaysWhatIsWrong) {
  EXPECT_THROW(parse_reward_spec(" "), base::UsageError);
  EXPECT_HAS(error_of("0.5*regex:'a"), "not closed");
  EXPECT_HAS(error_of("0.5*regex:'a'b"), "a + is wanted before \"b\"");
  EXPECT_HAS(error_of("0.5*exact+finished"), "has a weight");
  EXPECT_HAS(error_of("exact+0.3*length:20"), "a weight before each part");
  EXPECT_HAS(error_of("rouge"), "no reward source \"rouge\"");
  EXPECT_HAS(error_of("model:"), "model: write model:DIR");
  EXPECT_HAS(error_of("model:x"), "cannot be used here");
  EXPECT_HAS(error_of("length:0"), "characters from 1 up");
  EXPECT_HAS(error_of("exact:answer,loud"), "no option \"loud\"");
}

TEST(Regex, FindsAndScores) {
  EXPECT_EQ(score("regex:yes|no", "I say yes."), 1);
  EXPECT_EQ(score("regex:^yes$", "I say yes."), 0);
  EXPECT_EQ(score("regex:(?i)YES", "yes"), 1);
  EXPECT_EQ(score("regex:^\\p{Han}+。$", "你好世界。"), 1);
  EXPECT_EQ(score("regex:score: (?<score>-?[\\d.]+)", "my score: -2.5!"), -2.5);
  EXPECT_EQ(score("regex:(?<score>\\d+)?x", "x"), 0);
  EXPECT_EQ(score("regex:a.b",
                  "a\xFF"
                  "b"),
            1);  // not UTF-8: one unknown character
  EXPECT_HAS(error_of("regex:(a"), "does not compile at character 2");
}

TEST(Regex, NoPatternHangs) {
  const auto start = std::chrono::steady_clock::now();
  const std::string text(4000, 'a');
  EXPECT_EQ(score("regex:(a|aa)+$b", text), 0);
  EXPECT_EQ(score("regex:(a+)+b", text), 0);
  // Under PCRE2's own limit at each of the text's characters, and not in their sum.
  EXPECT_EQ(score("regex:(a?){18}a{18}b", text), 0);
  EXPECT_EQ(score("regex:^(a*)*$", text), 1);
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(), 3);
}

TEST(Exact, ComparesNormalisedText) {
  EXPECT_EQ(score("exact", " 42\n", {{"answer", "42"}}), 1);
  EXPECT_EQ(score("exact", "42", {{"answer", 42}}), 1);
  EXPECT_EQ(score("exact", "Paris", {{"answer", "paris"}}), 0);
  EXPECT_EQ(score("exact:,fold", "PARIS", {{"answer", "paris"}}), 1);
  EXPECT_EQ(score("exact:answer,fold", "Straße", {{"answer", "STRASSE"}}), 1);
  EXPECT_EQ(score("exact:target", "cafe\xCC\x81", {{"target", "caf\xC3\xA9"}}), 1);  // NFC
  EXPECT_EQ(score("exact", "\xE3\x80\x80北京\xE3\x80\x80", {{"answer", "北京"}}), 1);
  EXPECT_EQ(score("exact", "B", {{"answer", {"A", "B"}}}), 1);
  EXPECT_EQ(score("exact:/meta/gold", "x", {{"meta", {{"gold", "x"}}}}), 1);
  EXPECT_HAS(error_of("exact"), "no field \"answer\"");
  EXPECT_HAS(error_of("exact:/a~"), "no JSON pointer");
}

TEST(Number, ReadsWhatGradersRead) {
  const auto is = [](std::string_view text, double value) {
    const auto number = last_number(text);
    EXPECT_TRUE(number && same_number(*number, value)) << text << " gives " << number.value_or(-1);
  };
  is("It costs 3 apples, so 42", 42);
  is("#### 1,234,567", 1234567);
  is("#### 18\nthat took 5 steps", 18);
  is("first \\boxed{7}, no: \\boxed{12}. Done in 3 steps.", 12);
  is("\\boxed{\\frac{3}{4}}", 0.75);
  is("\\boxed{x = -\\frac{1}{2}}", -0.5);
  is("\\boxed{1{,}000}", 1000);
  is("#### Step 3\nso we get 8", 8);
  is("The answer is -5.", -5);
  is("the answer is $-5$", -5);
  is("he owes -$5", -5);
  is("10-2", 2);
  is("x-3", 3);
  is("答案是１，２３４．５元", 1234.5);
  is("一共４２个。", 42);
  is("\xE2\x88\x92"
     "7",
     -7);
  is("1\xC2\xA0"
     "234",
     1234);
  is("25%", 25);
  is("3/4", 0.75);
  is("1, 2, 3", 3);
  is("1,2345", 2345);
  is("2.50 dollars", 2.5);
  is(".5", 0.5);
  is("6.02e23", 6.02e23);
  is("We have 12 H2O", 12);
  EXPECT_FALSE(last_number("no number at all"));
  EXPECT_FALSE(last_number(""));
  EXPECT_FALSE(last_number("\\boxed{\\frac{"));
  EXPECT_FALSE(same_number(42, 43));
  EXPECT_TRUE(same_number(0, 0));
}

TEST(Number, ScoresAgainstTheRecord) {
  EXPECT_EQ(score("number", "so it is 1,234 in all", {{"answer", "lots of work\n#### 1234"}}), 1);
  EXPECT_EQ(score("number:gold", "7", {{"gold", 7}}), 1);
  EXPECT_EQ(score("number:gold", "8", {{"gold", 7}}), 0);
  EXPECT_EQ(score("number:gold", "none", {{"gold", 7}}), 0);
  EXPECT_HAS(error_of("number", "7", {{"answer", "none"}}), "holds no number");
}

TEST(Length, FallsOnBothSides) {
  EXPECT_EQ(score("length:4", "abcd"), 1);
  EXPECT_EQ(score("length:4", "你好世界"), 1);
  EXPECT_EQ(score("length:4", "ab"), 0.5);
  EXPECT_EQ(score("length:4", "abcdef"), 0.5);
  EXPECT_EQ(score("length:4", std::string(100, 'a')), 0);
  EXPECT_EQ(score("finished", "a", json::object(), false), 0);
}

TEST(Mix, AddsAndKeepsMeans) {
  const json record = {{"answer", "yes"}};
  const std::vector<Answer> answers = {{"p", "yes", &record, true, {}},
                                       {"p", "no", &record, true, {}}};
  const auto mix = make_reward_source("2*exact+-0.5*regex:o+1*model:some dir", [](auto dir) {
    EXPECT_EQ(dir, "some dir");
    return make_reward_source("length:2", nullptr);
  });
  EXPECT_TRUE(mix->last_means().empty());
  EXPECT_EQ(mix->score(answers), (std::vector<double>{2.5, 0.5}));
  using Means = std::vector<std::pair<std::string, double>>;
  EXPECT_EQ(mix->last_means(),
            (Means{{"exact:answer", 0.5}, {"regex:o", 0.5}, {"length:2", 0.75}}));
  EXPECT_TRUE(mix->score({}).empty());
}

TEST(Command, ScoresLineByLine) {
  const char* script = R"('import sys, json
for line in sys.stdin:
    x = json.loads(line)
    print("scored", file=sys.stderr)
    print(json.dumps({"reward": len(x["response"]) + x["record"]["bonus"]}), flush=True)')";
  const json record = {{"bonus", 0.5}};
  std::vector<Answer> answers(1500, {"p", "你\n\"", &record, true, {}});
  const auto source = make_reward_source(std::string("command:python3 -c ") + script, nullptr);
  EXPECT_EQ(source->score(answers), std::vector<double>(1500, 3.5));
  EXPECT_EQ(source->score({answers.data(), 1}), std::vector<double>{3.5});  // still running
}

TEST(Command, SaysWhatWentWrong) {
  EXPECT_HAS(error_of("command:no-such-judge"), "no-such-judge: no such program");
  EXPECT_HAS(error_of("command:"), "command: write command:PROGRAM ARGS");
  EXPECT_HAS(error_of("command:sh -c 'echo broken >&2'"), "broken");
  EXPECT_HAS(error_of("command:echo hello"), "it wrote: hello");
  EXPECT_HAS(error_of("command:echo '{\"reward\": \"5\"}'"), "a finite number is wanted");
  EXPECT_HAS(error_of("command:printf '{\"reward\":1}\\n{\"reward\":2}\\n'"), "more lines");
  // No shell reads the command.
  EXPECT_HAS(error_of("command:echo {\"reward\":1}; rm x"), "it wrote: {reward:1}; rm x");
}

}  // namespace
}  // namespace parley::train
