// The policy and its reference: log-probabilities of sampled answers, and the clipped update.
#pragma once

#include <span>
#include <vector>

#include "model/packed_batch.h"
#include "model/reward_model.h"
#include "model/token_head.h"
#include "train/ppo_math.h"
#include "train/rollouts.h"

namespace parley::train {

using tensor::F32;

// Episodes packed once an iteration: the same batches give the old log-probabilities and the
// update, so on unchanged weights both are the same to the last bit.
struct EpisodeBatch {
  model::PackedBatch packed;  // targets only where an answer's token is predicted
  // Where the state before answer token t of places[i] lies: at place.begin + prompt_tokens − 1 +
  // t.
};
std::vector<EpisodeBatch> pack_episodes(std::span<const Episode> episodes, int64_t B, int64_t T);

// Floating-point operations of a training pass over these batches, padding not counted:
// every token through the blocks, answers' tokens through the head (6 · V · C each).
double update_flops(const model::ModelConfig& config, std::span<const EpisodeBatch> batches,
                    std::span<const Episode> episodes);

// What an update reports, means over answer tokens.
struct PolicyStats {
  double loss = 0;
  double ratio_mean = 0, ratio_max = 0, clip_fraction = 0;
  double approx_kl = 0;  // of the new policy from the one that sampled: mean of (ρ − 1) − log ρ
  int64_t tokens = 0;
};

struct PolicyUpdate {
  double clip = 0.2;
  double temperature = 1;
  double kl_in_loss = 0;  // GRPO: β of the k3 estimate, added to the loss
};

class Policy {
 public:
  // Batches of B rows of T tokens.
  Policy(const model::ModelConfig& config, int64_t B, int64_t T);

  // log π of every answer token, (answer) for each episode, into `out`; entropies (nats, mean over
  // tokens) when `entropy` is given.
  void logprobs(const model::Weights& weights, std::span<const EpisodeBatch> batches,
                std::span<const Episode> episodes, double temperature,
                std::vector<std::vector<float>>& out, double* entropy = nullptr);

  // The gradient of the mean clipped loss over the answer tokens of the batches, into `grads`.
  PolicyStats gradient(const model::Weights& weights, model::Weights& grads,
                       std::span<const EpisodeBatch> batches, std::span<const Episode> episodes,
                       std::span<const AnswerTokens> answers, const PolicyUpdate& update);

  // Adds coefficient · the gradient of the mean loss of pre-training text (ptx); returns that
  // loss. The batch has this policy's B and T.
  double add_text_gradient(const model::Weights& weights, model::Weights& grads,
                           const model::Batch& batch, double coefficient);
  // Mean loss alone.
  model::TrainState::LossSum text_loss(const model::Weights& weights, const model::Batch& batch) {
    return state_.forward_loss(weights, batch);
  }

  int64_t B() const { return B_; }
  int64_t T() const { return T_; }

 private:
  model::ModelConfig config_;
  int64_t B_, T_;
  model::TrainState state_;
  model::TokenHead head_;
  tensor::Tensor<float> logprobs_, entropies_;  // (N)
  tensor::Tensor<float> dhidden_;               // (N, C)
};

// The value model: what each state will bring.
class ValueFunction {
 public:
  ValueFunction(const model::ModelConfig& config, int64_t B, int64_t T);

  void values(const model::Weights& weights, std::span<const EpisodeBatch> batches,
              std::span<const Episode> episodes, std::span<AnswerTokens> answers);

  struct Stats {
    double loss = 0, clip_fraction = 0;
  };
  // The gradient of the mean clipped loss over the answer tokens.
  Stats gradient(const model::Weights& weights, model::Weights& grads,
                 std::span<const EpisodeBatch> batches, std::span<const Episode> episodes,
                 std::span<const AnswerTokens> answers, double clip);

 private:
  model::ModelConfig config_;
  model::TrainState state_;
  tensor::Tensor<float> values_, dvalues_;  // (N)
  tensor::Tensor<float> dhidden_;           // (N, C)
};

}  // namespace parley::train
