#include "train/ppo_math.h"

#include <algorithm>
#include <cmath>

#include "base/error.h"

namespace parley::train {

std::vector<float> token_rewards(std::span<const float> logprobs,
                                 std::span<const float> ref_logprobs, double score, double beta,
                                 KlEstimator estimator) {
  PARLEY_CHECK(!logprobs.empty() && logprobs.size() == ref_logprobs.size(),
               "{} log-probabilities, {} of the reference", logprobs.size(), ref_logprobs.size());
  std::vector<float> rewards(logprobs.size());
  for (size_t t = 0; t < rewards.size(); ++t) {
    const double d = static_cast<double>(logprobs[t]) - static_cast<double>(ref_logprobs[t]);
    const double kl = estimator == KlEstimator::kK1 ? d : std::expm1(-d) + d;
    rewards[t] = static_cast<float>(-beta * kl);
  }
  rewards.back() += static_cast<float>(score);
  return rewards;
}

void gae(AnswerTokens& answer, double gamma, double lambda) {
  const size_t n = answer.rewards.size();
  PARLEY_CHECK(answer.values.size() == n, "{} rewards, {} values", n, answer.values.size());
  answer.advantages.resize(n);
  answer.returns.resize(n);
  double advantage = 0, next_value = 0;
  for (size_t t = n; t-- > 0;) {
    const auto value = static_cast<double>(answer.values[t]);
    const double delta = static_cast<double>(answer.rewards[t]) + gamma * next_value - value;
    advantage = delta + gamma * lambda * advantage;
    answer.advantages[t] = static_cast<float>(advantage);
    answer.returns[t] = static_cast<float>(advantage + value);
    next_value = value;
  }
}

Moments moments(std::span<const std::vector<float>* const> lists) {
  Moments m;
  double sum = 0;
  for (const std::vector<float>* list : lists) {
    for (const float x : *list) sum += static_cast<double>(x);
    m.count += std::ssize(*list);
  }
  if (m.count == 0) return m;
  m.mean = sum / static_cast<double>(m.count);
  double squares = 0;
  for (const std::vector<float>* list : lists)
    for (const float x : *list) {
      const double d = static_cast<double>(x) - m.mean;
      squares += d * d;
    }
  m.variance = squares / static_cast<double>(m.count);
  return m;
}

void whiten(std::span<std::vector<float>* const> lists, bool shift_mean) {
  const std::vector<const std::vector<float>*> readable(lists.begin(), lists.end());
  const Moments m = moments(readable);
  const double scale = 1 / std::sqrt(m.variance + 1e-8);
  for (std::vector<float>* list : lists)
    for (float& x : *list)
      x = static_cast<float>((static_cast<double>(x) - m.mean) * scale + (shift_mean ? 0 : m.mean));
}

void AdaptiveKl::update(double kl, int64_t episodes) {
  const double error = std::clamp(kl / target - 1, -0.2, 0.2);
  beta *= 1 + error * static_cast<double>(episodes) / horizon;
}

PolicyLoss policy_loss(double logprob, double old_logprob, double advantage, double clip) {
  const double ratio = std::exp(logprob - old_logprob);
  const double free = -advantage * ratio;
  const double bounded = -advantage * std::clamp(ratio, 1 - clip, 1 + clip);
  // At equality (inside the clip) the gradient is the free one's.
  const bool clipped = bounded > free;
  return {std::max(free, bounded), ratio, clipped ? 0 : free, clipped};
}

ValueLoss value_loss(double value, double old_value, double ret, double clip) {
  const double bounded = std::clamp(value, old_value - clip, old_value + clip);
  const double free_error = value - ret, bounded_error = bounded - ret;
  const double free = free_error * free_error, held = bounded_error * bounded_error;
  if (held > free) return {0.5 * held, bounded == value ? bounded_error : 0, true};
  return {0.5 * free, free_error, false};
}

double explained_variance(std::span<const AnswerTokens> answers) {
  std::vector<std::vector<float>> errors;
  std::vector<const std::vector<float>*> returns, residuals;
  errors.reserve(answers.size());
  for (const AnswerTokens& a : answers) {
    std::vector<float>& error = errors.emplace_back(a.returns);
    for (size_t t = 0; t < error.size(); ++t) error[t] -= a.values[t];
    returns.push_back(&a.returns);
    residuals.push_back(&error);
  }
  const double variance = moments(returns).variance;
  return variance > 0 ? 1 - moments(residuals).variance / variance : 0;
}

std::vector<double> group_advantages(std::span<const double> scores, bool divide_by_std) {
  double mean = 0, squares = 0;
  for (const double s : scores) mean += s / static_cast<double>(scores.size());
  for (const double s : scores) squares += (s - mean) * (s - mean);
  const double std =
      scores.size() > 1 ? std::sqrt(squares / static_cast<double>(scores.size() - 1)) : 0;
  std::vector<double> advantages;
  for (const double s : scores)
    advantages.push_back(std == 0 ? 0 : (s - mean) / (divide_by_std ? std + 1e-4 : 1));
  return advantages;
}

}  // namespace parley::train
