#include "grammar/expression.h"

#include <algorithm>
#include <utility>

namespace parley::grammar {
namespace {

constexpr uint32_t kFirstSurrogate = 0xD800, kLastSurrogate = 0xDFFF, kLastChar = 0x10FFFF;

std::shared_ptr<Expression> make(Expression::Kind kind) {
  auto expression = std::make_shared<Expression>();
  expression->kind = kind;
  return expression;
}

}  // namespace

CharSet normalised(const CharSet& set) {
  CharSet cut;
  for (const CharRange& range : set) {
    const uint32_t last = std::min(range.last, kLastChar);
    if (range.first > last) continue;
    if (last < kFirstSurrogate || range.first > kLastSurrogate) {
      cut.push_back({range.first, last});
      continue;
    }
    if (range.first < kFirstSurrogate) cut.push_back({range.first, kFirstSurrogate - 1});
    if (last > kLastSurrogate) cut.push_back({kLastSurrogate + 1, last});
  }
  std::ranges::sort(cut, {}, &CharRange::first);
  CharSet merged;
  for (const CharRange& range : cut) {
    if (!merged.empty() && range.first <= merged.back().last + 1) {
      merged.back().last = std::max(merged.back().last, range.last);
    } else {
      merged.push_back(range);
    }
  }
  return merged;
}

CharSet complement(const CharSet& set) {
  CharSet gaps;
  uint32_t next = 0;
  for (const CharRange& range : normalised(set)) {
    if (range.first > next) gaps.push_back({next, range.first - 1});
    next = range.last + 1;
  }
  if (next <= kLastChar) gaps.push_back({next, kLastChar});
  return normalised(gaps);
}

CharSet intersection(const CharSet& a, const CharSet& b) {
  CharSet outside = complement(a);
  for (const CharRange& range : complement(b)) outside.push_back(range);
  return complement(outside);
}

ExpressionPtr bytes(std::string_view text) {
  auto expression = make(Expression::Kind::kBytes);
  expression->bytes = text;
  return expression;
}

ExpressionPtr chars(const CharSet& set) {
  auto expression = make(Expression::Kind::kChars);
  expression->chars = normalised(set);
  return expression;
}

ExpressionPtr sequence(std::vector<ExpressionPtr> parts) {
  if (parts.size() == 1) return parts[0];
  auto expression = make(Expression::Kind::kSequence);
  expression->parts = std::move(parts);
  return expression;
}

ExpressionPtr choice(std::vector<ExpressionPtr> parts) {
  if (parts.size() == 1) return parts[0];
  auto expression = make(Expression::Kind::kChoice);
  expression->parts = std::move(parts);
  return expression;
}

ExpressionPtr repeat(ExpressionPtr part, int64_t min, int64_t max) {
  auto expression = make(Expression::Kind::kRepeat);
  expression->parts = {std::move(part)};
  expression->min = min;
  expression->max = max;
  return expression;
}

ExpressionPtr optional(ExpressionPtr part) { return repeat(std::move(part), 0, 1); }

ExpressionPtr rule(int32_t index) {
  auto expression = make(Expression::Kind::kRule);
  expression->rule = index;
  return expression;
}

ExpressionPtr list(std::vector<ListItem> items, ExpressionPtr separator) {
  auto expression = make(Expression::Kind::kList);
  expression->items = std::move(items);
  expression->separator = std::move(separator);
  return expression;
}

int32_t RuleSet::add(std::string name, ExpressionPtr body) {
  rules.push_back({std::move(name), std::move(body)});
  return static_cast<int32_t>(rules.size()) - 1;
}

}  // namespace parley::grammar
