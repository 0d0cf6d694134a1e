// Grammars over bytes: what an answer may look like.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace parley::grammar {

class Grammar;  // compiled; immutable; matcher.h runs it
using GrammarPtr = std::shared_ptr<const Grammar>;

// Every function gives Error naming what is malformed or not supported, and where in the text or
// the schema (a JSON pointer). What comes of a text is bounded: in size, depth and time.

// GBNF, the notation of llama.cpp: `root ::= "yes" | "no"`.
GrammarPtr from_gbnf(std::string_view text);
// A regular expression that the whole answer matches.
GrammarPtr from_regex(std::string_view pattern);
// JSON text that is valid against the schema.
GrammarPtr from_json_schema(const nlohmann::ordered_json& schema);
// Any JSON object.
GrammarPtr json_object();

// A function an answer may call.
struct Tool {
  std::string name;
  nlohmann::ordered_json parameters;  // JSON schema of an object; null: any object
};
enum class ToolChoice {
  kAuto,      // text, or calls, or text and then calls
  kRequired,  // one call or more
};
// Calls are written as
//   <tool_call>\n{"name": "…", "arguments": {…}}\n</tool_call>
// with a line break between two. Text never contains "<tool_call>". `parallel` allows more than
// one.
GrammarPtr tool_calls(const std::vector<Tool>& tools, ToolChoice choice, bool parallel);

}  // namespace parley::grammar
