// response_format: what an answer has to look like.
#pragma once

#include "server/fields.h"
#include "server/grammar_cache.h"

namespace parley::server {

struct AnswerFormat {
  grammar::GrammarPtr grammar;  // none: text
  bool json_object = false;     // the type json_object, whose prompts must speak of JSON
};

// text, json_object, json_schema; beyond OpenAI's also {"type": "regex", "regex"} and
// {"type": "grammar", "grammar"} (GBNF). ApiError 400 when the schema is malformed or uses what is
// not supported.
AnswerFormat read_answer_format(Fields& fields, GrammarCache& grammars);

}  // namespace parley::server
