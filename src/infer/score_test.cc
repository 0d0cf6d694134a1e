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
  const model::Model m = random_model(GetParam().config);
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
  for (const int32_t id : Generator(m.config, m.weights).run({&ask, 1})[0].answer())
    best.tokens.push_back(id);
  requests.push_back(std::move(best));

  for (const GeneratorOptions options :
       {GeneratorOptions{16, 256}, GeneratorOptions{1, 256}, GeneratorOptions{3, 32}}) {
    size_t done = 0;
    const auto results = score(m.config, m.weights, requests, options, [&](size_t n) { done = n; });
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
  const model::Model m = random_model(tiny_variants()[4].config);
  const auto tokens = random_tokens(m.config.T + 1, m.config.V, 5);
  const auto result = score(m.config, m.weights, std::vector<ScoreRequest>{{tokens, 1}})[0];
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
  const model::Model m = random_model(tiny_variants()[1].config);
  const auto refused = [&](ScoreRequest request) {
    EXPECT_THROW(score(m.config, m.weights, std::vector{std::move(request)}), base::Error);
  };
  refused({{}, 1});
  refused({{1, 2}, 0});
  refused({{1, 2}, 3});
  refused({{1, 99}, 1});
  refused({random_tokens(m.config.T + 2, m.config.V, 1), 1});
  EXPECT_TRUE(score(m.config, m.weights, {}).empty());
}

}  // namespace
}  // namespace parley::infer
