#include "grammar/regex.h"

#include <cctype>

#include "grammar/compiled.h"
#include "grammar/json_text.h"
#include "grammar/text_reader.h"

namespace parley::grammar {
namespace {

constexpr int kMaxDepth = 100;

const CharSet kDigit = {{'0', '9'}};
const CharSet kWord = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}};
const CharSet kSpace = {{'\t', '\r'}, {' ', ' '}, {0xA0, 0xA0}, {0x2028, 0x2029}, {0xFEFF, 0xFEFF}};
// What ECMAScript's `.` leaves out; other dialects leave out the first only.
const CharSet kLineEnds = {{'\n', '\n'}, {'\r', '\r'}, {0x2028, 0x2029}};

class RegexParser {
 public:
  RegexParser(std::string_view pattern, const RegexOptions& options)
      : in_(pattern, options.what), options_(options) {}

  ExpressionPtr parse() {
    // Anchors stand at the ends of the whole or of its alternatives, where they say which side
    // is free to have more.
    std::vector<ExpressionPtr> ways;
    do {
      const bool from_start = in_.take("^");
      ExpressionPtr body = terms(0);
      const bool to_end = in_.take("$");
      if (to_end && !in_.at_end() && in_.peek() != '|')
        in_.fail("'$' is only supported at the end");
      if (options_.search) {
        const ExpressionPtr anything = repeat(any_text_char(), 0, -1);
        std::vector<ExpressionPtr> parts;
        if (!from_start) parts.push_back(anything);
        parts.push_back(std::move(body));
        if (!to_end) parts.push_back(anything);
        body = sequence(std::move(parts));
      }
      ways.push_back(std::move(body));
    } while (in_.take("|"));
    if (!in_.at_end()) in_.fail("')' without '('");
    return choice(std::move(ways));
  }

 private:
  ExpressionPtr any_text_char() const {
    return options_.in_json ? json_any_char() : chars(complement({}));
  }

  ExpressionPtr make_chars(CharSet set) {
    set = normalised(set);
    if (options_.in_json) set = intersection(set, complement({{0, 0}}));
    if (set.empty()) in_.fail("a class without characters");
    return options_.in_json ? json_chars(set) : chars(set);
  }

  ExpressionPtr alternatives(int depth) {
    if (depth > kMaxDepth) in_.fail("groups nest deeper than {}", kMaxDepth);
    std::vector<ExpressionPtr> ways;
    do ways.push_back(terms(depth));
    while (in_.take("|"));
    return choice(std::move(ways));
  }

  ExpressionPtr terms(int depth) {
    std::vector<ExpressionPtr> parts;
    while (!in_.at_end() && in_.peek() != '|' && in_.peek() != ')' &&
           !(in_.peek() == '$' && depth == 0)) {
      ExpressionPtr part = term(depth);
      if (quantifier(part) && is_quantifier()) in_.fail("a repetition of a repetition");
      parts.push_back(std::move(part));
    }
    return sequence(std::move(parts));
  }

  bool is_quantifier() const {
    const char c = in_.peek();
    return c == '*' || c == '+' || c == '?' ||
           (c == '{' && in_.peek(1) >= '0' && in_.peek(1) <= '9');
  }

  ExpressionPtr term(int depth) {
    if (is_quantifier()) in_.fail("nothing stands before '{}'", in_.peek());
    if (in_.take("(")) return group(depth);
    if (in_.take("[")) return make_chars(char_class());
    if (in_.take("."))
      return make_chars(complement(options_.in_json ? kLineEnds : CharSet{{'\n', '\n'}}));
    if (in_.peek() == '^' || in_.peek() == '$')
      in_.fail("'{}' is only supported at the ends of the pattern", in_.peek());
    if (in_.take("\\")) return make_chars(escape(false));
    const uint32_t c = in_.take_char();
    return make_chars({{c, c}});
  }

  ExpressionPtr group(int depth) {
    if (in_.take("?")) {
      if (in_.sees("=") || in_.sees("!") || in_.sees("<=") || in_.sees("<!"))
        in_.fail("look-around is not supported");
      if (in_.take("P<") || in_.take("<")) {
        while (!in_.take(">"))
          if (const uint32_t c = in_.take_char();
              c != '_' && c < 0x80 && !std::isalnum(static_cast<int>(c)))
            in_.fail("a malformed name of a group");
      } else if (!in_.take(":")) {
        in_.fail("'(?{}' is not supported", in_.peek());
      }
    }
    ExpressionPtr inner = alternatives(depth + 1);
    if (!in_.take(")")) in_.fail("')' is missing");
    return inner;
  }

  // Behind the '['.
  CharSet char_class() {
    const bool negated = in_.take("^");
    CharSet set;
    while (!in_.take("]")) {
      if (in_.sees("[:")) in_.fail("classes by name are not supported");
      CharSet first = class_member();
      const bool single = first.size() == 1 && first[0].first == first[0].last;
      if (in_.peek() == '-' && in_.peek(1) != ']' && in_.peek(1) != '\0') {
        in_.skip();
        const CharSet last = class_member();
        if (!single || last.size() != 1 || last[0].first != last[0].last)
          in_.fail("a range between classes");
        if (last[0].first < first[0].first) in_.fail("a range that ends before it begins");
        first[0].last = last[0].first;
      }
      set.insert(set.end(), first.begin(), first.end());
    }
    return negated ? complement(set) : set;
  }

  CharSet class_member() {
    if (in_.at_end()) in_.fail("']' is missing");
    if (in_.take("\\")) return escape(true);
    const uint32_t c = in_.take_char();
    return {{c, c}};
  }

  // Behind the '\'.
  CharSet escape(bool in_class) {
    const uint32_t c = in_.take_char();
    const auto one = [](uint32_t value) { return CharSet{{value, value}}; };
    switch (c) {
      case 'd': return kDigit;
      case 'D': return complement(kDigit);
      case 'w': return kWord;
      case 'W': return complement(kWord);
      case 's': return kSpace;
      case 'S': return complement(kSpace);
      case 'n': return one('\n');
      case 'r': return one('\r');
      case 't': return one('\t');
      case 'f': return one('\f');
      case 'v': return one('\v');
      case '0': return one(0);
      case 'x': return one(in_.take("{") ? braced() : in_.take_hex(2, 2));
      case 'u': return one(in_.take("{") ? braced() : utf16());
      case 'U': return one(in_.take_hex(8, 8));
      case 'b':
        if (in_class) return one('\b');
        [[fallthrough]];
      case 'B':
      case 'A':
      case 'Z':
      case 'z': in_.fail("'\\{}' is not supported", static_cast<char>(c));
      case 'p':
      case 'P': in_.fail("classes of Unicode properties are not supported");
      case 'c':
      case 'k':
      case 'g': in_.fail("'\\{}' is not supported", static_cast<char>(c));
      default: break;
    }
    if (c >= '1' && c <= '9') in_.fail("back references are not supported");
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
      in_.fail("'\\{}' is not supported", static_cast<char>(c));
    return one(c);
  }

  uint32_t braced() {
    const uint32_t value = in_.take_hex(1, 8);
    if (!in_.take("}")) in_.fail("'}}' is missing");
    return value;
  }

  // \uXXXX, or two of them that are a pair of surrogates.
  uint32_t utf16() {
    const auto sees_half = [this](std::string_view second) {
      return (in_.peek() == 'd' || in_.peek() == 'D') && in_.peek(1) != '\0' &&
             second.find(in_.peek(1)) != std::string_view::npos;
    };
    if (!sees_half("89aAbB")) return in_.take_hex(4, 4);
    in_.skip();  // the D, so that what is read is no surrogate
    const uint32_t high = in_.take_hex(3, 3) - 0x800;
    if (!in_.take("\\u") || !sees_half("cCdDeEfF")) in_.fail("half a pair of surrogates");
    in_.skip();
    const uint32_t low = in_.take_hex(3, 3) - 0xC00;
    return 0x10000 + (high << 10) + low;
  }

  // Greedy or not makes no difference to what matches.
  bool quantifier(ExpressionPtr& part) {
    int64_t min = 0, max = -1;
    if (in_.take("*")) {
    } else if (in_.take("+")) {
      min = 1;
    } else if (in_.take("?")) {
      max = 1;
    } else if (is_quantifier()) {
      in_.skip();
      min = max = in_.take_count();
      if (in_.take(",")) max = in_.take_count();
      if (!in_.take("}")) in_.fail("'}}' is missing");
      if (max >= 0 && max < min) in_.fail("a count that ends before it begins");
    } else {
      return false;
    }
    if (in_.take("+")) in_.fail("possessive repetition is not supported");
    in_.take("?");
    part = repeat(part, min, max);
    return true;
  }

  TextReader in_;
  const RegexOptions& options_;
};

}  // namespace

ExpressionPtr regex(std::string_view pattern, const RegexOptions& options) {
  return RegexParser(pattern, options).parse();
}

GrammarPtr from_regex(std::string_view pattern) {
  RuleSet rules;
  rules.add("regular expression", regex(pattern, {}));
  return compile(rules);
}

}  // namespace parley::grammar
