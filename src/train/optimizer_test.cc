#include "train/optimizer.h"

#include <cmath>

#include "base/random.h"
#include "model/train_step.h"
#include "train/train_test_util.h"

namespace parley::train {
namespace {

using model::ParamKind;
using model::Weights;

void fill(const Weights& w, uint64_t seed, double scale) {
  const base::Philox random(seed, 0);
  for (const auto& info : w.params()) {
    const F32 view = w.view(info);
    for (int64_t i = 0; i < view.size(); ++i)
      view[i] = static_cast<float>(scale * random.normal(static_cast<uint64_t>(info.offset + i)));
  }
}

std::vector<float> copy(const Weights& w) { return {w.flat().begin(), w.flat().end()}; }

TEST(Optimizer, DecaysMatricesOnly) {
  const model::ModelConfig config = tiny_config();
  for (const auto kind : {OptimizerKind::kAdamW, OptimizerKind::kMuon}) {
    // With a gradient of zero only decay moves a parameter.
    Weights weights(config), grads(config);
    fill(weights, 1, 1);
    const std::vector<float> before = copy(weights);
    const OptimizerOptions options{.kind = kind, .lr = 0.1, .weight_decay = 0.5, .muon_lr = 0.1};
    Optimizer(config, options).update(weights, grads, 1, 1.0);
    for (const auto& info : weights.params()) {
      const F32 view = weights.view(info);
      for (int64_t i = 0; i < view.size(); ++i) {
        const float old = before[static_cast<size_t>(info.offset + i)];
        const float expected = info.kind == ParamKind::kMatrix ? old * (1 - 0.1f * 0.5f) : old;
        ASSERT_NEAR(view[i], expected, 1e-5 * (1 + std::abs(old))) << info.name;
      }
    }
  }
}

TEST(Optimizer, ClipsTheGlobalNorm) {
  const model::ModelConfig config = tiny_config();
  Weights grads(config), scaled(config);
  fill(grads, 2, 1);
  double squares = 0;
  for (const float g : grads.flat()) squares += double{g} * g;
  const double norm = std::sqrt(squares);
  for (int64_t i = 0; i < grads.flat().size(); ++i)
    scaled.flat()[i] = static_cast<float>(grads.flat()[i] / norm * 0.5);

  // Clipping at 0.5 equals a gradient of norm 0.5 (first moments are linear in it).
  Weights a(config), b(config);
  Optimizer clipped(config, {.clip = 0.5}), plain(config, {.clip = 0});
  EXPECT_NEAR(clipped.update(a, grads, 1, 1.0), norm, 1e-6 * norm);
  EXPECT_NEAR(plain.update(b, scaled, 1, 1.0), 0.5, 1e-6);
  const auto clipped_state = clipped.state(), plain_state = plain.state();
  for (size_t s = 0; s < clipped_state.size(); ++s)
    for (int64_t i = 0; i < clipped_state[s].values.size(); ++i)
      ASSERT_NEAR(clipped_state[s].values[i], plain_state[s].values[i], 1e-9);
}

TEST(Optimizer, LeavesEverythingAloneWhenTheGradientIsNotFinite) {
  const model::ModelConfig config = tiny_config();
  for (const float bad : {NAN, INFINITY}) {
    Weights weights(config), grads(config);
    fill(weights, 1, 1);
    grads.layers[1].fc_w[7] = bad;
    const std::vector<float> before = copy(weights);
    Optimizer optimizer(config, {});
    EXPECT_FALSE(std::isfinite(optimizer.update(weights, grads, 1, 1.0)));
    EXPECT_EQ(copy(weights), before);
    for (const auto& s : optimizer.state())
      for (const float v : s.values) ASSERT_EQ(v, 0);
  }
}

TEST(Optimizer, MuonTakesFusedMatricesApart) {
  const model::ModelConfig config = tiny_config();
  Weights weights(config), grads(config);
  fill(grads, 3, 1);
  const OptimizerOptions options{
      .kind = OptimizerKind::kMuon, .weight_decay = 0, .muon_lr = 1, .clip = 0};
  Optimizer(config, options).update(weights, grads, 1, 1.0);
  // Each block of rows is semi-orthogonal by itself, up to the iteration's slack and
  // the factor sqrt(max(1, rows / columns)): the mean squared singular value is near 1.
  for (const auto& info : weights.params()) {
    if (info.kind != ParamKind::kMatrix) continue;
    for (const auto [begin, end] : muon_blocks(config, info)) {
      const F32 block = weights.view(info).rows(begin, end);
      const auto rows = static_cast<double>(end - begin);
      const auto columns = static_cast<double>(info.shape[1]);
      double squares = 0;
      for (const float w : block) squares += double{w} * w;
      const double mean = squares / std::min(rows, columns) / std::max(1.0, rows / columns);
      EXPECT_GT(mean, 0.5) << info.name;
      EXPECT_LT(mean, 1.5) << info.name;
    }
  }
  const auto blocks = [&](const char* name) {
    for (const auto& info : weights.params())
      if (info.name == name) return muon_blocks(config, info).size();
    return size_t{0};
  };
  EXPECT_EQ(blocks("layers.0.qkv_w"), 3u);
  EXPECT_EQ(blocks("layers.0.fc_w"), 2u);
  EXPECT_EQ(blocks("layers.0.att_w"), 1u);
}

TEST(Optimizer, AccumulationEqualsOneLargeBatch) {
  const model::ModelConfig config = tiny_config();
  constexpr int64_t kB = 4, kT = 16;
  Weights weights(config), large(config), small(config);
  model::init_weights(weights, config, 1);
  std::vector<int32_t> tokens(kB * kT), targets(kB * kT), positions(kB * kT);
  const base::Philox random(9, 9);
  for (size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = static_cast<int32_t>(random.below(2 * i, 300));
    targets[i] = i % 7 == 0 ? -1 : static_cast<int32_t>(random.below(2 * i + 1, 300));
    positions[i] = static_cast<int32_t>(i % kT);
  }
  const auto batch = [&](int64_t first, int64_t rows) {
    const tensor::Shape shape{rows, kT};
    return model::Batch{{tokens.data() + first * kT, shape},
                        {targets.data() + first * kT, shape},
                        {positions.data() + first * kT, shape},
                        {}};
  };
  const auto counted = [&](int64_t first, int64_t rows) {
    return std::count_if(targets.begin() + first * kT, targets.begin() + (first + rows) * kT,
                         [](int32_t t) { return t >= 0; });
  };
  model::TrainState all(config, {kB, kT}), part(config, {1, kT});
  const double loss = all.forward_backward(weights, large, batch(0, kB), false);
  double sum = 0;
  for (int64_t b = 0; b < kB; ++b) {
    const double share = static_cast<double>(counted(b, 1)) / static_cast<double>(counted(0, kB));
    sum += share *
           part.forward_backward(weights, small, batch(b, 1), b > 0, static_cast<float>(share));
  }
  EXPECT_NEAR(sum, loss, 1e-5);
  double difference = 0, size = 0;
  for (int64_t i = 0; i < large.flat().size(); ++i) {
    difference = std::max<double>(difference, std::abs(large.flat()[i] - small.flat()[i]));
    size = std::max<double>(size, std::abs(large.flat()[i]));
  }
  EXPECT_LT(difference, 1e-4 * size);
}

}  // namespace
}  // namespace parley::train
