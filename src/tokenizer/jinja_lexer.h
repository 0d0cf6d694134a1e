// A Jinja template's text to tokens.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace parley::tokenizer::jinja {

enum class TokenKind {
  kText,        // outside of tags
  kPrintBegin,  // {{
  kPrintEnd,    // }}
  kBlockBegin,  // {%
  kBlockEnd,    // %}
  kName,
  kString,  // without quotes and escapes
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind;
  std::string text;
  int line;
};

// White space around tags goes as trim_blocks, lstrip_blocks and the marks "-" and "+" say;
// comments go. The last token is kEnd. Error with `where` and the line.
std::vector<Token> tokenize(std::string_view source, const std::string& where);

}  // namespace parley::tokenizer::jinja
