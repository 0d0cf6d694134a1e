#include "base/measure.h"

#include <gtest/gtest.h>

namespace parley::base {
namespace {

TEST(Measure, Quantiles) {
  EXPECT_EQ(median({}), 0);
  EXPECT_EQ(median({7}), 7);
  EXPECT_EQ(median({9, 1, 5}), 5);
  EXPECT_EQ(quantile({4, 2, 1, 3, 5}, 0), 1);
  EXPECT_EQ(quantile({4, 2, 1, 3, 5}, 1), 5);
  EXPECT_EQ(quantile({4, 2, 1, 3, 5}, 0.75), 4);
}

TEST(Measure, TimeAndMemory) {
  const Clock::time_point start = Clock::now();
  EXPECT_GE(seconds_since(start), 0);
  EXPECT_LT(seconds_since(start), 60);
  EXPECT_GE(available_memory(), 0);
}

}  // namespace
}  // namespace parley::base
