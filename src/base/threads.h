// One pool of threads: OpenMP's, which oneDNN shares. Work is split by its shape,
// never by the number of threads, so results do not depend on it.
#pragma once

#include <omp.h>

#include <chrono>
#include <cstdint>
#include <exception>
#include <utility>

namespace parley::base {

// Sets the pool's size; 0 means one thread a core. Call once, before any work.
void set_num_threads(int threads);
int num_threads();

// Ends the threads that wait for this thread's next parallel work; it would start new ones. For
// a thread that leaves computing to another: libgomp counts all threads there are, and with
// more than cores those of the other no longer wait awake for each other, at 20 % of the speed of
// a small model.
void release_threads();

// How many turns of a waiting loop take that long here: between processors, the pause in each
// differs by a factor of ten.
int64_t spin_turns(std::chrono::nanoseconds time);

// Calls fn(i) for each i in [0, n), spread over the pool; the first exception is
// rethrown on the calling thread. Each i is one piece of work: make it large
// enough (tens of microseconds).
template <typename Fn>
void parallel_for(int64_t n, Fn&& fn) {
  if (n <= 1 || num_threads() == 1 || omp_in_parallel()) {
    for (int64_t i = 0; i < n; ++i) fn(i);
    return;
  }
  std::exception_ptr error;
#pragma omp parallel for schedule(dynamic, 1)
  for (int64_t i = 0; i < n; ++i) {
    try {
      fn(i);
    } catch (...) {
#pragma omp critical(parley_parallel_for)
      if (!error) error = std::current_exception();
    }
  }
  if (error) std::rethrow_exception(error);
}

// Calls fn(begin, end) for blocks of `grain` items that cover [0, n).
template <typename Fn>
void parallel_blocks(int64_t n, int64_t grain, Fn&& fn) {
  parallel_for((n + grain - 1) / grain, [&](int64_t block) {
    const int64_t begin = block * grain;
    fn(begin, begin + grain < n ? begin + grain : n);
  });
}

}  // namespace parley::base
