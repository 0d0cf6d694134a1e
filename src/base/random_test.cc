#include "base/random.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <vector>

namespace parley::base {
namespace {

// The known answers that Random123 publishes for philox4x32-10. Its counter is our
// (position, stream), its key our seed, low words first.
TEST(Philox, KnownAnswers) {
  using Words = std::array<uint32_t, 4>;
  EXPECT_EQ(Philox(0, 0).words(0), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(Philox(~uint64_t{0}, ~uint64_t{0}).words(~uint64_t{0}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(Philox(0x299f31d0a4093822, 0x0370734413198a2e).words(0x85a308d3243f6a88),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Philox, EveryPartOfTheKeyCounts) {
  std::set<uint64_t> seen;
  for (int bit = 0; bit < 64; ++bit) {
    seen.insert(Philox(uint64_t{1} << bit, 0).bits(0));
    seen.insert(Philox(0, uint64_t{1} << bit).bits(0));
    seen.insert(Philox(0, 0).bits(uint64_t{1} << bit));
  }
  EXPECT_EQ(seen.size(), 3u * 64);
}

TEST(Philox, UniformHasItsMoments) {
  constexpr int kDraws = 200'000;
  const Philox random(42, 1);
  double sum = 0, squares = 0;
  for (uint64_t i = 0; i < kDraws; ++i) {
    const double u = random.uniform(i);
    ASSERT_GE(u, 0.0);
    ASSERT_LT(u, 1.0);
    sum += u;
    squares += u * u;
  }
  // Five standard errors.
  EXPECT_NEAR(sum / kDraws, 0.5, 5 * std::sqrt(1.0 / 12 / kDraws));
  EXPECT_NEAR(squares / kDraws, 1.0 / 3, 5 * std::sqrt(4.0 / 45 / kDraws));
}

TEST(Philox, NormalHasItsMoments) {
  constexpr int kDraws = 200'000;
  const Philox random(42, 2);
  double sum = 0, squares = 0, fourths = 0;
  for (uint64_t i = 0; i < kDraws; ++i) {
    const double x = random.normal(i);
    ASSERT_TRUE(std::isfinite(x));
    sum += x;
    squares += x * x;
    fourths += x * x * x * x;
  }
  EXPECT_NEAR(sum / kDraws, 0, 5 * std::sqrt(1.0 / kDraws));
  EXPECT_NEAR(squares / kDraws, 1, 5 * std::sqrt(2.0 / kDraws));
  EXPECT_NEAR(fourths / kDraws, 3, 5 * std::sqrt(96.0 / kDraws));
}

TEST(Philox, BelowCoversTheRangeEvenly) {
  constexpr uint64_t kRange = 7, kDraws = 70'000;
  const Philox random(3, 4);
  std::vector<int> counts(kRange);
  for (uint64_t i = 0; i < kDraws; ++i) ++counts.at(random.below(i, kRange));
  for (const int count : counts) EXPECT_NEAR(count, kDraws / kRange, 5 * 100);
  EXPECT_EQ(random.below(0, 1), 0u);
  EXPECT_LT(random.below(0, ~uint64_t{0}), ~uint64_t{0});
}

TEST(Philox, ShuffleIsAPermutationThatSeedsDecide) {
  std::vector<int> a(1000);
  std::iota(a.begin(), a.end(), 0);
  std::vector<int> b = a, c = a;
  const std::vector<int> sorted = a;
  Philox(1, 0).shuffle(std::span(a));
  Philox(1, 0).shuffle(std::span(b));
  Philox(2, 0).shuffle(std::span(c));
  EXPECT_EQ(a, b);
  EXPECT_NE(a, c);
  EXPECT_NE(a, sorted);
  std::sort(a.begin(), a.end());
  EXPECT_EQ(a, sorted);
  std::vector<int> none;
  Philox(1, 0).shuffle(std::span(none));
}

}  // namespace
}  // namespace parley::base
