// llama.cpp's notation for grammars.
#include <unordered_map>

#include "grammar/compiled.h"
#include "grammar/grammar.h"
#include "grammar/text_reader.h"

namespace parley::grammar {
namespace {

constexpr int kMaxDepth = 100;

bool is_name_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_';
}

class GbnfParser {
 public:
  explicit GbnfParser(std::string_view text) : in_(text, "grammar") {}

  RuleSet parse() {
    rule_index("root");
    space(true);
    while (!in_.at_end()) parse_rule();
    for (size_t i = 0; i < rules_.rules.size(); ++i) {
      if (rules_.rules[i].body) continue;
      if (i == 0) base::fail("grammar: there is no rule 'root'");
      in_.seek(first_use_[i]);
      in_.fail("rule '{}' is not defined", rules_.rules[i].name);
    }
    return std::move(rules_);
  }

 private:
  int32_t rule_index(std::string_view name) {
    const auto [place, is_new] = indices_.try_emplace(std::string(name), 0);
    if (is_new) {
      place->second = rules_.add(std::string(name));
      first_use_.push_back(in_.position());
    }
    return place->second;
  }

  // Blanks and comments; line ends too where a rule cannot end.
  void space(bool lines) {
    for (;; in_.skip()) {
      const char c = in_.peek();
      if (c == '#') {
        while (!in_.at_end() && in_.peek() != '\n' && in_.peek() != '\r') in_.skip();
        if (in_.at_end() || !lines) return;
      } else if (c != ' ' && c != '\t' && (!lines || (c != '\n' && c != '\r'))) {
        return;
      }
    }
  }

  std::string_view name() {
    const size_t begin = in_.position();
    while (is_name_char(in_.peek())) in_.skip();
    if (in_.position() == begin) in_.fail("the name of a rule is expected");
    return in_.since(begin);
  }

  void parse_rule() {
    const size_t begin = in_.position();
    const std::string_view own = name();
    const int32_t index = rule_index(own);
    space(false);
    if (!in_.take("::=")) in_.fail("'::=' is expected behind the name of a rule");
    space(true);
    if (rules_.rules[static_cast<size_t>(index)].body) {
      in_.seek(begin);
      in_.fail("rule '{}' is defined twice", own);
    }
    ExpressionPtr body = alternatives(0);
    rules_.rules[static_cast<size_t>(index)].body = std::move(body);
    if (!in_.at_end() && in_.peek() != '\n' && in_.peek() != '\r')
      in_.fail("'{}' is not expected here", in_.peek());
    space(true);
  }

  ExpressionPtr alternatives(int depth) {
    if (depth > kMaxDepth) in_.fail("parentheses nest deeper than {}", kMaxDepth);
    std::vector<ExpressionPtr> parts = {terms(depth)};
    for (;;) {
      // An alternative may begin the next line.
      const size_t before = in_.position();
      space(true);
      if (!in_.take("|")) {
        if (depth == 0) in_.seek(before);
        return choice(std::move(parts));
      }
      space(true);
      parts.push_back(terms(depth));
    }
  }

  ExpressionPtr terms(int depth) {
    std::vector<ExpressionPtr> parts;
    while (ExpressionPtr part = term(depth)) {
      space(depth > 0);
      for (int i = 0; quantifier(part); ++i) {
        if (i == 10) in_.fail("more than 10 repetitions of repetitions");
        space(depth > 0);
      }
      parts.push_back(std::move(part));
    }
    return sequence(std::move(parts));
  }

  // Null where no term begins.
  ExpressionPtr term(int depth) {
    if (in_.take("\"")) {
      std::string text;
      while (!in_.take("\"")) tokenizer::append_utf8(character(), text);
      return bytes(text);
    }
    if (in_.take("[")) return char_class();
    if (in_.take(".")) return chars(complement({}));
    if (in_.take("(")) {
      space(true);
      ExpressionPtr inner = alternatives(depth + 1);
      space(true);
      if (!in_.take(")")) in_.fail("')' is missing");
      return inner;
    }
    return is_name_char(in_.peek()) ? rule(rule_index(name())) : nullptr;
  }

  ExpressionPtr char_class() {
    const bool negated = in_.take("^");
    CharSet set;
    while (!in_.take("]")) {
      const uint32_t first = character();
      uint32_t last = first;
      if (in_.peek() == '-' && in_.peek(1) != ']') {
        in_.skip();
        last = character();
      }
      if (last < first) in_.fail("a range that ends before it begins");
      set.push_back({first, last});
    }
    set = negated ? complement(set) : normalised(set);
    if (set.empty()) in_.fail("a class without characters");
    return chars(set);
  }

  uint32_t character() {
    if (in_.at_end()) in_.fail("a closing quote or bracket is missing");
    if (!in_.take("\\")) return in_.take_char();
    if (in_.take("x")) return in_.take_hex(2, 2);
    if (in_.take("u")) return in_.take_hex(4, 4);
    if (in_.take("U")) return in_.take_hex(8, 8);
    const uint32_t c = in_.take_char();
    switch (c) {
      case 'n': return '\n';
      case 'r': return '\r';
      case 't': return '\t';
      case '"':
      case '\\':
      case '[':
      case ']':
      case '-':
      case '^': return c;
      default: in_.fail("an unknown escape");
    }
  }

  bool quantifier(ExpressionPtr& part) {
    if (in_.take("*")) {
      part = repeat(part, 0, -1);
    } else if (in_.take("+")) {
      part = repeat(part, 1, -1);
    } else if (in_.take("?")) {
      part = optional(part);
    } else if (in_.take("{")) {
      space(false);
      const int64_t min = in_.take_count();
      int64_t max = min;
      space(false);
      if (in_.take(",")) {
        space(false);
        max = in_.take_count();
        space(false);
      } else if (min < 0) {
        in_.fail("a count is missing");
      }
      if (!in_.take("}")) in_.fail("'}}' is missing");
      if (max >= 0 && max < min) in_.fail("a count that ends before it begins");
      part = repeat(part, std::max<int64_t>(min, 0), max);
    } else {
      return false;
    }
    return true;
  }

  TextReader in_;
  RuleSet rules_;
  std::unordered_map<std::string, int32_t> indices_;
  std::vector<size_t> first_use_;
};

}  // namespace

GrammarPtr from_gbnf(std::string_view text) { return compile(GbnfParser(text).parse()); }

}  // namespace parley::grammar
