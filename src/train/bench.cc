#include "train/bench.h"

#include <sys/resource.h>

#include <algorithm>
#include <vector>

#include "base/measure.h"
#include "base/random.h"
#include "kernels/machine.h"
#include "model/train_step.h"

namespace parley::train {
namespace {

using base::Clock;
using base::median;
using base::seconds_since;
using tensor::Shape;
using tensor::Tensor;

size_t peak_rss_bytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<size_t>(usage.ru_maxrss) * 1024;
}

}  // namespace

TrainBenchResult bench_train(const model::ModelConfig& config, const TrainBenchOptions& options) {
  const int64_t B = options.batch, T = options.seq;

  // 1. A model, its gradients and optimiser, and a batch of random tokens.
  model::TrainState state(config, {.B = B, .T = T, .recompute = options.recompute});
  model::Weights weights(config), grads(config);
  model::init_weights(weights, config, 1);
  Optimizer optimizer(config, options.optimizer);
  Tensor<int32_t> tokens(Shape{B, T}), targets(Shape{B, T}), positions(Shape{B, T});
  const base::Philox random(1, 1);
  for (int64_t n = 0; n < B * T; ++n) {
    const auto draw = [&](int64_t i) {
      return static_cast<int32_t>(
          random.below(static_cast<uint64_t>(i), static_cast<uint64_t>(config.V)));
    };
    tokens[n] = draw(2 * n);
    targets[n] = draw(2 * n + 1);
    positions[n] = static_cast<int32_t>(n % T);
  }

  // 2. Whole steps, the first (which touches every page) not counted. The machine's
  // peak is measured between them, so that both see the same clock and neighbours.
  std::vector<double> step_s, forward_backward_s, optimizer_s, peaks;
  double measured = 0;
  for (int64_t step = 1; step <= 4 || measured < options.seconds; ++step) {
    if (step % 3 == 1) peaks.push_back(kernels::measure_gemm_peak());
    const auto start = Clock::now();
    state.forward_backward(weights, grads, {tokens, targets, positions, {}}, false);
    const double forward_backward = seconds_since(start);
    optimizer.update(weights, grads, step, 1e-3);
    const double total = seconds_since(start);
    if (step == 1) continue;
    step_s.push_back(total);
    forward_backward_s.push_back(forward_backward);
    optimizer_s.push_back(total - forward_backward);
    measured += total;
  }
  peaks.push_back(kernels::measure_gemm_peak());

  // 3. Medians, against the best the machine showed.
  TrainBenchResult r{};
  r.tokens_per_s = static_cast<double>(B * T) / median(step_s);
  r.flops_per_token = model::train_flops_per_token(config, T);
  r.flops_per_s = r.tokens_per_s * r.flops_per_token;
  r.peak_flops_per_s = *std::ranges::max_element(peaks);
  r.share = r.flops_per_s / r.peak_flops_per_s;
  r.forward_backward_s = median(forward_backward_s);
  r.optimizer_s = median(optimizer_s);
  r.peak_rss_bytes = peak_rss_bytes();
  r.planned_bytes = 2 * static_cast<size_t>(weights.flat().size()) * sizeof(float) +
                    optimizer.state_bytes() + state.planned_bytes();
  r.steps = static_cast<int64_t>(step_s.size());
  return r;
}

}  // namespace parley::train
