// Jinja templates, as far as chat templates use the language: for, if, set, macro, namespace,
// loop controls, {% generation %}, expressions, filters and tests. No includes, no files, no
// access to the program. A template from anywhere ends: its cost, depth and output are bounded.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/jinja_ast.h"
#include "tokenizer/marked_text.h"

namespace parley::tokenizer::jinja {

struct Rendered {
  MarkedText text;
  // As long as the text: 1 where a {% generation %} block wrote it. Empty when none ran.
  std::string generated;
};

class Template {
 public:
  // `where` names the template in messages. Error with the line if it is malformed.
  Template(std::string_view source, std::string where);

  using Variables = std::vector<std::pair<std::string, Value>>;
  // Error, with `where` and the line, when the template fails or costs too much. `now` is
  // what strftime_now() shows.
  Rendered render(Variables variables, std::chrono::sys_seconds now) const;

 private:
  std::string where_;
  Block block_;
};

}  // namespace parley::tokenizer::jinja
