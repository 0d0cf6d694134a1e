// Regular expressions as expressions of a grammar.
#pragma once

#include <string>
#include <string_view>

#include "grammar/expression.h"

namespace parley::grammar {

struct RegexOptions {
  std::string what = "regular expression";  // in messages
  // The text is that of a JSON string: characters are written as JSON writes them.
  bool in_json = false;
  // The pattern need only occur in the text, as JSON Schema has it, not match the whole.
  bool search = false;
};

// Error naming the place if the pattern is malformed or asks for what no finite automaton can do
// (back references, look-around) or this one does not (\b, \p{…}, flags, anchors inside groups).
ExpressionPtr regex(std::string_view pattern, const RegexOptions& options);

}  // namespace parley::grammar
