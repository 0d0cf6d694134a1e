// JSON numbers between bounds.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>

#include "grammar/expression.h"

namespace parley::grammar {

// Integers without bounds have at most 15 digits, with bounds at most 18.
inline constexpr int64_t kPlainInteger = 999'999'999'999'999,
                         kLargestInteger = 999'999'999'999'999'999;

// Integers from `min` to `max`, both inside ±kLargestInteger; min <= max.
ExpressionPtr integers_between(int64_t min, int64_t max);

struct NumberBound {
  nlohmann::ordered_json value;  // a number
  bool exclusive = false;
};
// Numbers in decimal notation, of at most 15 digits, so that what holds for the digits holds for
// the double they are read as. Error if there are none, or if a bound has more digits itself.
ExpressionPtr numbers_between(const std::optional<NumberBound>& min,
                              const std::optional<NumberBound>& max);

}  // namespace parley::grammar
