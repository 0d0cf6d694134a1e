#include "train/ppo_math.h"

#include <gtest/gtest.h>

#include <cmath>

namespace parley::train {
namespace {

AnswerTokens answer(std::vector<float> rewards, std::vector<float> values) {
  AnswerTokens a;
  a.rewards = std::move(rewards);
  a.values = std::move(values);
  return a;
}

// The sum that defines GAE: A[t] = Σ (γλ)^l δ[t + l].
TEST(PpoMath, GaeEqualsItsDefinition) {
  const double gamma = 0.9, lambda = 0.8;
  AnswerTokens a = answer({0.5f, -1.0f, 0.25f, 2.0f}, {0.1f, 0.3f, -0.2f, 0.7f});
  gae(a, gamma, lambda);
  for (size_t t = 0; t < 4; ++t) {
    double sum = 0, factor = 1;
    for (size_t l = t; l < 4; ++l, factor *= gamma * lambda) {
      const double next = l + 1 < 4 ? static_cast<double>(a.values[l + 1]) : 0;
      sum += factor *
             (static_cast<double>(a.rewards[l]) + gamma * next - static_cast<double>(a.values[l]));
    }
    EXPECT_NEAR(a.advantages[t], sum, 1e-6);
    EXPECT_NEAR(a.returns[t], sum + static_cast<double>(a.values[t]), 1e-6);
  }
}

// With γ = λ = 1 the return is what is still to come, whatever the values; with λ = 0 the
// advantage is the temporal difference (Schulman et al. 2016, equations 11 and 18).
TEST(PpoMath, GaeAtItsLimits) {
  AnswerTokens a = answer({0, 0, 1}, {0.5f, 0.25f, -3.0f});
  gae(a, 1, 1);
  for (const float r : a.returns) EXPECT_FLOAT_EQ(r, 1);
  gae(a, 1, 0);
  EXPECT_FLOAT_EQ(a.advantages[0], 0.25f - 0.5f);
  EXPECT_FLOAT_EQ(a.advantages[1], -3.0f - 0.25f);
  EXPECT_FLOAT_EQ(a.advantages[2], 1 + 3.0f);
}

TEST(PpoMath, ScoreEntersAtTheLastTokenAndKlAtEach) {
  const std::vector<float> logprobs = {-1, -2, -0.5f}, ref = {-1.5f, -1, -0.5f};
  const std::vector<float> k1 = token_rewards(logprobs, ref, 3, 0.1);
  EXPECT_NEAR(k1[0], -0.1 * 0.5, 1e-7);
  EXPECT_NEAR(k1[1], -0.1 * -1, 1e-7);
  EXPECT_NEAR(k1[2], 3, 1e-7);
  const std::vector<float> k3 = token_rewards(logprobs, ref, 3, 0.1, KlEstimator::kK3);
  EXPECT_NEAR(k3[0], -0.1 * (std::exp(-0.5) - 1 + 0.5), 1e-7);
  EXPECT_NEAR(k3[1], -0.1 * (std::exp(1.0) - 1 - 1), 1e-7);
  EXPECT_EQ(k3[2], 3);
}

// Both estimators have the mean Σ p log(p/q) under p.
TEST(PpoMath, KlEstimatorsAreUnbiased) {
  const std::vector<double> p = {0.5, 0.3, 0.2}, q = {0.2, 0.3, 0.5};
  double kl = 0, k1 = 0, k3 = 0;
  for (size_t i = 0; i < 3; ++i) {
    kl += p[i] * std::log(p[i] / q[i]);
    const std::vector<float> a = {static_cast<float>(std::log(p[i]))},
                             b = {static_cast<float>(std::log(q[i]))};
    k1 -= p[i] * static_cast<double>(token_rewards(a, b, 0, 1)[0]);
    k3 -= p[i] * static_cast<double>(token_rewards(a, b, 0, 1, KlEstimator::kK3)[0]);
  }
  EXPECT_NEAR(k1, kl, 1e-6);
  EXPECT_NEAR(k3, kl, 1e-6);
}

TEST(PpoMath, WhiteningByFormula) {
  std::vector<float> a = {1, 2}, b = {3, 6};
  std::vector<float>* lists[] = {&a, &b};
  const double mean = 3, variance = (4 + 1 + 0 + 9) / 4.0;
  whiten(lists, true);
  EXPECT_NEAR(a[0], (1 - mean) / std::sqrt(variance + 1e-8), 1e-6);
  EXPECT_NEAR(b[1], (6 - mean) / std::sqrt(variance + 1e-8), 1e-6);
  a = {1, 2}, b = {3, 6};
  whiten(lists, false);  // the mean stays
  EXPECT_NEAR((a[0] + a[1] + b[0] + b[1]) / 4, mean, 1e-6);
  EXPECT_NEAR(b[1], (6 - mean) / std::sqrt(variance + 1e-8) + mean, 1e-6);
  // Nothing to tell apart: no division by zero.
  a = {2, 2}, b = {};
  whiten(lists, true);
  EXPECT_EQ(a[0], 0);
}

TEST(PpoMath, AdaptiveKlByFormula) {
  AdaptiveKl kl{.beta = 0.2, .target = 6, .horizon = 10000};
  kl.update(6.6, 512);  // 10 % above
  EXPECT_NEAR(kl.beta, 0.2 * (1 + 0.1 * 512 / 10000), 1e-12);
  kl.beta = 0.2;
  kl.update(600, 512);  // clipped at 20 %
  EXPECT_NEAR(kl.beta, 0.2 * (1 + 0.2 * 512 / 10000), 1e-12);
  kl.beta = 0.2;
  kl.update(0, 512);
  EXPECT_NEAR(kl.beta, 0.2 * (1 - 0.2 * 512 / 10000), 1e-12);
}

TEST(PpoMath, PolicyLossClipsOnlyWhatWouldGainMore) {
  const double clip = 0.2, up = std::log(1.5), down = std::log(0.5);
  // Better than thought and already more probable: no further.
  EXPECT_NEAR(policy_loss(up, 0, 1, clip).loss, -1.2, 1e-12);
  EXPECT_EQ(policy_loss(up, 0, 1, clip).dlogprob, 0);
  EXPECT_TRUE(policy_loss(up, 0, 1, clip).clipped);
  // Worse, and more probable: the full gradient.
  EXPECT_NEAR(policy_loss(up, 0, -1, clip).loss, 1.5, 1e-12);
  EXPECT_NEAR(policy_loss(up, 0, -1, clip).dlogprob, 1.5, 1e-12);
  EXPECT_NEAR(policy_loss(down, 0, 1, clip).dlogprob, -0.5, 1e-12);
  EXPECT_EQ(policy_loss(down, 0, -1, clip).dlogprob, 0);
  // Unchanged weights: ratio exactly 1, the gradient −A.
  const PolicyLoss same = policy_loss(-2.5, -2.5, 0.7, clip);
  EXPECT_EQ(same.ratio, 1);
  EXPECT_EQ(same.dlogprob, -0.7);
  EXPECT_FALSE(same.clipped);
}

TEST(PpoMath, GradientsByFiniteDifferences) {
  constexpr double h = 1e-6;
  for (double logprob = -1.0; logprob < 1; logprob += 0.173)
    for (const double advantage : {-1.3, 0.4}) {
      const double slope = (policy_loss(logprob + h, 0, advantage, 0.2).loss -
                            policy_loss(logprob - h, 0, advantage, 0.2).loss) /
                           (2 * h);
      EXPECT_NEAR(policy_loss(logprob, 0, advantage, 0.2).dlogprob, slope, 1e-5);
    }
  for (double value = -1.0; value < 1; value += 0.173)
    for (const double ret : {-0.5, 0.05, 0.9}) {
      const double slope =
          (value_loss(value + h, 0.1, ret, 0.2).loss - value_loss(value - h, 0.1, ret, 0.2).loss) /
          (2 * h);
      EXPECT_NEAR(value_loss(value, 0.1, ret, 0.2).dvalue, slope, 1e-5);
    }
}

TEST(PpoMath, ValueLossIsTheLargerOne) {
  EXPECT_NEAR(value_loss(1, 0, 1, 0.2).loss, 0.5 * 0.8 * 0.8, 1e-12);  // clipped at 0.2
  EXPECT_TRUE(value_loss(1, 0, 1, 0.2).clipped);
  EXPECT_NEAR(value_loss(0.1, 0, 1, 0.2).loss, 0.5 * 0.9 * 0.9, 1e-12);
  EXPECT_NEAR(value_loss(-1, 0, 1, 0.2).loss, 0.5 * 4, 1e-12);  // the free side is larger
}

TEST(PpoMath, ExplainedVariance) {
  AnswerTokens a;
  a.returns = {1, 2, 3, 4};
  a.values = {1, 2, 3, 4};
  EXPECT_NEAR(explained_variance({{a}}), 1, 1e-9);
  a.values = {2.5f, 2.5f, 2.5f, 2.5f};
  EXPECT_NEAR(explained_variance({{a}}), 0, 1e-9);
  a.values = {4, 3, 2, 1};
  EXPECT_LT(explained_variance({{a}}), 0);
}

TEST(PpoMath, GroupAdvantages) {
  const std::vector<double> scores = {1, 0, 0, 1};
  const std::vector<double> plain = group_advantages(scores, false);
  EXPECT_EQ(plain, (std::vector<double>{0.5, -0.5, -0.5, 0.5}));
  const std::vector<double> scaled = group_advantages(scores, true);
  EXPECT_NEAR(scaled[0], 0.5 / (std::sqrt(1.0 / 3) + 1e-4), 1e-9);
  for (const double a : group_advantages(std::vector<double>{2, 2, 2}, true)) EXPECT_EQ(a, 0);
}

}  // namespace
}  // namespace parley::train
