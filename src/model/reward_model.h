// Models with a scalar head: reward models, and the value models of PPO. They are ordinary
// models whose config says score_head, so they load, save and train like any other.
#pragma once

#include <filesystem>
#include <span>
#include <vector>

#include "model/model.h"
#include "model/packed_batch.h"

namespace parley::model {

// A language model with a fresh head: weights N(0, 1/√(C + 1)) by `seed` for a reward model
// (Stiennon et al. 2020, section C), zeros for a value model that starts from none.
enum class HeadInit { kReward, kZero };
Model with_score_head(const Model& language_model, HeadInit init, uint64_t seed);

// Loads a directory and checks that it has a head: Error naming `parley reward` when not.
Model load_reward_model(const std::filesystem::path& directory);

// scores[n] = hidden[n] · score + bias for every token.
//   hidden (N, C), score (1, C), scores (N)
void score_forward(F32 scores, ConstF32 hidden, ConstF32 score, double bias);
// dhidden (N, C) is written; dscore (1, C) is written, or added to when accumulate.
//   dscores (N)
void score_backward(F32 dhidden, F32 dscore, ConstF32 dscores, ConstF32 hidden, ConstF32 score,
                    bool accumulate);

// Scores sequences of any number by batches of B rows of T tokens.
class Scorer {
 public:
  // Error when T is beyond the model's context.
  Scorer(const ModelConfig& config, int64_t B, int64_t T);

  // Rows of the whole context, and as many as keep the matrix products busy.
  explicit Scorer(const ModelConfig& config);

  // The score at each sequence's last token: a reward model's reward. Error when a sequence is
  // empty or longer than T.
  std::vector<float> score(const Weights& weights, std::span<const std::vector<int32_t>> sequences);
  // The scores of all tokens of a packed batch, (N): a value model's values. Valid until the
  // next call.
  ConstF32 values(const Weights& weights, const PackedBatch& batch);

  int64_t T() const { return T_; }

 private:
  ModelConfig config_;
  int64_t B_, T_;
  TrainState state_;
  tensor::Tensor<float> values_;  // (N)
};

}  // namespace parley::model
