// Errors, interrupts, progress, threads.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <limits>
#include <thread>
#include <vector>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/progress.h"
#include "base/threads.h"

namespace parley::base {
namespace {

TEST(Error, FailFormatsAndUsageIsAnError) {
  try {
    fail("{}:{}: not a number", "data.jsonl", 3);
    FAIL();
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(), "data.jsonl:3: not a number");
  }
  EXPECT_THROW(throw UsageError("x"), Error);
}

TEST(ErrorDeathTest, CheckPrintsTheValues) {
  const int rows = 2;
  PARLEY_CHECK(rows == 2, "rows {}", rows);
  EXPECT_DEATH(PARLEY_CHECK(rows == 3, "rows {}", rows), "check failed: rows == 3: rows 2");
}

TEST(Interrupt, SetsAFlagAndPutsTheHandlersBack) {
  static volatile std::sig_atomic_t reached_old = 0;
  struct sigaction old {
  }, before{};
  old.sa_handler = [](int) { reached_old = 1; };
  sigaction(SIGINT, &old, &before);
  {
    InterruptGuard outer;
    EXPECT_FALSE(interrupted());
    std::raise(SIGINT);
    EXPECT_TRUE(interrupted());
    {
      InterruptGuard inner;
      EXPECT_TRUE(interrupted());
    }
    EXPECT_TRUE(interrupted());
    clear_interrupt();
    EXPECT_FALSE(interrupted());
    std::raise(SIGTERM);
    EXPECT_TRUE(interrupted());
    EXPECT_EQ(reached_old, 0);
  }
  EXPECT_FALSE(interrupted());
  std::raise(SIGINT);
  EXPECT_EQ(reached_old, 1);
  sigaction(SIGINT, &before, nullptr);
}

TEST(InterruptDeathTest, TheSecondSigintEndsTheProcess) {
  EXPECT_EXIT(
      {
        InterruptGuard guard;
        std::raise(SIGINT);
        std::raise(SIGINT);
      },
      testing::ExitedWithCode(130), "");
}

TEST(Progress, Durations) {
  EXPECT_EQ(human_duration(0), "0:00");
  EXPECT_EQ(human_duration(-5), "0:00");
  EXPECT_EQ(human_duration(59.6), "1:00");
  EXPECT_EQ(human_duration(125), "2:05");
  EXPECT_EQ(human_duration(3723), "1:02:03");
  EXPECT_EQ(human_duration(1e30), "-:--");
  EXPECT_EQ(human_duration(std::numeric_limits<double>::quiet_NaN()), "-:--");
}

TEST(Progress, PlainLinesWhereThereIsNoTerminal) {
  testing::internal::CaptureStderr();
  {
    Progress progress("reading", 200, "B");
    progress.update(100);
    progress.print_line("a remark");
    progress.update(200, "loss 1.5");
  }
  const std::string output = testing::internal::GetCapturedStderr();
  EXPECT_NE(output.find("a remark\n"), std::string::npos) << output;
  EXPECT_NE(output.find("reading  100% 200/200 B"), std::string::npos) << output;
  EXPECT_NE(output.find("loss 1.5\n"), std::string::npos) << output;
  EXPECT_EQ(output.find('\x1b'), std::string::npos) << output;
}

TEST(Progress, TheRateOfAResumedRunIsItsOwn) {
  using namespace std::chrono_literals;
  testing::internal::CaptureStderr();
  {
    Progress progress("training", 2'000'000, "tokens");
    progress.update(1'000'000);  // nearly all of it from before
    std::this_thread::sleep_for(50ms);
    progress.update(1'000'010);
  }
  const std::string output = testing::internal::GetCapturedStderr();
  double rate = 0;
  ASSERT_EQ(std::sscanf(output.c_str(), "training  50%% 1M/2M tokens %lf/s", &rate), 1) << output;
  EXPECT_LE(rate, 10 / 0.05);
  EXPECT_GT(rate, 0);
}

TEST(Progress, QuietDrawsNothingButPrintsLines) {
  testing::internal::CaptureStderr();
  {
    Progress progress("reading", 0, "B", true);
    progress.update(100);
    progress.print_line("a remark");
  }
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "a remark\n");
}

TEST(Threads, EachItemOnce) {
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    EXPECT_EQ(num_threads(), threads);
    for (const int64_t n : {0, 1, 2, 1000}) {
      std::vector<std::atomic<int>> seen(static_cast<size_t>(n));
      parallel_for(n, [&](int64_t i) { ++seen[static_cast<size_t>(i)]; });
      for (const auto& count : seen) EXPECT_EQ(count, 1);
    }
  }
  set_num_threads(0);
  EXPECT_GE(num_threads(), 1);
}

TEST(Threads, TurnsOfWaitingGrowWithTheTime) {
  const int64_t few = spin_turns(std::chrono::microseconds(60));
  const int64_t many = spin_turns(std::chrono::milliseconds(6));
  EXPECT_GE(few, 100);
  EXPECT_LE(many, 1'000'000);
  EXPECT_GT(many, few);
  EXPECT_EQ(spin_turns(std::chrono::nanoseconds(0)), 100);
}

TEST(Threads, BlocksCoverTheRangeWhateverTheThreads) {
  const auto blocks_with = [](int threads) {
    set_num_threads(threads);
    std::vector<std::pair<int64_t, int64_t>> blocks(4);
    parallel_blocks(10, 3, [&](int64_t begin, int64_t end) {
      blocks[static_cast<size_t>(begin / 3)] = {begin, end};
    });
    set_num_threads(0);
    return blocks;
  };
  const std::vector<std::pair<int64_t, int64_t>> expected = {{0, 3}, {3, 6}, {6, 9}, {9, 10}};
  EXPECT_EQ(blocks_with(1), expected);
  EXPECT_EQ(blocks_with(4), expected);
  parallel_blocks(0, 3, [](int64_t, int64_t) { FAIL(); });
}

TEST(Threads, AnExceptionReachesTheCaller) {
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    EXPECT_THROW(parallel_for(100,
                              [](int64_t i) {
                                if (i == 57) fail("item {}", i);
                              }),
                 Error);
  }
  set_num_threads(0);
}

TEST(Threads, NestedLoopsRunInline) {
  set_num_threads(3);
  std::atomic<int> total{0};
  parallel_for(10, [&](int64_t) { parallel_for(10, [&](int64_t) { ++total; }); });
  EXPECT_EQ(total, 100);
  set_num_threads(0);
}

}  // namespace
}  // namespace parley::base
