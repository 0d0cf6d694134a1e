// Tiny random models of every family, for the tests of this folder.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "base/random.h"
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
