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

void release_threads() { omp_pause_resource_all(omp_pause_hard); }

}  // namespace parley::base
