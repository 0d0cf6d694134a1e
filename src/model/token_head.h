// The output layer as losses on chosen tokens see it: log-probabilities at a temperature, and
// the gradient of whatever is made of them (SFT, DPO, PPO). Only rows with a target are
// computed, so a prompt's tokens cost nothing here.
#pragma once

#include <functional>
#include <span>

#include "model/weights.h"

namespace parley::model {

using tensor::ConstI32;

class TokenHead {
 public:
  // For up to N tokens of a model of this shape.
  TokenHead(const ModelConfig& config, int64_t N);

  // logprobs[n] = log softmax(hidden[n] · lm_headᵀ / temperature)[targets[n]], 0 where the target
  // is negative. The same for entropies (nats), unless empty.
  //   hidden (N, C) after the final norm; lm_head (V, C); targets, logprobs, entropies (N)
  void forward(F32 logprobs, F32 entropies, ConstF32 hidden, ConstF32 lm_head, ConstI32 targets,
               float temperature = 1);

  // d loss / d logprob of token n, knowing its log-probability.
  using Gradient = std::function<float(int64_t n, float logprob)>;

  // forward(), and the gradients of a loss that is a function of the log-probabilities:
  // dhidden (N, C) is written (zero rows where there is no target); dlm_head (V, C) is written, or
  // added to when accumulate; an empty dlm_head is left out (frozen).
  void backward(F32 logprobs, F32 entropies, F32 dhidden, F32 dlm_head, ConstF32 hidden,
                ConstF32 lm_head, ConstI32 targets, const Gradient& gradient, bool accumulate,
                float temperature = 1);

 private:
  struct Chunk;
  template <typename Fn>
  void for_chunks(ConstF32 hidden, ConstF32 lm_head, ConstI32 targets, float temperature, Fn&& fn);

  std::vector<int64_t> rows_;               // those with a target
  tensor::Tensor<float> hidden_, dhidden_;  // (chunk, C)
  tensor::Tensor<float> logits_;            // (chunk, V)
  tensor::Tensor<int32_t> targets_;         // (chunk)
  tensor::Tensor<float> losses_, dlosses_;  // (chunk)
};

}  // namespace parley::model
