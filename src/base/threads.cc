#include "base/threads.h"

#include <algorithm>
#include <thread>

namespace parley::base {
namespace {
int g_threads = 0;  // 0: not set yet
}

void set_num_threads(int threads) {
  if (threads <= 0) threads = std::max(1, omp_get_num_procs());
  g_threads = threads;
  omp_set_num_threads(threads);
}

int num_threads() {
  if (g_threads == 0) set_num_threads(0);
  return g_threads;
}

int64_t spin_turns(std::chrono::nanoseconds time) {
  using Clock = std::chrono::steady_clock;
  constexpr int64_t kTurns = 200;
  auto shortest = std::chrono::nanoseconds::max();
  for (int round = 0; round < 5; ++round) {  // the shortest: somebody may have had the core
    const Clock::time_point begin = Clock::now();
    for (int64_t turn = 0; turn < kTurns; ++turn) {
#if defined(__x86_64__) || defined(__i386__)
      __builtin_ia32_pause();
#elif defined(__aarch64__)
      asm volatile("yield" ::: "memory");
#else
      asm volatile("" ::: "memory");
#endif
    }
    shortest = std::min<std::chrono::nanoseconds>(shortest, Clock::now() - begin);
  }
  const int64_t turns = time.count() * kTurns / std::max<int64_t>(1, shortest.count());
  return std::clamp<int64_t>(turns, 100, 1'000'000);
}

void release_threads() { omp_pause_resource_all(omp_pause_hard); }

}  // namespace parley::base
