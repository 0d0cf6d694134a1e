// Calls of functions inside an answer.
#include <set>

#include "base/error.h"
#include "grammar/compiled.h"
#include "grammar/json_schema.h"
#include "tokenizer/unicode.h"

namespace parley::grammar {
namespace {

constexpr std::string_view kOpen = "<tool_call>", kClose = "</tool_call>";

// Any characters that do not hold `kOpen`, whose first character does not come again in it: a
// part of it is followed by what does not continue it, by a beginning of its own, or by the end.
ExpressionPtr text_without_calls() {
  const auto first = static_cast<uint32_t>(static_cast<uint8_t>(kOpen[0]));
  std::vector<ExpressionPtr> parts, broken;
  for (size_t i = 1; i < kOpen.size(); ++i) {
    const ExpressionPtr part = bytes(kOpen.substr(0, i));
    const auto next = static_cast<uint32_t>(static_cast<uint8_t>(kOpen[i]));
    parts.push_back(part);
    broken.push_back(sequence({part, chars(complement({{first, first}, {next, next}, {0, 0}}))}));
  }
  const ExpressionPtr any_parts = repeat(choice(parts), 0, -1);
  return sequence({repeat(choice({chars(complement({{first, first}, {0, 0}})),
                                  sequence({any_parts, choice(broken)})}),
                          0, -1),
                   any_parts});
}

ExpressionPtr arguments_of(const Tool& tool, RuleSet& rules, JsonText& json) {
  const Json& parameters = tool.parameters;
  if (parameters.is_null() || parameters == Json::object()) return json.object();
  try {
    JsonSchema schema(parameters, rules, json);
    ExpressionPtr expression = schema.compile();
    schema.check_object();
    return expression;
  } catch (const base::Error& error) {
    base::fail("tool '{}': {}", tool.name, error.what());
  }
}

}  // namespace

GrammarPtr tool_calls(const std::vector<Tool>& tools, ToolChoice tool_choice, bool parallel) {
  if (tools.empty()) base::fail("there is no tool to call");
  RuleSet rules;
  const auto root = static_cast<size_t>(rules.add("answer"));
  const auto call_rule = rules.add("call");
  JsonText json(rules);
  std::set<std::string> names;
  std::vector<ExpressionPtr> ways;
  for (const Tool& tool : tools) {
    if (tool.name.empty() || tool.name.size() > 1000)
      base::fail("a tool's name must have 1 to 1000 bytes");
    if (tokenizer::valid_utf8_prefix(tool.name) != tool.name.size())
      base::fail("a tool's name must be UTF-8");
    if (!names.insert(tool.name).second) base::fail("two tools are called '{}'", tool.name);
    ways.push_back(sequence(
        {json_constant(tool.name), bytes(", \"arguments\": "), arguments_of(tool, rules, json)}));
  }
  rules.rules[static_cast<size_t>(call_rule)].body = sequence(
      {bytes(kOpen), bytes("\n{\"name\": "), choice(std::move(ways)), bytes("}\n"), bytes(kClose)});
  const ExpressionPtr call = rule(call_rule);
  const ExpressionPtr calls =
      parallel ? sequence({call, repeat(sequence({bytes("\n"), call}), 0, -1)}) : call;
  if (tool_choice == ToolChoice::kRequired) {
    rules.rules[root].body = calls;
  } else {
    const ExpressionPtr text = rule(rules.add("text", text_without_calls()));
    rules.rules[root].body = sequence({text, optional(calls)});
  }
  return compile(rules);
}

}  // namespace parley::grammar
