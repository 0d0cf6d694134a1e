// From logits to the next token.
#pragma once

#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "infer/constraint.h"
#include "tensor/view.h"

namespace parley::infer {

using tensor::ConstF32;

// How one request chooses its tokens. The defaults sample from the model's own
// distribution. Applied in this order (Hugging Face's; OpenAI's formula for the
// presence and frequency penalties):
//   1. repetition penalty   2. presence and frequency penalties   3. logit bias, constraint
//   4. temperature   5. top-k   6. top-p   7. min-p   8. draw
struct SamplingParams {
  float temperature = 1;  // 0: greedy, the lowest id among equals
  int64_t top_k = 0;      // keep the k best; 0: all
  float top_p = 1;        // keep the best until their probability reaches p (Holtzman 2020)
  float min_p = 0;        // keep those at least min_p times as probable as the best
  // Tokens in the prompt or the answer: logit / r when positive, · r when not
  // (CTRL, Keskar et al. 2019, section 4.1); 1: off.
  float repetition_penalty = 1;
  // Tokens of the answer: logit − presence − frequency · (times used).
  float presence_penalty = 0, frequency_penalty = 0;
  std::unordered_map<int32_t, float> logit_bias{};  // added; −100 practically forbids
  uint64_t seed = 0;
  int64_t logprobs = 0;  // how many of the best tokens to report beside the chosen one
  int64_t max_tokens = 256;
  std::vector<int32_t> stop_ids{};  // tokens that end the answer
};

// Error naming the field when a value is out of range for a vocabulary of V.
void validate(const SamplingParams& params, int64_t V);

struct TokenLogprob {
  int32_t token;
  float logprob;
};

// A chosen token. Log-probabilities are natural and the model's own: the log-softmax
// of the logits before any of the steps above, what training would compute.
struct Sample {
  int32_t token = 0;
  float logprob = 0;
  std::vector<TokenLogprob> top;  // SamplingParams::logprobs of them, best first
};

// log Σ exp(logits), logits (V). Error when no number comes of it: NaN, +∞, or all −∞.
double log_sum_exp(ConstF32 logits);

// The best of `logits` (V), the lowest id among equals.
int32_t best_token(ConstF32 logits);

// The n best of `logits` (V) as log-probabilities, best first, the lowest id among equals.
std::vector<TokenLogprob> top_logprobs(ConstF32 logits, double lse, int64_t n);

// The choices of one request. Draw number i depends on (seed, stream, i) and the
// logits only: not on the batch, the slot or the thread.
class Sampler {
 public:
  // Validates. `prompt` counts for the repetition penalty. `constraint`, when there is one, must
  // outlive the sampler.
  Sampler(SamplingParams params, int64_t V, std::span<const int32_t> prompt, uint64_t stream,
          Constraint* constraint = nullptr);

  // The next token, by `logits` (V). Error when they are not usable.
  Sample next(ConstF32 logits);

  // The same choice, same draw number, without its log-probability: what a draft model
  // proposes, coupled to what the model itself would draw. To be taken back by rewind().
  int32_t propose(ConstF32 logits);  // not with a constraint
  // Forgets the last choices, which were these tokens.
  void rewind(std::span<const int32_t> tokens);

  const SamplingParams& params() const { return params_; }

 private:
  struct Use {
    bool prompted;     // in the prompt, when there is a repetition penalty
    int64_t answered;  // times in the answer
  };

  int32_t choose(ConstF32 logits);
  const float* adjust(ConstF32 logits);
  void forbid(std::span<const uint64_t> allowed);
  int32_t draw(const float* x, int32_t best);
  void weigh(const float* x, int32_t best);
  int32_t end_of_nucleus(const float* x, int32_t best);

  SamplingParams params_;
  int64_t V_;
  Constraint* constraint_;
  bool plain_;  // steps 1-3 change nothing
  base::Philox random_;
  uint64_t draws_ = 0;
  std::unordered_map<int32_t, Use> used_;
  std::vector<float> adjusted_;  // (V) logits after steps 1-3
  std::vector<float> weights_;   // (V) unnormalised probabilities; 0: not a candidate
  std::vector<int32_t> order_;   // scratch of the selections
  std::vector<double> masses_;   // weights of the buckets of end_of_nucleus
};

}  // namespace parley::infer
