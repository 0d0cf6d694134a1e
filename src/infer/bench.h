// How fast generation is, against the machine's limits measured in the same run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "infer/engine.h"

namespace parley::infer {

struct BenchOptions {
  int64_t prompt = 512, gen = 128;  // tokens
  int64_t rounds = 3;               // of which the median counts
  model::KvFormat kv_format = model::KvFormat::kF32;
};

// What this machine can do, measured between the rounds of a batch size.
struct BenchLimits {
  double peak_ops_per_s = 0;    // int8 multiply-adds on registers, or the f32 GEMM; two a pair
  double read_bytes_per_s = 0;  // all threads reading memory that no cache holds
};

struct BenchResult {
  int64_t batch = 0;
  double ttft_ms = 0;               // from submission to the first token, median request
  double prefill_tokens_per_s = 0;  // all prompts, until every sequence has its first token
  double decode_tokens_per_s = 0;   // in all, while every sequence is answering
  double step_ms = 0;               // of a decoding step of the engine
  double bare_step_ms = 0;          // the same shapes through the model alone
  double prefill_ops_per_s = 0, prefill_share = 0;  // of the peak
  double decode_bytes_per_s = 0, decode_share = 0;  // of the bandwidth: weights and cache
  size_t weight_bytes = 0, cache_bytes = 0;         // read by a decoding step
  BenchLimits limits;
};

// `batch` sequences with different prompts of random tokens, submitted together, answered
// greedily. Error when prompt and answer do not fit into the context.
BenchResult bench_batch(const model::ModelConfig& config, const model::InferWeights& weights,
                        int64_t batch, const BenchOptions& options);

struct PrefixResult {
  int64_t prompt = 0, cached = 0;  // tokens
  double uncached_ttft_ms = 0, cached_ttft_ms = 0;
};
// The time to the first token of a prompt whose first `shared` tokens another request had,
// beside that of a prompt nobody had.
PrefixResult bench_prefix(const model::ModelConfig& config, const model::InferWeights& weights,
                          int64_t shared, const BenchOptions& options);

struct ArrivalResult {
  int64_t streams = 0, prompt = 0;
  double median_ms = 0;  // between tokens of the streams before the prompt arrives
  double during_median_ms = 0, during_p99_ms = 0, during_max_ms = 0;  // while it is read
  double ttft_ms = 0;                                                 // of the long prompt
};
// What a long prompt does to the time between tokens of `streams` others.
ArrivalResult bench_arrival(const model::ModelConfig& config, const model::InferWeights& weights,
                            int64_t streams, int64_t long_prompt, const BenchOptions& options);

}  // namespace parley::infer
