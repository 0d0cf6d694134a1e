// Tiny random models of every family, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"
#include "infer/generate.h"
#include "kernels/matmul.h"
#include "model/model.h"
#include "model/train_step.h"

namespace parley::infer {

using tensor::ConstF32;
using tensor::Tensor;

struct Variant {
  std::string name;
  model::ModelConfig config;
};

inline std::vector<Variant> tiny_variants() {
  using namespace model;
  ModelConfig gpt2{.V = 61, .T = 96, .C = 32, .L = 3, .NH = 4, .NKV = 4, .HS = 8, .F = 48};
  ModelConfig gpt1 = gpt2;
  gpt1.family = Family::kGpt1;
  gpt1.norm_place = NormPlace::kPost;
  ModelConfig gpt3 = gpt2;
  gpt3.window = 7;
  gpt3.alternate_window = true;
  ModelConfig llama = gpt2;
  llama.family = Family::kLlama;
  llama.norm = NormKind::kRmsNorm;
  llama.positions = PositionKind::kRope;
  llama.activation = Activation::kSilu;
  llama.gated = true;
  llama.qkv_bias = llama.linear_bias = false;
  llama.tied_embeddings = false;
  llama.NKV = 2;
  ModelConfig qwen3 = llama;
  qwen3.family = Family::kQwen3;
  qwen3.qk_norm = true;
  qwen3.tied_embeddings = true;
  qwen3.HS = 16;
  return {{"gpt1", gpt1}, {"gpt2", gpt2}, {"gpt3", gpt3}, {"llama", llama}, {"qwen3", qwen3}};
}

// Weights larger than an initialisation's, so that the distributions have shape and a
// misplaced key or position shows.
inline model::Model random_model(const model::ModelConfig& config, uint64_t seed = 1) {
  model::validate(config, "test");
  model::Model m{config, model::Weights(config)};
  model::init_weights(m.weights, config, seed);
  uint64_t stream = 1000;
  for (const model::ParamInfo& info : m.weights.params()) {
    const base::Philox random(seed, stream++);
    const auto values = m.weights.view(info);
    for (int64_t i = 0; i < values.size(); ++i) {
      if (info.kind == model::ParamKind::kVector)
        values[i] += 0.1f * static_cast<float>(random.normal(static_cast<uint64_t>(i)));
      else
        values[i] *= 8;
    }
  }
  return m;
}

inline std::vector<int32_t> random_tokens(int64_t n, int64_t V, uint64_t seed) {
  const base::Philox random(seed, 77);
  std::vector<int32_t> tokens;
  for (int64_t i = 0; i < n; ++i)
    tokens.push_back(
        static_cast<int32_t>(random.below(static_cast<uint64_t>(i), static_cast<uint64_t>(V))));
  return tokens;
}

// A random model ready for inference.
struct TestModel {
  explicit TestModel(const model::ModelConfig& config,
                     model::Precision precision = model::Precision::kF32, uint64_t seed = 1)
      : m(random_model(config, seed)), weights(m.config, m.weights, precision) {}
  explicit TestModel(const Variant& variant) : TestModel(variant.config) {}

  model::Model m;
  model::InferWeights weights;
};

// An engine that does the same each time, on the machine's threads but not its clock.
inline EngineOptions steady(int64_t max_sequences = 16, int64_t step_tokens = 256) {
  EngineOptions options;
  options.max_sequences = max_sequences;
  options.step_tokens = step_tokens;
  options.adaptive_steps = false;
  return options;
}

inline SamplingParams greedy(int64_t max_tokens) {
  SamplingParams params{.temperature = 0};
  params.max_tokens = max_tokens;
  return params;
}

inline std::vector<int32_t> ids_of(const Completion& completion) {
  std::vector<int32_t> ids;
  for (const Sample& sample : completion.samples) ids.push_back(sample.token);
  return ids;
}

// What a request's callbacks were given.
struct Record {
  std::vector<Sample> samples;
  std::vector<TokenScore> scores;
  Finished finished;
  int done = 0;

  // The same request, recorded here too.
  Request recording(Request request) {
    request.on_token = [this, then = request.on_token](const Sample& sample) {
      samples.push_back(sample);
      return then ? then(sample) : Verdict::kContinue;
    };
    request.on_scores = [this, then = request.on_scores](std::span<const TokenScore> some) {
      scores.insert(scores.end(), some.begin(), some.end());
      if (then) then(some);
    };
    request.on_done = [this, then = request.on_done](const Finished& how) {
      finished = how;
      ++done;
      if (then) then(how);
    };
    return request;
  }
};

// Every block is free, once the prefix cache is forgotten.
inline void expect_no_leak(Engine& engine) {
  EXPECT_TRUE(engine.idle());
  EXPECT_EQ(engine.stats().blocks.used, 0);
  engine.forget_cache();
  EXPECT_EQ(engine.stats().blocks.cached, 0);
}

// Logits (N, V) of every position by the training forward: another path through
// attention, and no cache.
inline Tensor<float> full_logits(const model::Model& m, std::vector<int32_t> tokens) {
  const auto N = static_cast<int64_t>(tokens.size());
  std::vector<int32_t> positions;
  for (int64_t t = 0; t < N; ++t) positions.push_back(static_cast<int32_t>(t));
  model::TrainState state(m.config, {.B = 1, .T = N});
  const model::Batch batch{.tokens = {tokens.data(), {1, N}},
                           .targets = {},
                           .positions = {positions.data(), {1, N}},
                           .first_key = {}};
  const auto hidden = state.forward(m.weights, batch);
  Tensor<float> logits({N, m.config.V});
  kernels::matmul_forward(logits, hidden, m.weights.lm_head, {});
  return logits;
}

// Fails unless a and b agree to `tolerance` times the largest of them.
inline void expect_close(ConstF32 a, ConstF32 b, float tolerance = 1e-4f) {
  ASSERT_EQ(a.size(), b.size());
  float largest = 0, difference = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    largest = std::max({largest, std::abs(a[i]), std::abs(b[i])});
    difference = std::max(difference, std::abs(a[i] - b[i]));
  }
  EXPECT_LE(difference, tolerance * largest);
}

}  // namespace parley::infer
