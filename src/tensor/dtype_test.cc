#include "tensor/dtype.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "base/random.h"

namespace parley::tensor {
namespace {

// The value of a small float by the definition of IEEE 754: sign, exponent and
// mantissa fields, in double, which holds every such value exactly.
double value_of(uint32_t bits, int exponent_bits, int mantissa_bits) {
  const uint32_t mantissa = bits & ((1u << mantissa_bits) - 1);
  const int field = static_cast<int>(bits >> mantissa_bits & ((1u << exponent_bits) - 1));
  const bool negative = bits >> (mantissa_bits + exponent_bits);
  const int top = (1 << exponent_bits) - 1, bias = top / 2;
  double magnitude;
  if (field == top)
    magnitude = mantissa ? std::numeric_limits<double>::quiet_NaN()
                         : std::numeric_limits<double>::infinity();
  else if (field == 0)
    magnitude = std::ldexp(mantissa, 1 - bias - mantissa_bits);
  else
    magnitude = std::ldexp((1u << mantissa_bits) + mantissa, field - bias - mantissa_bits);
  return negative ? -magnitude : magnitude;
}

struct Format {
  int exponent_bits, mantissa_bits;
  float (*widen)(uint16_t);
  uint16_t (*narrow)(float);
};
const Format kF16Format = {5, 10, f16_to_f32, f32_to_f16};
const Format kBF16Format = {8, 7, bf16_to_f32, f32_to_bf16};

class SmallFloat : public testing::TestWithParam<Format> {};
INSTANTIATE_TEST_SUITE_P(F16, SmallFloat, testing::Values(kF16Format));
INSTANTIATE_TEST_SUITE_P(BF16, SmallFloat, testing::Values(kBF16Format));

TEST_P(SmallFloat, All65536WidenExactlyAndComeBack) {
  const Format& format = GetParam();
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const float wide = format.widen(static_cast<uint16_t>(bits));
    const double expected = value_of(bits, format.exponent_bits, format.mantissa_bits);
    if (std::isnan(expected)) {
      ASSERT_TRUE(std::isnan(wide)) << bits;
      ASSERT_TRUE(std::isnan(format.widen(format.narrow(wide)))) << bits;
      continue;
    }
    ASSERT_EQ(static_cast<double>(wide), expected) << bits;
    ASSERT_EQ(std::signbit(wide), std::signbit(expected)) << bits;
    ASSERT_EQ(format.narrow(wide), bits);
  }
}

// Between two neighbours: below the middle rounds down, above it up, the middle
// itself to the even one. Above the largest value the next step counts as infinity.
TEST_P(SmallFloat, RoundsToTheNearestEvenBetweenAllNeighbours) {
  const Format& format = GetParam();
  const uint32_t infinity = ((1u << format.exponent_bits) - 1) << format.mantissa_bits;
  for (uint32_t low = 0; low < infinity; ++low) {
    const double a = value_of(low, format.exponent_bits, format.mantissa_bits);
    double b = value_of(low + 1, format.exponent_bits, format.mantissa_bits);
    if (low + 1 == infinity) b = std::ldexp(1, 1 << (format.exponent_bits - 1));
    const auto middle = static_cast<float>(a / 2 + b / 2);
    ASSERT_EQ(static_cast<double>(middle), a / 2 + b / 2) << low;  // exact in f32
    const uint32_t even = low % 2 == 0 ? low : low + 1;
    const uint32_t sign = 0x8000;
    ASSERT_EQ(format.narrow(middle), even) << low;
    ASSERT_EQ(format.narrow(-middle), sign | even) << low;
    ASSERT_EQ(format.narrow(std::nextafterf(middle, 0)), low) << low;
    ASSERT_EQ(format.narrow(std::nextafterf(middle, HUGE_VALF)), low + 1) << low;
  }
}

// Any bits: the result is no further away than both neighbours of it.
TEST_P(SmallFloat, RandomBitsRoundToTheNearest) {
  const Format& format = GetParam();
  const base::Philox random(5, 6);
  for (uint64_t i = 0; i < 200'000; ++i) {
    const auto value = std::bit_cast<float>(random.words(i)[0]);
    const uint16_t narrow = format.narrow(value);
    if (std::isnan(value)) {
      ASSERT_TRUE(std::isnan(format.widen(narrow)));
      continue;
    }
    ASSERT_EQ(std::signbit(value), narrow >> 15);
    const uint32_t magnitude = narrow & 0x7FFF;
    const auto distance = [&](uint32_t bits) {
      return std::abs(value_of(bits, format.exponent_bits, format.mantissa_bits) -
                      std::abs(static_cast<double>(value)));
    };
    const uint32_t infinity = ((1u << format.exponent_bits) - 1) << format.mantissa_bits;
    if (magnitude == infinity) continue;  // the test above holds the border
    ASSERT_LE(distance(magnitude), distance(magnitude + 1));
    if (magnitude > 0) {
      ASSERT_LE(distance(magnitude), distance(magnitude - 1));
    }
  }
}

TEST(DType, SizesAndNames) {
  const std::vector<std::tuple<DType, size_t, std::string_view>> expected = {
      {DType::kF64, 8, "f64"}, {DType::kF32, 4, "f32"},   {DType::kF16, 2, "f16"},
      {DType::kI64, 8, "i64"}, {DType::kBF16, 2, "bf16"}, {DType::kI32, 4, "i32"},
      {DType::kI8, 1, "i8"},   {DType::kU8, 1, "u8"},     {DType::kBool, 1, "bool"}};
  for (const auto& [dtype, size, name] : expected) {
    EXPECT_EQ(dtype_size(dtype), size);
    EXPECT_EQ(dtype_name(dtype), name);
  }
}

}  // namespace
}  // namespace parley::tensor
