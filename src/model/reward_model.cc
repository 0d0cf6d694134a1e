#include "model/reward_model.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <string_view>

#include "base/error.h"
#include "base/random.h"
#include "kernels/matmul.h"
#include "model/hf.h"

namespace parley::model {
namespace {

constexpr int64_t kBatchTokens = 8192;

}  // namespace

Model with_score_head(const Model& language_model, HeadInit init, uint64_t seed) {
  Model model;
  model.config = language_model.config;
  model.config.score_head = true;
  model.config.score_bias = 0;
  model.config.tied_embeddings = true;  // no output matrix
  model.weights = Weights(model.config);
  std::map<std::string_view, F32> parts;
  for (const ParamInfo& info : language_model.weights.params())
    parts[info.name] = language_model.weights.view(info);
  for (const ParamInfo& info : model.weights.params())
    if (const auto it = parts.find(info.name); it != parts.end())
      std::ranges::copy(it->second, model.weights.view(info).begin());
  if (language_model.config.score_head) {  // a head already: it goes on from there
    model.config.score_bias = language_model.config.score_bias;
    return model;
  }
  constexpr uint64_t kHeadStream = uint64_t{1} << 41;
  const base::Philox random(seed, kHeadStream);
  const double std = 1 / std::sqrt(static_cast<double>(model.config.C) + 1);
  for (int64_t c = 0; c < model.config.C; ++c)
    model.weights.score[c] =
        init == HeadInit::kZero ? 0.0f
                                : static_cast<float>(std * random.normal(static_cast<uint64_t>(c)));
  return model;
}

Model load_reward_model(const std::filesystem::path& directory) {
  if (!load_config(directory).score_head)
    base::fail(
        "{}: a language model, not a reward model: it has no score head; train one with `parley "
        "reward --model {} --data FILE --out RUN`",
        directory.string(), directory.string());
  return load_model(directory);
}

void score_forward(F32 scores, ConstF32 hidden, ConstF32 score, double bias) {
  const int64_t N = hidden.dim(0);
  PARLEY_CHECK(scores.size() == N, "scores {}, hidden {}", scores.shape().str(),
               hidden.shape().str());
  kernels::matmul_forward(scores.reshape(Shape{N, 1}), hidden, score, {});
  for (float& value : scores) value += static_cast<float>(bias);
}

void score_backward(F32 dhidden, F32 dscore, ConstF32 dscores, ConstF32 hidden, ConstF32 score,
                    bool accumulate) {
  const ConstF32 dout = dscores.reshape(Shape{dscores.size(), 1});  // (N, 1)
  kernels::matmul_backward_input(dhidden, dout, score);
  kernels::matmul_backward_weight(dscore, {}, dout, hidden, accumulate);
}

Scorer::Scorer(const ModelConfig& config, int64_t B, int64_t T)
    : config_(config),
      B_(B),
      T_(T),
      state_(config, {.B = B, .T = T, .recompute = true}),
      values_(Shape{B * T}) {}

Scorer::Scorer(const ModelConfig& config)
    : Scorer(config, std::max<int64_t>(1, kBatchTokens / config.T), config.T) {}

std::vector<float> Scorer::score(const Weights& weights,
                                 std::span<const std::vector<int32_t>> sequences) {
  std::vector<float> scores(sequences.size());
  for (const PackedBatch& batch : pack(sequences, B_, T_)) {
    const ConstF32 all = values(weights, batch);
    for (const Place& place : batch.places)
      scores[place.sequence] = all[place.begin + place.count - 1];
  }
  return scores;
}

ConstF32 Scorer::values(const Weights& weights, const PackedBatch& batch) {
  score_forward(values_, state_.forward(weights, batch.views()), weights.score, config_.score_bias);
  return values_;
}

}  // namespace parley::model
