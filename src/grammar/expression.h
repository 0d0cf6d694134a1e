// Expressions: what the notations (GBNF, regular expressions, JSON schemas) are read into, before
// they become a network of states.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace parley::grammar {

// Code points from `first` to `last`.
struct CharRange {
  uint32_t first, last;
  bool operator==(const CharRange&) const = default;
};
using CharSet = std::vector<CharRange>;

// Sorted, without overlaps and surrogates.
CharSet normalised(const CharSet& set);
// Every code point that is not in the set (and no surrogate).
CharSet complement(const CharSet& set);
CharSet intersection(const CharSet& a, const CharSet& b);

struct Expression;
// Immutable, so that parts may be shared.
using ExpressionPtr = std::shared_ptr<const Expression>;

struct ListItem {
  ExpressionPtr item;
  bool optional = false;
  bool repeated = false;  // none, one or more
};

struct Expression {
  enum class Kind { kBytes, kChars, kSequence, kChoice, kRepeat, kRule, kList };
  Kind kind;
  std::string bytes;                 // kBytes
  CharSet chars;                     // kChars: normalised; one character in UTF-8
  std::vector<ExpressionPtr> parts;  // kSequence, kChoice, kRepeat (one)
  int64_t min = 0, max = 0;          // kRepeat; max -1: no limit
  int32_t rule = -1;                 // kRule
  std::vector<ListItem> items;       // kList: in this order, with separators between them
  ExpressionPtr separator;           // kList
};

ExpressionPtr bytes(std::string_view text);
ExpressionPtr chars(const CharSet& set);
ExpressionPtr sequence(std::vector<ExpressionPtr> parts);
ExpressionPtr choice(std::vector<ExpressionPtr> parts);
// `max` -1: no limit.
ExpressionPtr repeat(ExpressionPtr part, int64_t min, int64_t max);
ExpressionPtr optional(ExpressionPtr part);
ExpressionPtr rule(int32_t index);
ExpressionPtr list(std::vector<ListItem> items, ExpressionPtr separator);

// Named expressions that may refer to one another; rule 0 is the whole answer.
struct RuleSet {
  struct Rule {
    std::string name;
    ExpressionPtr body;
  };
  std::vector<Rule> rules;

  // The index of a new rule; its body may be given later.
  int32_t add(std::string name, ExpressionPtr body = nullptr);
};

}  // namespace parley::grammar
