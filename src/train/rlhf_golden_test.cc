// The losses of reward models and PPO equal PyTorch's (tools/oracle/rlhf_golden.py).
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "model/token_head.h"
#include "train/ppo_math.h"
#include "train/reward.h"

namespace parley::train {
namespace {

const nlohmann::json& golden() {
  static const nlohmann::json json = nlohmann::json::parse(
      base::read_file(std::string(PARLEY_SOURCE_DIR) + "/tests/golden/rlhf.json"));
  return json;
}

std::vector<double> doubles(const nlohmann::json& list) { return list.get<std::vector<double>>(); }
std::vector<float> floats(const nlohmann::json& list) { return list.get<std::vector<float>>(); }

TEST(RlhfGolden, PairwiseLoss) {
  const nlohmann::json& g = golden()["pairwise"];
  std::vector<Comparison::Pair> pairs;
  for (const nlohmann::json& pair : g["pairs"])
    pairs.push_back({pair[0].get<size_t>(), pair[1].get<size_t>()});
  const std::vector<float> scores = floats(g["scores"]);
  std::vector<float> gradient(scores.size(), 0);
  EXPECT_NEAR(pairwise_loss(scores, pairs, gradient, 1), g["loss"].get<double>(), 1e-6);
  const std::vector<double> expected = doubles(g["gradient"]);
  for (size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(gradient[i], expected[i], 1e-6);
}

TEST(RlhfGolden, PolicyLoss) {
  const nlohmann::json& g = golden()["policy"];
  const std::vector<double> old = doubles(g["old"]), now = doubles(g["new"]),
                            advantages = doubles(g["advantages"]), losses = doubles(g["losses"]),
                            gradient = doubles(g["gradient"]);
  int clipped = 0;
  for (size_t i = 0; i < old.size(); ++i) {
    const PolicyLoss token = policy_loss(now[i], old[i], advantages[i], g["clip"].get<double>());
    EXPECT_NEAR(token.loss, losses[i], 1e-12);
    EXPECT_NEAR(token.dlogprob, gradient[i], 1e-12);
    clipped += token.clipped;
  }
  EXPECT_GT(clipped, 3);
}

TEST(RlhfGolden, ValueLoss) {
  const nlohmann::json& g = golden()["value"];
  const std::vector<double> old = doubles(g["old"]), now = doubles(g["new"]),
                            returns = doubles(g["returns"]), losses = doubles(g["losses"]),
                            gradient = doubles(g["gradient"]);
  int clipped = 0;
  for (size_t i = 0; i < old.size(); ++i) {
    const ValueLoss token = value_loss(now[i], old[i], returns[i], g["clip"].get<double>());
    EXPECT_NEAR(token.loss, losses[i], 1e-12);
    EXPECT_NEAR(token.dvalue, gradient[i], 1e-12);
    clipped += token.clipped;
  }
  EXPECT_GT(clipped, 3);
}

TEST(RlhfGolden, Whitening) {
  const nlohmann::json& g = golden()["whitening"];
  for (const bool shift : {true, false}) {
    std::vector<float> x = floats(g["x"]);
    std::vector<float>* lists[] = {&x};
    whiten(lists, shift);
    const std::vector<double> expected = doubles(g[shift ? "shifted" : "kept"]);
    for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], expected[i], 1e-6);
  }
}

TEST(RlhfGolden, TokenHead) {
  const nlohmann::json& g = golden()["token_head"];
  std::vector<float> hidden = floats(g["hidden"]), head = floats(g["head"]);
  const auto targets = g["targets"].get<std::vector<int32_t>>();
  const std::vector<float> slopes = floats(g["slopes"]);
  const auto temperature = g["temperature"].get<float>();
  const int64_t N = std::ssize(targets), C = std::ssize(hidden) / N, V = std::ssize(head) / C;
  model::ModelConfig config;
  config.V = V;
  config.C = C;
  model::TokenHead layer(config, N);
  const tensor::ConstF32 h(hidden.data(), {N, C}), w(head.data(), {V, C});
  const tensor::ConstI32 t(targets.data(), {N});
  tensor::Tensor<float> logprobs({N}), entropies({N}), dhidden({N, C}), dhead({V, C});
  const auto expect = [](const tensor::F32& is, const nlohmann::json& list) {
    const std::vector<double> expected = doubles(list);
    for (int64_t i = 0; i < is.size(); ++i)
      EXPECT_NEAR(is[i], expected[static_cast<size_t>(i)], 2e-5) << i;
  };
  layer.forward(logprobs, entropies, h, w, t, temperature);
  expect(logprobs, g["logprobs"]);
  expect(entropies, g["entropies"]);
  layer.backward(
      logprobs, {}, dhidden, dhead, h, w, t,
      [&](int64_t n, float) { return slopes[static_cast<size_t>(n)]; }, false, temperature);
  expect(logprobs, g["logprobs"]);
  expect(dhidden, g["dhidden"]);
  expect(dhead, g["dhead"]);
}

}  // namespace
}  // namespace parley::train
