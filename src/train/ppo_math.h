// The formulas of PPO on answers, plain and testable. Papers: PPO (Schulman et al. 2017, arXiv
// 1707.06347), GAE (Schulman et al. 2016, arXiv 1506.02438), lm-human-preferences (Ziegler et
// al. 2019, arXiv 1909.08593), InstructGPT (Ouyang et al. 2022, arXiv 2203.02155), "The N+
// implementation details of RLHF with PPO" (Huang et al. 2024, arXiv 2403.17031).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace parley::train {

// The tokens of one answer, n of them: its last one is the end of turn, unless it was cut.
// logprobs[t] is that of token t; values[t] is the value of the state before it.
struct AnswerTokens {
  std::vector<float> logprobs, ref_logprobs;  // (n) of the policy that sampled, of the reference
  std::vector<float> values;                  // (n)
  double score = 0;                           // of the whole answer
  // What follows from them:
  std::vector<float> rewards;     // (n)
  std::vector<float> advantages;  // (n)
  std::vector<float> returns;     // (n) advantages + values
};

// How the KL divergence from the reference is estimated from one sample a token; d = log π −
// log π_ref (Schulman, "Approximating KL divergence").
enum class KlEstimator {
  kK1,  // d: unbiased, may be negative
  kK3,  // exp(−d) − 1 + d: unbiased too, never negative
};

// rewards[t] = −β · KL[t], and the score at the last token.
std::vector<float> token_rewards(std::span<const float> logprobs,
                                 std::span<const float> ref_logprobs, double score, double beta,
                                 KlEstimator estimator = KlEstimator::kK1);

// Generalised advantage estimation over one answer; the state after its last token has value 0.
//   δ[t] = r[t] + γ V[t + 1] − V[t];  A[t] = δ[t] + γλ A[t + 1]
void gae(AnswerTokens& answer, double gamma, double lambda);

// Mean and biased variance of all values of all lists.
struct Moments {
  double mean = 0, variance = 0;
  int64_t count = 0;
};
Moments moments(std::span<const std::vector<float>* const> lists);

// x ← (x − mean) / sqrt(variance + 1e-8), over all of them; the mean is put back unless
// `shift_mean` (lm-human-preferences: rewards keep their mean, advantages do not).
void whiten(std::span<std::vector<float>* const> lists, bool shift_mean);

// The KL coefficient of lm-human-preferences: β grows when the KL is above its target.
//   β ← β · (1 + clip(KL / target − 1, ±0.2) · episodes / horizon)
struct AdaptiveKl {
  double beta = 0.15, target = 6;
  double horizon = 10000;  // episodes
  void update(double kl, int64_t episodes);
};

// One token's clipped policy loss −min(ρA, clip(ρ, 1 ± ε)A), ρ = exp(logprob − old).
struct PolicyLoss {
  double loss, ratio;
  double dlogprob;  // of the loss
  bool clipped;     // the clipped side was the larger loss
};
PolicyLoss policy_loss(double logprob, double old_logprob, double advantage, double clip);

// One token's clipped value loss ½ max((V − R)², (clip(V, V_old ± ε) − R)²).
struct ValueLoss {
  double loss;
  double dvalue;
  bool clipped;
};
ValueLoss value_loss(double value, double old_value, double ret, double clip);

// 1 − Var[returns − values] / Var[returns], the share of the returns that values foresaw.
double explained_variance(std::span<const AnswerTokens> answers);

// GRPO (Shao et al. 2024, arXiv 2402.03300, section 4.1): an answer's advantage is its score
// among the answers to the same prompt, (score − mean) / (standard deviation + 1e-4), or without
// the division (Liu et al. 2025, "Dr. GRPO"). 0 in a group whose scores are all equal.
std::vector<double> group_advantages(std::span<const double> scores, bool divide_by_std);

}  // namespace parley::train
