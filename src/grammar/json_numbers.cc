#include "grammar/json_numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "base/error.h"

namespace parley::grammar {
namespace {

constexpr size_t kDigits = 15;

ExpressionPtr digit(char first, char last) {
  return chars({{static_cast<uint32_t>(first), static_cast<uint32_t>(last)}});
}
ExpressionPtr any_digits(size_t min, size_t max) {
  return repeat(digit('0', '9'), static_cast<int64_t>(min), static_cast<int64_t>(max));
}

// Digit strings between two of the same length; a side that is not `low` / `high` is free.
ExpressionPtr digits_between(std::string_view min, std::string_view max, bool low, bool high) {
  if (min.empty()) return bytes("");
  if (!low && !high) return any_digits(min.size(), min.size());
  const char first = low ? min[0] : '0', last = high ? max[0] : '9';
  const std::string_view min_rest = min.substr(1), max_rest = max.substr(1);
  if (low && high && first == last)
    return sequence({digit(first, first), digits_between(min_rest, max_rest, true, true)});
  std::vector<ExpressionPtr> ways;
  char inner_first = first, inner_last = last;
  if (low) {
    ways.push_back(
        sequence({digit(first, first), digits_between(min_rest, max_rest, true, false)}));
    ++inner_first;
  }
  if (high) {
    ways.push_back(sequence({digit(last, last), digits_between(min_rest, max_rest, false, true)}));
    --inner_last;
  }
  if (inner_first <= inner_last)
    ways.push_back(sequence(
        {digit(inner_first, inner_last), digits_between(min_rest, max_rest, false, false)}));
  return choice(std::move(ways));
}

// Calls visit(first, last) for each number of digits that numbers from `min` to `max` have.
template <typename Visit>
void by_length(uint64_t min, uint64_t max, Visit&& visit) {
  for (uint64_t least = 1; min <= max;) {
    while (least * 10 <= min) least *= 10;
    const uint64_t last = std::min(max, least * 10 - 1);
    visit(fmt::format("{}", min), fmt::format("{}", last));
    min = last + 1;
  }
}

ExpressionPtr naturals_between(uint64_t min, uint64_t max) {
  std::vector<ExpressionPtr> ways;
  by_length(min, max, [&](const std::string& first, const std::string& last) {
    ways.push_back(digits_between(first, last, true, true));
  });
  return choice(std::move(ways));
}

// A number of decimal digits: whole.fraction, the fraction without zeros at its end.
struct Decimal {
  uint64_t whole = 0;
  std::string fraction;
  bool negative = false;
  bool exclusive = false;
};

Decimal decimal_of(const NumberBound& bound) {
  const bool is_double = bound.value.is_number_float();
  std::string digits =
      is_double ? fmt::format("{}", bound.value.get<double>()) : bound.value.dump();
  Decimal result;
  result.exclusive = bound.exclusive;
  result.negative = digits[0] == '-';
  if (result.negative) digits.erase(0, 1);
  int64_t exponent = 0;
  if (const size_t e = digits.find('e'); e != std::string::npos) {
    exponent = std::stoll(digits.substr(e + 1));
    digits.resize(e);
  }
  const size_t point = std::min(digits.find('.'), digits.size());
  std::string whole = digits.substr(0, point);
  std::string fraction = point < digits.size() ? digits.substr(point + 1) : "";
  for (; exponent > 0; --exponent) {
    whole += fraction.empty() ? '0' : fraction[0];
    if (!fraction.empty()) fraction.erase(0, 1);
  }
  for (; exponent < 0; ++exponent) {
    fraction.insert(0, 1, whole.empty() ? '0' : whole.back());
    if (!whole.empty()) whole.pop_back();
  }
  while (!fraction.empty() && fraction.back() == '0') fraction.pop_back();
  whole.erase(0, std::min(whole.find_first_not_of('0'), whole.size()));
  if (whole.size() + fraction.size() > kDigits)
    base::fail("the bound {} has more than {} digits", bound.value.dump(), kDigits);
  result.whole = whole.empty() ? 0 : std::stoull(whole);
  result.fraction = std::move(fraction);
  return result;
}

// Digits behind a point; `low` and `high` are the digits they are still compared with.
class Fractions {
 public:
  Fractions(bool low_exclusive, bool high_exclusive)
      : low_exclusive_(low_exclusive), high_exclusive_(high_exclusive) {}

  using Limit = std::optional<std::string_view>;

  bool may_be_empty(Limit low, Limit high) const {
    return (!low || (low->empty() && !low_exclusive_)) &&
           (!high || !high->empty() || !high_exclusive_);
  }

  // At least one digit, at most `most`; null if there are none.
  ExpressionPtr some(Limit low, Limit high, size_t most) const {
    if (most == 0) return nullptr;
    if (low && low->empty() && !low_exclusive_) low.reset();
    if (high && high->empty() && high_exclusive_) return nullptr;
    if (!low && !high) return any_digits(1, most);
    const auto first_of = [](const Limit& limit) { return limit->empty() ? '0' : (*limit)[0]; };
    const auto rest_of = [](const Limit& limit) {
      return limit->empty() ? Limit("") : Limit(limit->substr(1));
    };
    const char first = low ? first_of(low) : '0', last = high ? first_of(high) : '9';
    std::vector<ExpressionPtr> ways;
    for (char c = first; c <= last; ++c) {
      const Limit next_low = low && c == first ? rest_of(low) : Limit();
      const Limit next_high = high && c == last ? rest_of(high) : Limit();
      const ExpressionPtr more = some(next_low, next_high, most - 1);
      const bool stop = may_be_empty(next_low, next_high);
      if (more)
        ways.push_back(sequence({digit(c, c), stop ? optional(more) : more}));
      else if (stop)
        ways.push_back(digit(c, c));
    }
    return ways.empty() ? nullptr : choice(std::move(ways));
  }

 private:
  bool low_exclusive_, high_exclusive_;
};

void add_whole(std::vector<ExpressionPtr>& ways, uint64_t whole, const std::string* low,
               bool low_exclusive, const std::string* high, bool high_exclusive) {
  const std::string text = fmt::format("{}", whole);
  const Fractions fractions(low_exclusive, high_exclusive);
  const Fractions::Limit low_limit = low ? Fractions::Limit(*low) : std::nullopt,
                         high_limit = high ? Fractions::Limit(*high) : std::nullopt;
  if (fractions.may_be_empty(low_limit, high_limit)) ways.push_back(bytes(text));
  if (ExpressionPtr some = fractions.some(low_limit, high_limit, kDigits - text.size()))
    ways.push_back(sequence({bytes(text + "."), std::move(some)}));
}

// Non-negative numbers.
void add_magnitudes(std::vector<ExpressionPtr>& ways, const Decimal& min, const Decimal& max) {
  if (min.whole > max.whole) return;
  if (min.whole == max.whole)
    return add_whole(ways, min.whole, &min.fraction, min.exclusive, &max.fraction, max.exclusive);
  add_whole(ways, min.whole, &min.fraction, min.exclusive, nullptr, false);
  add_whole(ways, max.whole, nullptr, false, &max.fraction, max.exclusive);
  by_length(min.whole + 1, max.whole - 1, [&](const std::string& first, const std::string& last) {
    const ExpressionPtr whole = digits_between(first, last, true, true);
    const size_t room = kDigits - first.size();
    ways.push_back(room ? sequence({whole, optional(sequence({bytes("."), any_digits(1, room)}))})
                        : whole);
  });
}

}  // namespace

ExpressionPtr integers_between(int64_t min, int64_t max) {
  PARLEY_CHECK(-kLargestInteger <= min && min <= max && max <= kLargestInteger, "{} to {}", min,
               max);
  std::vector<ExpressionPtr> ways;
  if (min < 0)
    ways.push_back(
        sequence({bytes("-"), naturals_between(static_cast<uint64_t>(-std::min<int64_t>(max, -1)),
                                               static_cast<uint64_t>(-min))}));
  if (max >= 0)
    ways.push_back(naturals_between(static_cast<uint64_t>(std::max<int64_t>(min, 0)),
                                    static_cast<uint64_t>(max)));
  return choice(std::move(ways));
}

ExpressionPtr numbers_between(const std::optional<NumberBound>& min,
                              const std::optional<NumberBound>& max) {
  const Decimal zero, largest = {static_cast<uint64_t>(kPlainInteger), {}, false, false};
  const auto beyond = [](const std::optional<NumberBound>& bound, double sign) {
    return !bound || bound->value.get<double>() * sign >= 1e15;
  };
  std::vector<ExpressionPtr> ways;
  const Decimal high = beyond(max, 1) ? largest : decimal_of(*max);
  Decimal low = largest;
  low.negative = true;
  if (!beyond(min, -1)) low = decimal_of(*min);
  const bool high_is_zero = high.whole == 0 && high.fraction.empty();
  const bool low_is_zero = low.whole == 0 && low.fraction.empty();
  if (!high.negative || high_is_zero) add_magnitudes(ways, low.negative ? zero : low, high);
  if (low.negative && !low_is_zero) {
    std::vector<ExpressionPtr> negative;
    add_magnitudes(negative, high.negative || high_is_zero ? high : zero, low);
    if (!negative.empty()) ways.push_back(sequence({bytes("-"), choice(std::move(negative))}));
  }
  if (ways.empty()) base::fail("no number lies between the bounds");
  return choice(std::move(ways));
}

}  // namespace parley::grammar
