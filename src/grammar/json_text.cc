#include "grammar/json_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "grammar/compiled.h"
#include "tokenizer/unicode.h"

namespace parley::grammar {
namespace {

constexpr int64_t kMaxIndent = 32;

const CharSet kHex = {{'0', '9'}, {'A', 'F'}, {'a', 'f'}};

ExpressionPtr digits(int64_t min, int64_t max) { return repeat(chars({{'0', '9'}}), min, max); }

ExpressionPtr quoted(ExpressionPtr inner) {
  return sequence({bytes("\""), std::move(inner), bytes("\"")});
}

// Raw characters of a JSON string.
CharSet plain_chars() { return complement({{0, 0x1F}, {'"', '"'}, {'\\', '\\'}}); }

// \uXXXX but for NUL and surrogates, and pairs of surrogates.
ExpressionPtr unicode_escape() {
  const auto hex = [](int64_t count) { return repeat(chars(kHex), count, count); };
  const auto d = chars({{'D', 'D'}, {'d', 'd'}});
  const auto not_0_or_d = chars({{'1', '9'}, {'A', 'C'}, {'E', 'F'}, {'a', 'c'}, {'e', 'f'}});
  const auto not_0 = chars({{'1', '9'}, {'A', 'F'}, {'a', 'f'}});
  const auto zero = bytes("0");
  const auto basic = choice({
      sequence({not_0_or_d, hex(3)}),
      sequence({d, chars({{'0', '7'}}), hex(2)}),
      sequence({zero, not_0, hex(2)}),
      sequence({bytes("00"), not_0, hex(1)}),
      sequence({bytes("000"), not_0}),
  });
  const auto pair = sequence({d, chars({{'8', '9'}, {'A', 'B'}, {'a', 'b'}}), hex(2), bytes("\\u"),
                              d, chars({{'C', 'F'}, {'c', 'f'}}), hex(2)});
  return sequence({bytes("\\u"), choice({basic, pair})});
}

// What remains of a string that is none of the words in [first, last), which share `depth`
// characters that are written already.
ExpressionPtr unlike(const std::vector<std::u32string>& words, size_t first, size_t last,
                     size_t depth) {
  std::vector<ExpressionPtr> ways;
  CharSet others = plain_chars();
  bool is_word = false;
  CharSet taken;
  for (size_t i = first; i < last;) {
    if (words[i].size() == depth) {
      is_word = true;
      ++i;
      continue;
    }
    const char32_t c = words[i][depth];
    size_t end = i;
    while (end < last && words[end][depth] == c) ++end;
    taken.push_back({c, c});
    if (const CharSet own = intersection(others, {{c, c}}); !own.empty())
      ways.push_back(sequence({chars(own), unlike(words, i, end, depth + 1)}));
    i = end;
  }
  ways.push_back(sequence(
      {chars(intersection(others, complement(taken))), repeat(chars(plain_chars()), 0, -1)}));
  return is_word ? choice(std::move(ways)) : optional(choice(std::move(ways)));
}

}  // namespace

ExpressionPtr json_chars(const CharSet& set) {
  std::vector<ExpressionPtr> ways;
  if (CharSet plain = intersection(set, plain_chars()); !plain.empty())
    ways.push_back(chars(plain));
  static const std::map<uint32_t, std::string> kEscapes = {
      {'"', "\\\""}, {'\\', "\\\\"}, {'\b', "\\b"}, {'\f', "\\f"},
      {'\n', "\\n"}, {'\r', "\\r"},  {'\t', "\\t"}};
  for (const CharRange& range : intersection(set, {{1, 0x1F}, {'"', '"'}, {'\\', '\\'}})) {
    for (uint32_t c = range.first; c <= range.last; ++c) {
      const auto escape = kEscapes.find(c);
      ways.push_back(
          bytes(escape != kEscapes.end() ? escape->second : fmt::format("\\u{:04x}", c)));
    }
  }
  return choice(std::move(ways));
}

ExpressionPtr json_any_char() {
  static const ExpressionPtr made = choice({chars(plain_chars()),
                                            sequence({bytes("\\"), chars({{'"', '"'},
                                                                          {'\\', '\\'},
                                                                          {'/', '/'},
                                                                          {'b', 'b'},
                                                                          {'f', 'f'},
                                                                          {'n', 'n'},
                                                                          {'r', 'r'},
                                                                          {'t', 't'}})}),
                                            unicode_escape()});
  return made;
}

ExpressionPtr json_string_unlike(const std::vector<std::string>& words) {
  std::vector<std::u32string> decoded;
  for (const std::string& word : words) {
    std::u32string text;
    for (size_t i = 0; i < word.size();) {
      const auto c = tokenizer::decode_valid(word.data() + i);
      text += static_cast<char32_t>(c.value);
      i += c.bytes;
    }
    decoded.push_back(std::move(text));
  }
  std::ranges::sort(decoded);
  decoded.erase(std::unique(decoded.begin(), decoded.end()), decoded.end());
  return quoted(unlike(decoded, 0, decoded.size(), 0));
}

ExpressionPtr json_constant(const nlohmann::ordered_json& value) { return bytes(value.dump()); }

ExpressionPtr JsonText::once(int32_t& index, std::string name, ExpressionPtr (JsonText::*make)()) {
  if (index < 0) {
    index = rules_.add(std::move(name));
    // What is made may ask for this rule, and adds others.
    ExpressionPtr body = (this->*make)();
    rules_.rules[static_cast<size_t>(index)].body = std::move(body);
  }
  return rule(index);
}

ExpressionPtr JsonText::value() { return once(value_, "value", &JsonText::make_value); }
ExpressionPtr JsonText::object() { return once(object_, "object", &JsonText::make_object); }
ExpressionPtr JsonText::array() { return once(array_, "array", &JsonText::make_array); }
ExpressionPtr JsonText::string() { return once(string_, "string", &JsonText::make_string); }
ExpressionPtr JsonText::number() { return once(number_, "number", &JsonText::make_number); }
ExpressionPtr JsonText::integer() { return once(integer_, "integer", &JsonText::make_integer); }
ExpressionPtr JsonText::space() { return once(space_, "space", &JsonText::make_space); }

ExpressionPtr JsonText::make_value() {
  return choice(
      {object(), array(), string(), number(), bytes("true"), bytes("false"), bytes("null")});
}

ExpressionPtr JsonText::make_object() {
  return object_of({{member(string(), value()), true, true}});
}

ExpressionPtr JsonText::make_array() { return array_of({}, value(), 0, -1); }

ExpressionPtr JsonText::make_string() { return quoted(repeat(json_any_char(), 0, -1)); }

ExpressionPtr JsonText::make_number() {
  const auto whole = choice({bytes("0"), sequence({chars({{'1', '9'}}), digits(0, 14)})});
  const auto fraction = sequence({bytes("."), digits(1, 15)});
  const auto exponent = sequence(
      {chars({{'E', 'E'}, {'e', 'e'}}), optional(chars({{'+', '+'}, {'-', '-'}})), digits(1, 2)});
  return sequence({optional(bytes("-")), whole, optional(fraction), optional(exponent)});
}

ExpressionPtr JsonText::make_integer() {
  return choice({bytes("0"), sequence({optional(bytes("-")), chars({{'1', '9'}}), digits(0, 14)})});
}

ExpressionPtr JsonText::make_space() {
  return optional(choice({bytes(" "), sequence({bytes("\n"), repeat(bytes(" "), 0, kMaxIndent)})}));
}

ExpressionPtr JsonText::array_of(std::vector<ExpressionPtr> first, const ExpressionPtr& item,
                                 int64_t min, int64_t max) {
  const ExpressionPtr comma = sequence({bytes(","), space()});
  std::vector<ExpressionPtr> parts = {bytes("["), space()};
  for (size_t i = 0; i < first.size(); ++i) {
    if (i) parts.push_back(comma);
    parts.push_back(first[i]);
  }
  if (item && max != 0) {
    const ExpressionPtr next = sequence({comma, item});
    if (!first.empty()) {
      parts.push_back(repeat(next, min, max));
    } else {
      const ExpressionPtr some =
          sequence({item, repeat(next, std::max<int64_t>(min - 1, 0), max < 0 ? -1 : max - 1)});
      parts.push_back(min == 0 ? optional(some) : some);
    }
  }
  parts.push_back(space());
  parts.push_back(bytes("]"));
  return sequence(std::move(parts));
}

ExpressionPtr JsonText::object_of(std::vector<ListItem> members) {
  return sequence({bytes("{"), space(), list(std::move(members), sequence({bytes(","), space()})),
                   space(), bytes("}")});
}

ExpressionPtr JsonText::member(ExpressionPtr key, ExpressionPtr value) {
  return sequence({std::move(key), bytes(":"), optional(bytes(" ")), std::move(value)});
}

GrammarPtr json_object() {
  RuleSet rules;
  const int32_t root = rules.add("root");
  JsonText json(rules);
  const ExpressionPtr body = json.object();
  rules.rules[static_cast<size_t>(root)].body = body;
  return compile(rules);
}

}  // namespace parley::grammar
