// The grammar of JSON text, in the parts that schemas are made of.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "grammar/expression.h"

namespace parley::grammar {

// Adds the rules it is asked for to a set, each once.
class JsonText {
 public:
  explicit JsonText(RuleSet& rules) : rules_(rules) {}

  ExpressionPtr value();   // any
  ExpressionPtr object();  // with any members
  ExpressionPtr array();   // of anything
  ExpressionPtr string();
  ExpressionPtr number();   // no more than a double holds
  ExpressionPtr integer();  // of at most 15 digits, exact in a double

  // Nothing, a blank, or a line break and at most 32 blanks: no answer gets lost in white space.
  ExpressionPtr space();
  // "[" items "]" with items `first` one after another and then `min` to `max` (-1: any number)
  // of `item`; with `item` null no more than those.
  ExpressionPtr array_of(std::vector<ExpressionPtr> first, const ExpressionPtr& item, int64_t min,
                         int64_t max);
  // "{" members "}".
  ExpressionPtr object_of(std::vector<ListItem> members);
  // `key` is JSON text.
  ExpressionPtr member(ExpressionPtr key, ExpressionPtr value);

 private:
  ExpressionPtr once(int32_t& index, std::string name, ExpressionPtr (JsonText::*make)());
  ExpressionPtr make_value();
  ExpressionPtr make_object();
  ExpressionPtr make_array();
  ExpressionPtr make_string();
  ExpressionPtr make_number();
  ExpressionPtr make_integer();
  ExpressionPtr make_space();

  RuleSet& rules_;
  int32_t value_ = -1, object_ = -1, array_ = -1, string_ = -1, number_ = -1, integer_ = -1,
          space_ = -1;
};

// One character of a JSON string out of a set, as it is or by an escape where it must be.
ExpressionPtr json_chars(const CharSet& set);
// One character of a JSON string, written in any way; escapes make no lone surrogates and no
// NUL.
ExpressionPtr json_any_char();
// A JSON string (with its quotes) that is none of `words` and has no escapes.
ExpressionPtr json_string_unlike(const std::vector<std::string>& words);
// A value as compact JSON text.
ExpressionPtr json_constant(const nlohmann::ordered_json& value);

}  // namespace parley::grammar
