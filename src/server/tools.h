// Functions a chat may call: how the model is told of them, and how its calls are read.
//
// The form is the one of Hermes and Qwen models: signatures in the system message, calls as
//   <tool_call>\n{"name": "…", "arguments": {…}}\n</tool_call>
// and results in a user's turn as <tool_response>\n…\n</tool_response>. A grammar holds answers to
// it.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/grammar.h"
#include "server/fields.h"
#include "server/grammar_cache.h"

namespace parley::server {

struct Tools {
  std::vector<grammar::Tool> tools;  // those that may be called
  Json signatures = Json::array();   // {"type": "function", "function": {…}} of each
  grammar::ToolChoice choice = grammar::ToolChoice::kAuto;
  bool parallel = true;
  bool legacy = false;  // `functions` and `function_call`: one call, told in the old way

  bool empty() const { return tools.empty(); }
};

// tools, tool_choice, parallel_tool_calls; or functions, function_call. With choice "none" there
// are none.
Tools read_tools(Fields& fields);
// ApiError 400 when a function's schema is not supported.
grammar::GrammarPtr compile_tools(const Tools& tools, GrammarCache& grammars);

// What the system message says of them.
std::string describe_tools(const Tools& tools);
// A call and a result as text of the conversation.
std::string call_text(const std::string& name, const std::string& arguments);
std::string result_text(const std::string& content);

// Reads calls from an answer that comes in pieces.
class ToolCallReader {
 public:
  struct Event {
    enum class Kind { kText, kBegin, kArguments } kind;
    std::string text;  // what is said; the function's name; a piece of the arguments
    size_t call = 0;   // number of the call
  };
  std::vector<Event> push(std::string_view text);
  // The answer ended: what was held back.
  std::vector<Event> finish();
  size_t calls() const { return calls_; }

 private:
  enum class State { kText, kName, kArguments };
  bool step(std::vector<Event>& events);

  State state_ = State::kText;
  std::string held_;
  size_t calls_ = 0;
};

}  // namespace parley::server
