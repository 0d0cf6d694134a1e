#include "train/schedule.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace parley::train {
namespace {

TEST(Schedule, Cosine) {
  const Schedule s{.kind = ScheduleKind::kCosine, .steps = 110, .warmup = 10, .final_share = 0.1};
  EXPECT_DOUBLE_EQ(s.factor(0), 0.1);
  EXPECT_DOUBLE_EQ(s.factor(4), 0.5);
  EXPECT_DOUBLE_EQ(s.factor(9), 1.0);
  EXPECT_NEAR(s.factor(59), 0.1 + 0.9 * 0.5, 1e-12);  // half way down
  EXPECT_NEAR(s.factor(109), 0.1, 1e-12);
  EXPECT_NEAR(s.factor(500), 0.1, 1e-12);
  for (int64_t step = 10; step < 109; ++step) EXPECT_GT(s.factor(step), s.factor(step + 1));
}

TEST(Schedule, Trapezoid) {
  const Schedule s{.kind = ScheduleKind::kTrapezoid,
                   .steps = 100,
                   .warmup = 5,
                   .final_share = 0,
                   .decay_share = 0.2};
  EXPECT_DOUBLE_EQ(s.factor(0), 0.2);
  for (int64_t step = 4; step < 80; ++step) EXPECT_DOUBLE_EQ(s.factor(step), 1.0);
  EXPECT_DOUBLE_EQ(s.factor(89), 0.5);
  EXPECT_DOUBLE_EQ(s.factor(99), 0.0);
}

TEST(Schedule, ShortRunsStayFinite) {
  for (const auto kind : {ScheduleKind::kCosine, ScheduleKind::kTrapezoid})
    for (const int64_t steps : {1, 2, 3})
      for (const int64_t warmup : {0, 1, 5})
        for (int64_t step = 0; step < steps; ++step) {
          const Schedule s{.kind = kind, .steps = steps, .warmup = warmup};
          EXPECT_GE(s.factor(step), 0);
          EXPECT_LE(s.factor(step), 1);
        }
}

TEST(Schedule, Names) {
  EXPECT_EQ(parse_schedule("trapezoid"), ScheduleKind::kTrapezoid);
  EXPECT_THROW(parse_schedule("linear"), base::Error);
}

}  // namespace
}  // namespace parley::train
