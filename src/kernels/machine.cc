#include "kernels/machine.h"

#include <algorithm>
#include <chrono>
#include <functional>

#include "kernels/activation.h"
#include "kernels/matmul.h"
#include "tensor/buffer.h"

namespace parley::kernels {
namespace {

// The shortest run of `work` in `seconds`, in seconds; a first run warms up.
double best_time(double seconds, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  const auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  work();
  double best = 1e30;
  const auto first = Clock::now();
  do {
    const auto start = Clock::now();
    work();
    best = std::min(best, since(start));
  } while (since(first) < seconds);
  return best;
}

}  // namespace

double measure_gemm_peak(int64_t side, double seconds) {
  tensor::Tensor<float> a({side, side}), b({side, side}), c({side, side});
  std::fill(a.begin(), a.end(), 0.5f);
  std::fill(b.begin(), b.end(), 0.25f);
  const double time = best_time(seconds, [&] { matmul_backward_input(c, a, b); });
  return 2.0 * static_cast<double>(side * side * side) / time;
}

double measure_read_bandwidth(size_t bytes, double seconds) {
  tensor::Tensor<float> data({static_cast<int64_t>(bytes / sizeof(float))});
  std::fill(data.begin(), data.end(), 1.0f);  // pages of zeros would share one page
  return static_cast<double>(bytes) / best_time(seconds, [&] { all_finite(data); });
}

}  // namespace parley::kernels
