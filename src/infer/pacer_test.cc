#include "infer/pacer.h"

#include <gtest/gtest.h>

namespace parley::infer {
namespace {

// A machine on which a decode-only step takes `decode` seconds and a prompt token adds `token`.
int64_t settled_budget(double decode, double token, int64_t step_tokens = 256) {
  Pacer pacer(step_tokens, 16, true);
  int64_t budget = 0;
  for (int step = 0; step < 200; ++step) {
    const int64_t next = pacer.prompt_budget(4);
    pacer.record(4, next, decode + token * static_cast<double>(next));
    if (next > 0) budget = next;
  }
  return budget;
}

TEST(Pacer, AStepTakesLessThanTwiceTheTime) {
  EXPECT_NEAR(settled_budget(0.020, 0.0004), 0.75 * 50, 2);
  EXPECT_EQ(settled_budget(0.020, 0.00001), 256);  // no more than a step holds
  EXPECT_EQ(settled_budget(0.020, 0.0050), 3);
  EXPECT_EQ(settled_budget(0.020, 1.0), 1);
  EXPECT_EQ(settled_budget(0.020, 0.0001, 8), 8);
}

TEST(Pacer, AFewMillisecondsAreAlwaysAllowed) {
  EXPECT_NEAR(settled_budget(0.0002, 0.00004), 100, 4);
  EXPECT_EQ(settled_budget(0.0002, 0.000001), 256);
}

TEST(Pacer, DecodingAloneIsMeasuredNowAndThen) {
  Pacer pacer(256, 16, true);
  EXPECT_EQ(pacer.prompt_budget(0), 256);
  EXPECT_EQ(pacer.prompt_budget(3), 0);  // not known yet
  pacer.record(3, 0, 0.01);
  EXPECT_EQ(pacer.prompt_budget(3), 16);
  EXPECT_EQ(pacer.prompt_budget(4), 0);
  int without = 0;
  for (int step = 0; step < 330; ++step) {
    const int64_t budget = pacer.prompt_budget(3);
    without += budget == 0;
    pacer.record(3, budget, 0.01 + 0.001 * static_cast<double>(budget));
  }
  EXPECT_EQ(without, 10);
}

// A step during which the machine slept, and a clock that stands still.
TEST(Pacer, OddClocksDoNoHarm) {
  Pacer pacer(256, 16, true);
  pacer.record(2, 0, 0.01);
  for (int step = 0; step < 50; ++step) pacer.record(2, 10, 0.02);
  EXPECT_EQ(pacer.prompt_budget(2), 0);
  pacer.record(2, 0, 60.0);
  EXPECT_NEAR(static_cast<double>(pacer.prompt_budget(2)), 12 * 0.75, 3);
  Pacer still(256, 16, true);
  for (int step = 0; step < 50; ++step) still.record(2, still.prompt_budget(2), 0);
  int prompts = 0;
  for (int step = 0; step < 50; ++step) {
    const int64_t budget = still.prompt_budget(2);
    still.record(2, budget, 0);
    prompts += budget > 0;
  }
  EXPECT_GT(prompts, 40);
}

TEST(Pacer, FixedStepsFillUp) {
  const Pacer pacer(100, 16, false);
  EXPECT_EQ(pacer.prompt_budget(0), 100);
  EXPECT_EQ(pacer.prompt_budget(10), 90);
  const Pacer tiny(4, 16, false);
  EXPECT_EQ(tiny.prompt_budget(10), 1);
}

}  // namespace
}  // namespace parley::infer
