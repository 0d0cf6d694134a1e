// How fast training steps are, against the machine's limit measured in the same run.
#pragma once

#include "model/config.h"
#include "train/optimizer.h"

namespace parley::train {

struct TrainBenchOptions {
  int64_t batch = 4, seq = 256;
  double seconds = 10;  // of timed steps, at least three
  bool recompute = false;
  OptimizerOptions optimizer;
};

struct TrainBenchResult {
  double tokens_per_s;     // median step, optimiser included
  double flops_per_token;  // model::train_flops_per_token
  double flops_per_s;
  double peak_flops_per_s;                 // f32 GEMM, measured before, between and after the steps
  double share;                            // flops_per_s / peak_flops_per_s
  double forward_backward_s, optimizer_s;  // of the median step
  size_t peak_rss_bytes;                   // of this process so far
  size_t planned_bytes;                    // parameters + gradients + optimiser state + activations
  int64_t steps;
};

// Trains a randomly initialised model on random tokens.
TrainBenchResult bench_train(const model::ModelConfig& config, const TrainBenchOptions& options);

}  // namespace parley::train
