#include "grammar/grammar_test_util.h"

namespace parley::grammar {
namespace {

using Json = nlohmann::ordered_json;

const std::vector<Tool>& tools() {
  static const std::vector<Tool> made = {
      {"get_weather", Json::parse(R"({"type": "object", "properties": {"city": {"type": "string"},
        "unit": {"enum": ["C", "F"]}}, "required": ["city", "unit"], "additionalProperties": false})")},
      {"now", nullptr},
      {"get_time", Json::parse(R"({"type": "object", "properties": {}})")}};
  return made;
}

const std::string kCall =
    "<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"北京\", \"unit\": "
    "\"C\"}}\n</tool_call>";

// Splits an answer into its text and its calls; false if a call is malformed.
bool read_answer(std::string_view answer, std::string& text, std::vector<Json>& calls) {
  const size_t begin = std::min(answer.find("<tool_call>"), answer.size());
  text = answer.substr(0, begin);
  for (answer.remove_prefix(begin); !answer.empty();) {
    if (!calls.empty() && !answer.starts_with("\n")) return false;
    if (!calls.empty()) answer.remove_prefix(1);
    constexpr std::string_view kOpen = "<tool_call>\n", kClose = "\n</tool_call>";
    const size_t end = answer.find(kClose);
    if (!answer.starts_with(kOpen) || end == std::string_view::npos) return false;
    const Json call = Json::parse(answer.substr(kOpen.size(), end - kOpen.size()), nullptr, false);
    if (!call.is_object() || call.size() != 2 || !call["arguments"].is_object()) return false;
    calls.push_back(call);
    answer.remove_prefix(end + kClose.size());
  }
  return true;
}

TEST(ToolCalls, Forms) {
  const auto any = tool_calls(tools(), ToolChoice::kAuto, true);
  const auto one = tool_calls(tools(), ToolChoice::kRequired, false);
  const auto some = tool_calls(tools(), ToolChoice::kRequired, true);
  EXPECT_TRUE(accepts(any, ""));
  EXPECT_TRUE(accepts(any, "Hello, 你好 <b>x</b> <tool_cal <tool_call"));
  EXPECT_TRUE(accepts(any, "I look.\n" + kCall));
  EXPECT_TRUE(accepts(any, "<<tool_<" + kCall + "\n" + kCall));
  EXPECT_FALSE(accepts(any, "<tool_call>"));
  EXPECT_FALSE(accepts(any, "<tool_call> x"));
  EXPECT_FALSE(accepts(any, kCall + "text"));
  EXPECT_FALSE(accepts(any, "\xff"));
  EXPECT_TRUE(accepts(one, kCall));
  EXPECT_FALSE(accepts(one, kCall + "\n" + kCall));
  EXPECT_FALSE(accepts(one, "x" + kCall));
  EXPECT_FALSE(accepts(one, ""));
  EXPECT_TRUE(accepts(some, kCall + "\n" + kCall));
  EXPECT_TRUE(
      accepts(some, "<tool_call>\n{\"name\": \"now\", \"arguments\": {\"x\": [1]}}\n</tool_call>"));
  EXPECT_FALSE(accepts(
      some, "<tool_call>\n{\"name\": \"get_time\", \"arguments\": {\"x\": [1]}}\n</tool_call>"));
}

TEST(ToolCalls, RandomAnswersCanBeRead) {
  for (const ToolChoice choice : {ToolChoice::kAuto, ToolChoice::kRequired})
    for (const bool parallel : {false, true}) {
      const auto grammar = tool_calls(tools(), choice, parallel);
      int with_calls = 0;
      for (const auto* vocabulary : {&byte_vocabulary(), &json_vocabulary(), &small_vocabulary()})
        for (uint64_t seed = 0; seed < 60; ++seed) {
          const Walk walk =
              random_walk(grammar, *vocabulary, seed, 80 + static_cast<int64_t>(seed));
          std::string text;
          std::vector<Json> calls;
          ASSERT_TRUE(walk.stopped) << walk.text;
          ASSERT_TRUE(read_answer(walk.text, text, calls)) << walk.text;
          EXPECT_EQ(tokenizer::valid_utf8_prefix(text), text.size());
          with_calls += !calls.empty();
          if (choice == ToolChoice::kRequired) {
            EXPECT_TRUE(text.empty() && !calls.empty());
          }
          if (!parallel) {
            EXPECT_LE(calls.size(), 1u);
          }
          for (const Json& call : calls) {
            if (call["name"] != "get_weather") continue;
            EXPECT_TRUE(call["arguments"]["city"].is_string());
            EXPECT_TRUE(call["arguments"]["unit"] == "C" || call["arguments"]["unit"] == "F");
          }
        }
      EXPECT_GT(with_calls, 0);
    }
}

TEST(ToolCalls, Errors) {
  const auto error = [](const std::vector<Tool>& list) {
    return error_of([&] { tool_calls(list, ToolChoice::kAuto, true); });
  };
  EXPECT_NE(error({}).find("no tool"), std::string::npos);
  EXPECT_NE(error({{"a", nullptr}, {"a", nullptr}}).find("two tools"), std::string::npos);
  EXPECT_NE(
      error({{"a", Json::parse(R"({"type": "string"})")}}).find("tool 'a': #: the schema must"),
      std::string::npos);
  EXPECT_NE(error({{"a", Json::parse(R"({"properties": {"x": {"if": 1}}})")}})
                .find("'if' is not supported"),
            std::string::npos);
  EXPECT_EQ(
      error({{"a", Json::parse(R"({"$ref": "#/$defs/x", "$defs": {"x": {"type": "object"}}})")}}),
      "");
}

}  // namespace
}  // namespace parley::grammar
