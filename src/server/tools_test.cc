#include "server/tools.h"

#include <gtest/gtest.h>

namespace parley::server {
namespace {

using Kind = ToolCallReader::Event::Kind;

// The whole answer in pieces of `size` bytes.
struct Read {
  std::string text;
  std::vector<std::pair<std::string, std::string>> calls;

  Read(std::string_view answer, size_t size) {
    ToolCallReader reader;
    std::vector<ToolCallReader::Event> events;
    const auto take = [&](std::vector<ToolCallReader::Event> fresh) {
      for (auto& event : fresh) {
        if (event.kind == Kind::kText) text += event.text;
        if (event.kind == Kind::kBegin) {
          EXPECT_EQ(event.call, calls.size());
          calls.emplace_back(event.text, "");
        }
        if (event.kind == Kind::kArguments) {
          EXPECT_EQ(event.call + 1, calls.size());
          calls.back().second += event.text;
        }
      }
    };
    for (size_t i = 0; i < answer.size(); i += size) take(reader.push(answer.substr(i, size)));
    take(reader.finish());
    EXPECT_EQ(reader.calls(), calls.size());
  }
};

TEST(ToolCallReader, ReadsWhatCallTextWrites) {
  const std::string first = R"({"city": "北京", "note": "}</tool_call>"})", second = "{}";
  const std::string answer =
      "Let me look.\n" + call_text("get_weather", first) + "\n" + call_text("now", second);
  for (size_t size = 1; size <= answer.size(); ++size) {
    const Read read(answer, size);
    EXPECT_EQ(read.text, "Let me look.") << size;
    ASSERT_EQ(read.calls.size(), 2u) << size;
    EXPECT_EQ(read.calls[0], std::pair(std::string("get_weather"), first)) << size;
    EXPECT_EQ(read.calls[1], std::pair(std::string("now"), second)) << size;
  }
}

TEST(ToolCallReader, TextStaysText) {
  for (const std::string answer :
       {"", "Hello", "a < b <tool", "two\n\nlines\n", "<tool_calls", "\n"})
    for (size_t size = 1; size <= 5; ++size) {
      const Read read(answer, size);
      EXPECT_EQ(read.text, answer);
      EXPECT_TRUE(read.calls.empty());
    }
}

TEST(ToolCallReader, CutShort) {
  const std::string whole = call_text("f", R"({"x": 1})");
  for (size_t length = 0; length < whole.size(); ++length) {
    const Read read(whole.substr(0, length), 3);
    if (read.calls.empty()) continue;
    EXPECT_EQ(read.calls[0].first, "f");
    EXPECT_EQ(std::string(R"({"x": 1}})").find(read.calls[0].second), 0u);
  }
}

Tools read(const std::string& json) {
  const Json body = Json::parse(json);
  Fields fields(body);
  return read_tools(fields);
}

std::string param_of(const std::string& json) {
  try {
    read(json);
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 400);
    EXPECT_STRNE(error.what(), "");
    return error.param;
  }
  return "accepted";
}

TEST(ReadTools, Choices) {
  const std::string tools =
      R"("tools": [{"type": "function", "function": {"name": "a"}},
                   {"type": "function", "function": {"name": "b", "parameters": {"type": "object"}}}])";
  EXPECT_EQ(read("{" + tools + "}").tools.size(), 2u);
  EXPECT_EQ(read("{" + tools + "}").choice, grammar::ToolChoice::kAuto);
  EXPECT_TRUE(read("{" + tools + R"(, "tool_choice": "none"})").empty());
  EXPECT_EQ(read("{" + tools + R"(, "tool_choice": "required"})").choice,
            grammar::ToolChoice::kRequired);
  const Tools named =
      read("{" + tools + R"(, "tool_choice": {"type": "function", "function": {"name": "b"}}})");
  ASSERT_EQ(named.tools.size(), 1u);
  EXPECT_EQ(named.tools[0].name, "b");
  EXPECT_FALSE(named.parallel);
  EXPECT_FALSE(read("{" + tools + R"(, "parallel_tool_calls": false})").parallel);
  const Tools legacy = read(R"({"functions": [{"name": "a"}], "function_call": {"name": "a"}})");
  EXPECT_TRUE(legacy.legacy);
  EXPECT_EQ(legacy.choice, grammar::ToolChoice::kRequired);
  EXPECT_TRUE(read("{}").empty());
}

TEST(ReadTools, SaysWhatIsWrong) {
  EXPECT_EQ(param_of(R"({"tools": 1})"), "tools");
  EXPECT_EQ(param_of(R"({"tools": [1]})"), "tools[0]");
  EXPECT_EQ(param_of(R"({"tools": [{"type": "retrieval"}]})"), "tools[0].type");
  EXPECT_EQ(param_of(R"({"tools": [{"type": "function"}]})"), "tools[0].function");
  EXPECT_EQ(param_of(R"({"tools": [{"type": "function", "function": {"name": "a b"}}]})"),
            "tools[0].function.name");
  EXPECT_EQ(param_of(R"({"tools": [{"type": "function", "function": {"name": "a"}}],
                         "tool_choice": {"type": "function", "function": {"name": "b"}}})"),
            "tool_choice.function.name");
  EXPECT_EQ(param_of(R"({"tools": [{"type": "function", "function": {"name": "a"}}],
                         "tool_choice": "perhaps"})"),
            "tool_choice");
  EXPECT_EQ(param_of(R"({"tool_choice": "required"})"), "tool_choice");
  EXPECT_EQ(param_of(R"({"functions": []})"), "functions");
}

}  // namespace
}  // namespace parley::server
