#include "infer/score.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "infer/infer_test_util.h"

namespace parley::infer {
namespace {

// By a full forward pass of each request alone.
ScoreResult reference(const model::Model& m, const ScoreRequest& request) {
  const std::vector<int32_t> read(request.tokens.begin(), request.tokens.end() - 1);
  const Tensor<float> logits = full_logits(m, read);
  ScoreResult result;
  for (size_t t = static_cast<size_t>(request.first); t < request.tokens.size(); ++t) {
    const ConstF32 row = logits.row(static_cast<int64_t>(t) - 1);
    const int32_t target = request.tokens[t];
    result.logprobs.push_back(row[target] - static_cast<float>(log_sum_exp(row)));
    result.greedy &= std::max_element(row.begin(), row.end()) == &row[target];
  }
  return result;
}

class ScoreEachVariant : public testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(Models, ScoreEachVariant, testing::ValuesIn(tiny_variants()),
                         [](const auto& test) { return test.param.name; });

TEST_P(ScoreEachVariant, EqualsFullForwards) {
  const TestModel model(GetParam());
  const model::Model& m = model.m;
  std::vector<ScoreRequest> requests;
  // Contexts with several endings each, out of order, and one that is as long as can be.
  for (uint64_t i = 0; i < 12; ++i) {
    ScoreRequest request{random_tokens(2 + static_cast<int64_t>(7 * (i % 4)), m.config.V, i % 4),
                         0};
    request.first = static_cast<int64_t>(request.tokens.size());
    for (const int32_t token : random_tokens(1 + static_cast<int64_t>(i), m.config.V, 100 + i))
      request.tokens.push_back(token);
    requests.push_back(std::move(request));
  }
  requests.push_back({random_tokens(m.config.T + 1, m.config.V, 9), 1});
  requests.push_back({random_tokens(2, m.config.V, 9), 1});
  // One greedy continuation.
  Request ask{.prompt = random_tokens(8, m.config.V, 4), .sampling = {.temperature = 0}};
  ask.sampling.max_tokens = 10;
  ScoreRequest best{ask.prompt, 8};
  Engine asked(m.config, model.weights, steady());
  for (const int32_t id : generate(asked, {&ask, 1})[0].answer()) best.tokens.push_back(id);
  requests.push_back(std::move(best));

  for (const EngineOptions& options : {EngineOptions{}, steady(1, 256), steady(3, 32)}) {
    Engine engine(m.config, model.weights, options);
    size_t done = 0;
    const auto results = score(engine, requests, [&](size_t n) { done = n; });
    expect_no_leak(engine);
    EXPECT_EQ(done, requests.size());
    for (size_t i = 0; i < requests.size(); ++i) {
      const ScoreResult expected = reference(m, requests[i]);
      EXPECT_EQ(results[i].greedy, expected.greedy) << i;
      ASSERT_EQ(results[i].logprobs.size(), expected.logprobs.size()) << i;
      for (size_t t = 0; t < expected.logprobs.size(); ++t)
        EXPECT_NEAR(results[i].logprobs[t], expected.logprobs[t], 2e-4) << i << " " << t;
    }
    EXPECT_TRUE(results.back().greedy);
  }
}

// Inference's log-probabilities are those that training computes.
TEST(Score, EqualsTheTrainingLoss) {
  const TestModel model(tiny_variants()[4]);
  const model::Model& m = model.m;
  const auto tokens = random_tokens(m.config.T + 1, m.config.V, 5);
  Engine engine(m.config, model.weights);
  const auto result = score(engine, std::vector<ScoreRequest>{{tokens, 1}})[0];
  std::vector<int32_t> inputs(tokens.begin(), tokens.end() - 1), positions;
  std::vector<int32_t> targets(tokens.begin() + 1, tokens.end());
  const int64_t T = m.config.T;
  for (int32_t t = 0; t < T; ++t) positions.push_back(t);
  model::TrainState state(m.config, {.B = 1, .T = T});
  const auto loss = state.forward_loss(m.weights, {.tokens = {inputs.data(), {1, T}},
                                                   .targets = {targets.data(), {1, T}},
                                                   .positions = {positions.data(), {1, T}},
                                                   .first_key = {}});
  EXPECT_NEAR(result.sum(), -loss.sum, 1e-5 * std::abs(loss.sum));
  for (int64_t t = 0; t < T; ++t)
    EXPECT_NEAR(result.logprobs[static_cast<size_t>(t)], -state.losses()[t], 1e-4);
}

TEST(Score, RefusesWhatCannotBeScored) {
  const TestModel model(tiny_variants()[1]);
  const model::ModelConfig& config = model.m.config;
  Engine engine(config, model.weights);
  const auto refused = [&](ScoreRequest request) {
    EXPECT_THROW(score(engine, std::vector{std::move(request)}), base::Error);
    EXPECT_TRUE(engine.idle());
  };
  refused({{}, 1});
  refused({{1, 2}, 0});
  refused({{1, 2}, 3});
  refused({{1, 99}, 1});
  refused({random_tokens(config.T + 2, config.V, 1), 1});
  EXPECT_TRUE(score(engine, {}).empty());
}

// Endings of one long context run its full blocks once.
TEST(Score, CommonContextsRunOnce) {
  model::ModelConfig config = tiny_variants()[4].config;
  config.T = 400;
  const TestModel model(config);
  const auto context = random_tokens(300, config.V, 1);
  std::vector<ScoreRequest> requests;
  for (uint64_t i = 0; i < 6; ++i) {
    ScoreRequest request{context, 300};
    for (const int32_t token : random_tokens(5, config.V, 10 + i)) request.tokens.push_back(token);
    requests.push_back(std::move(request));
  }
  Engine engine(config, model.weights, steady());
  const auto results = score(engine, requests);
  EXPECT_EQ(engine.stats().prompt_tokens, 304 + 5 * (304 - 256));
  for (size_t i = 0; i < requests.size(); ++i) {
    const ScoreResult expected = reference(model.m, requests[i]);
    for (size_t t = 0; t < expected.logprobs.size(); ++t)
      EXPECT_NEAR(results[i].logprobs[t], expected.logprobs[t], 2e-4);
  }
}

TEST(Score, NanWeightsAreAnError) {
  TestModel model(tiny_variants()[1]);
  model.m.weights.norm_f_w[0] = std::numeric_limits<float>::quiet_NaN();
  Engine engine(model.m.config, model.weights);
  EXPECT_THROW(score(engine, std::vector<ScoreRequest>{{{1, 2, 3}, 1}}), base::Error);
  EXPECT_TRUE(engine.idle());
}

}  // namespace
}  // namespace parley::infer
